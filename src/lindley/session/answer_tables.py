"""Queries and answers as CSV files, for people who label in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from lindley.errors import InputError
from lindley.names import nearest
from lindley.session.events import Answer, AnswerOutcome
from lindley.session.files import read_plain_file, write_atomically
from lindley.spreadsheet import quote_cell
from lindley.text import brief

COLUMNS = ("row", "label", "reason")
_NO_LABEL: dict[str, AnswerOutcome] = {"skip": "skip", "none": "none_of_the_classes"}
"""Cells that are no class, unless a class has that name."""


def write(path: Path, rows: Sequence[int], items: Sequence[object] | None) -> None:
    """Write a line for each row, with empty cells for its label and a reason, and what it is where that is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *(["item"] if items is not None else [])])
    for position, row in enumerate(rows):
        writer.writerow([row, "", "", *([quote_cell(str(items[position]))] if items is not None else [])])
    write_atomically(path, text.getvalue().encode("utf-8-sig"))


def read(path: Path, class_names: Sequence[str], num_rows: int, annotator: str) -> list[Answer]:
    """Return the answers of a filled-in file; lines without a label are left out.

    Raises InputError, naming the line, where a cell is no class or a row is not in the pool.
    """
    try:
        text = read_plain_file(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{path} cannot be read as a CSV file in UTF-8 ({error}); save it as "CSV UTF-8"') from None
    dialect = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        return _read(path, text, dialect, class_names, num_rows, annotator)
    finally:
        csv.field_size_limit(limit)


def _read(
    path: Path, text: str, dialect: str, class_names: Sequence[str], num_rows: int, annotator: str
) -> list[Answer]:
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=dialect)
    if missing := [name for name in COLUMNS[:2] if name not in (lines.fieldnames or ())]:
        raise InputError(f"{path} has no column {missing[0]!r}; it has {list(lines.fieldnames or ())}")
    answers: dict[int, Answer] = {}
    try:
        for line in lines:
            label = (line["label"] or "").strip()
            if not label:
                continue
            answer = _answer(line, label, class_names, num_rows, annotator, f"{path}, line {lines.line_num}")
            if answer.row in answers:
                raise InputError(f"{path}, line {lines.line_num}: row {answer.row} comes twice")
            answers[answer.row] = answer
    except csv.Error as error:
        raise InputError(f"{path}, line {lines.line_num} cannot be read: {error}") from None
    return list(answers.values())


def _answer(
    line: dict[str, str], label: str, class_names: Sequence[str], num_rows: int, annotator: str, where: str
) -> Answer:
    cell = (line["row"] or "").strip()
    if not (cell.isascii() and cell.isdigit() and len(cell) < 19 and int(cell) < num_rows):
        raise InputError(f"{where}: the row must be from 0 to {num_rows - 1}; got {brief(cell)}")
    reason = (line.get("reason") or "").strip()
    if label in class_names:
        return Answer(int(cell), class_names.index(label), annotator=annotator, reason=reason)
    if label not in _NO_LABEL:
        known = f"It may also be {' or '.join(_NO_LABEL)}."
        raise InputError(f"{where}: there is no class {brief(label)}.{nearest(label, class_names)} {known}")
    return Answer(int(cell), outcome=_NO_LABEL[label], annotator=annotator, reason=reason)
