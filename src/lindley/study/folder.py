"""The output folder of a study: names of its files, and the study in it. This module does not import torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lindley.errors import InputError
from lindley.files import read_plain_file
from lindley.study.config.schema import Study

FILE_NAME = "study.json"
LOCK_NAME = "study"
"""Lock held, in study.lock, while study.json or the report is written, or a sink receives rounds."""
SLOT_NAME = "running.lock"
"""Each process that runs the study locks this file, or one beside it with a number at its end."""
_MOST_BYTES = 64 << 20
PATIENCE_SECONDS = 600.0
"""Seconds to wait for another process to write its report, or to send its rounds."""


def require_study(out: Path) -> None:
    """Raise InputError where the folder holds no study."""
    if not (out / FILE_NAME).is_file():
        raise InputError(
            f"{out} holds no study (there is no {FILE_NAME}). Name the output folder of `lindley run`.",
            argument="out",
            got=str(out),
        )


def read_study(out: Path) -> Study:
    """Return the study of a folder.

    Raises InputError where there is none, or one that this version cannot read.
    """
    require_study(out)
    try:
        return Study.model_validate_json(read_plain_file(out / FILE_NAME, max_bytes=_MOST_BYTES))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "".join(f"{part}." for part in first["loc"]).rstrip(".")
        raise InputError(
            f"{out / FILE_NAME} is not a study of this version of lindley ({where}{': ' * bool(where)}{first['msg']}). "
            "Restore the file, or run the study again into another folder.",
            argument=where,
            got=first["input"],
        ) from None
    except Exception as error:  # whatever a reader raises
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise InputError(
            f"{out / FILE_NAME} cannot be read: {why}. Restore the file.", argument="out", got=str(out)
        ) from None


def read_json(out: Path) -> Any:
    """Return the JSON of study.json, of any version.

    Raises FileNotFoundError where there is none, ValueError where it is not JSON or not a file.
    """
    try:
        return json.loads(read_plain_file(out / FILE_NAME, max_bytes=_MOST_BYTES))
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever a reader raises
        raise ValueError(f"{out / FILE_NAME} is not JSON") from error
