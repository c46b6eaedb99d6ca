"""The status of a project as a page: the answer on its first screen, then charts, each with its numbers in a table.

It shows the `ProjectStatus` that `lindley status` prints, through the same functions, so the two never differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lindley.apps import project_status as text
from lindley.apps import status_tables
from lindley.apps.web import charts
from lindley.labelling.status_records import ProjectStatus
from lindley.text import count_noun

SHOWN_CLASSES = 20
"""The number of classes whose recall is shown at once; the others are in a part that opens."""


def render_status(status: ProjectStatus, folder: Path, trainer: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    Args:
        status: The status.
        folder: The folder of the project, for the commands that are proposed.
        trainer: What the trainer does: its "state" and its last "error".
    """
    return _ENVIRONMENT.get_template("status.html").render(
        status=status,
        trainer=trainer,
        audited=text.headline_audit(status),
        step=text.next_step(status, folder),
        sentences=list(text.sentence_lines(status, folder)),
        signs=status.advice.signs if [*text.sign_lines(status)] else (),
        tables={each.title: each for each in status_tables.status_tables(status)},
        curve=status_tables.curve_points(status),
        shown_classes=SHOWN_CLASSES,
        judged=[{"item": each.item, "place": each.place} for each in status.suspects],
    )


def _keep_together(sentence: str) -> str:
    """Return a text with no line break between a number and its percent sign."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


_ENVIRONMENT = Environment(
    loader=PackageLoader("lindley.apps.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "percent": lambda share: _keep_together(status_tables.percent(share)),
    "together": _keep_together,
}
_ENVIRONMENT.globals |= {"text": text, "cells": status_tables, "charts": charts, "count_noun": count_noun, "zip": zip}
