"""What `lindley select` writes: id, rank and score, as CSV or JSON lines, and how such a file is known again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.id_files import COLUMN, QUOTED_COLUMN, csv_id
from lindley.spreadsheet import unquote_cell
from lindley.text import visible

FORMATS = ("csv", "jsonl")
_LARGEST = 1 << 28
"""Bytes beyond which a file is taken for something else without a look."""


@dataclass(frozen=True)
class Line:
    """One chosen candidate."""

    id: str | int
    rank: int
    score: float


def as_text(lines: Sequence[Line], form: str, *, spreadsheet: bool = False) -> str:
    """Return the content of the file.

    Args:
        lines: What was chosen, best first.
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
    """Whether the file holds nothing but what `as_text` writes, byte for byte: no label, no column more."""
    if path.stat().st_size > _LARGEST:
        return False
    try:
        text = path.read_bytes().decode()
        form = "jsonl" if text.startswith("{") else "csv"
        lines = list(_from_json(text) if form == "jsonl" else _from_csv(text))
        return not text or text == as_text(lines, form, spreadsheet=text.startswith(QUOTED_COLUMN))
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        return False


def _json_line(line: Line) -> str:
    """Letters stay letters, but where some would end the line or be obeyed by a terminal."""
    text = json.dumps(vars(line), ensure_ascii=False)
    return (text if visible(text) == text else json.dumps(vars(line))) + "\n"


def _from_json(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n")[:-1], 1):
        yield Line(**{**json.loads(line), "rank": number})


def _from_csv(text: str) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    quoted = text.startswith(QUOTED_COLUMN)
    for number, (name, _, score) in enumerate(rows):
        if number:
            yield Line(unquote_cell(name) if quoted else name, number, float(score))
