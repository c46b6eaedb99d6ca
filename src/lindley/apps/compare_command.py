"""`lindley compare`: what the journals of a folder say of its acquisitions, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lindley.errors import InputError
from lindley.loop.files import write_atomically
from lindley.study.comparison.outputs import HOW_COMPARED, PanelComparison, as_json, compare, csv_rows, tables
from lindley.study.curves import load_results
from lindley.study.provenance import unfinished
from lindley.study.tables import Table

_WIDTH = 132
"""Columns of a text that does not go to a terminal."""


def compare_folder(
    folder: Path,
    *,
    against: str | None = None,
    percent: float | None = None,
    format: str = "text",
    out: Path | None = None,
) -> None:
    """Print the comparison, or write it to `out`.

    Raises InputError for a folder without a study, an acquisition that has no trial, an unknown format, an accuracy
    that is no percentage, and where nothing can be compared.
    """
    if format not in _FORMATS:
        raise InputError(f'--format is "{format}"; allowed: {", ".join(_FORMATS)}.')
    if percent is not None and not 1 < percent <= 100:  # nor NaN
        raise InputError(f"--accuracy is {percent:g}; it is in percent, above 1 and up to 100: 95, not 0.95.")
    results = load_results(folder)
    found = compare(results, against, accuracy=None if percent is None else percent / 100)
    if not found:
        raise InputError(
            f"nothing can be compared in {folder}: it needs two acquisitions with two rounds under the same seed."
        )
    missing = unfinished(results)
    if missing:
        typer.echo(f"Trials that are not finished: {len(missing)}. What there is of them counts.", err=True)
    text = _FORMATS[format](found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(out, text.encode())


def _as_text(found: Sequence[PanelComparison]) -> str:
    console = Console(file=io.StringIO(), width=max(Console().width, _WIDTH), highlight=False)
    for panel in found:
        console.print(panel.title, style="bold", markup=False)
        for sentence in panel.verdicts:
            console.print(f"  {sentence}", markup=False, soft_wrap=True)
        for table in tables(panel):
            console.print(_drawn(table))
    console.print(HOW_COMPARED, markup=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _drawn(table: Table) -> RichTable:
    drawn = RichTable(title=Text(table.title), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if place == 0 else "right")
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def _as_json(found: Sequence[PanelComparison]) -> str:
    return json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n"


def _as_csv(found: Sequence[PanelComparison]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(csv_rows(found))
    return text.getvalue()


_FORMATS: dict[str, Callable[[Sequence[PanelComparison]], str]] = {"text": _as_text, "json": _as_json, "csv": _as_csv}
