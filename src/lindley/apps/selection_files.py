"""The output of `lindley select`: id, rank and score, as CSV or JSON lines, and a test for such files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.id_files import COLUMN, QUOTED_COLUMN, csv_id
from lindley.spreadsheet import unquote_cell
from lindley.text import escape_controls

FORMATS = ("csv", "jsonl")
_MAX_BYTES = 1 << 28
"""Bytes beyond which a file counts as something else without being read."""


@dataclass(frozen=True)
class SelectionLine:
    """A selected candidate."""

    id: str | int
    rank: int
    score: float


def format_selection(lines: Sequence[SelectionLine], form: str, *, spreadsheet: bool = False) -> str:
    """Return the content of the output file.

    Args:
        lines: The selected candidates, best first.
        form: "csv" or "jsonl".
        spreadsheet: Whether ids of a CSV file are quoted for spreadsheet programs; the heading of the column says so.
    """
    if form == "jsonl":
        return "".join(map(_json_line, lines))
    heading = f"{QUOTED_COLUMN if spreadsheet else COLUMN},rank,score\n"
    return heading + "".join(
        f"{csv_id(line.id, spreadsheet=spreadsheet)},{line.rank},{line.score!r}\n" for line in lines
    )


def is_selection(path: Path) -> bool:
    """Whether a file holds exactly the output of `format_selection`: no label and no column was added."""
    if path.stat().st_size > _MAX_BYTES:
        return False
    try:
        text = path.read_bytes().decode()
        form = "jsonl" if text.startswith("{") else "csv"
        lines = list(_parse_json(text) if form == "jsonl" else _parse_csv(text))
        return not text or text == format_selection(lines, form, spreadsheet=text.startswith(QUOTED_COLUMN))
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        return False


def _json_line(line: SelectionLine) -> str:
    """Letters are kept, unless some would end the line or be obeyed by a terminal."""
    text = json.dumps(vars(line), ensure_ascii=False)
    return (text if escape_controls(text) == text else json.dumps(vars(line))) + "\n"


def _parse_json(text: str) -> Iterator[SelectionLine]:
    for number, line in enumerate(text.split("\n")[:-1], 1):
        yield SelectionLine(**{**json.loads(line), "rank": number})


def _parse_csv(text: str) -> Iterator[SelectionLine]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    quoted = text.startswith(QUOTED_COLUMN)
    for number, (name, _, score) in enumerate(rows):
        if number:
            yield SelectionLine(unquote_cell(name) if quoted else name, number, float(score))
