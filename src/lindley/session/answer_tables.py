"""Queries and answers as CSV files, for people who label in a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lindley.errors import InputError
from lindley.files import read_plain_file, write_atomically
from lindley.names import suggest_name
from lindley.session.events import Answer, AnswerOutcome
from lindley.spreadsheet import quote_cell
from lindley.text import short_repr

COLUMNS = ("row", "label", "reason")
_NO_LABEL: dict[str, AnswerOutcome] = {"skip": "skip", "none": "none_of_the_classes"}
"""Cells that are no class, unless a class has that name."""


def write(path: str | os.PathLike[str], rows: Sequence[int], items: Sequence[object] | None, num_rows: int) -> None:
    """Write a line for each row, with empty cells for its label and a reason, and its item where there are items.

    Args:
        path: The file; it is replaced.
        rows: The rows to label, [n].
        items: For each row of the pool what a person reads, [N]; None: nothing but its number.
        num_rows: The number of rows of the pool, N.

    Raises:
        InputError: If the file cannot be written, or if there is not one item for each row of the pool.
    """
    place = _check_path(path)
    _check_items(items, num_rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *(["item"] if items is not None else [])])
    for row in rows:
        writer.writerow([row, "", "", *([quote_cell(str(items[row]))] if items is not None else [])])
    try:
        write_atomically(place, text.getvalue().encode("utf-8-sig", "backslashreplace"))
    except OSError as error:
        raise InputError(f"{place} cannot be written: {error.strerror}. Name another file.", argument="path") from None


def read(path: str | os.PathLike[str], class_names: Sequence[str], num_rows: int, annotator: str) -> list[Answer]:
    """Return the answers of a filled-in file; lines without a label are left out.

    A cell names the class that it equals, blanks included, or else the class that it equals without blanks around.

    Args:
        path: The file.
        class_names: The names of the classes, [C].
        num_rows: The number of rows of the pool, N.
        annotator: Who gave the answers.

    Raises:
        InputError: If the file is no such table, a cell is no class, or a row is not in the pool; it names the line.
    """
    place = _check_path(path)
    try:
        text = read_plain_file(place).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f'{place} cannot be read as a CSV file in UTF-8 ({error}). Save it as "CSV UTF-8".', argument="path"
        ) from None
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        return _Table(place, class_names, num_rows, annotator).read(text, delimiter)
    finally:
        csv.field_size_limit(limit)


class _Table:
    """Reads the lines of one file."""

    def __init__(self, path: Path, class_names: Sequence[str], num_rows: int, annotator: str) -> None:
        self._path, self._num_rows, self._annotator = path, num_rows, annotator
        self._classes = {name: index for index, name in enumerate(class_names)}
        stripped = [name.strip() for name in class_names]
        self._stripped = {name: index for index, name in enumerate(stripped) if stripped.count(name) == 1}

    def read(self, text: str, delimiter: str) -> list[Answer]:
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        answers: dict[int, Answer] = {}
        try:
            self._check_columns(lines.fieldnames or ())
            for line in lines:
                where = f"{self._path}, line {lines.line_num}"
                if any(line.pop(None, ())):
                    raise InputError(
                        f"{where} has more cells than there are columns. Quote cells that hold a {delimiter!r}."
                    )
                if not (line["label"] or "").strip():
                    continue
                answer = self._answer(line, where)
                if answer.row in answers:
                    raise InputError(
                        f"{where}: row {answer.row} comes twice. Keep one of its lines.", rows=[answer.row]
                    )
                answers[answer.row] = answer
        except csv.Error as error:
            raise InputError(f"{self._path}, line {lines.line_num} cannot be read: {error}.") from None
        return list(answers.values())

    def _check_columns(self, names: Sequence[str]) -> None:
        if missing := [name for name in COLUMNS[:2] if name not in names]:
            raise InputError(f"{self._path} has no column {missing[0]!r}; it has {list(names)}.", argument=missing[0])
        if twice := [name for name in names if name and names.count(name) > 1]:
            raise InputError(
                f"{self._path} has several columns {twice[0]!r}. Keep the one that counts.", argument=twice[0]
            )

    def _answer(self, line: Mapping[str, str], where: str) -> Answer:
        cell = (line["row"] or "").strip()
        if not (cell.isascii() and cell.isdigit() and len(cell) < 19 and int(cell) < self._num_rows):
            raise InputError(
                f"{where}: the row must be from 0 to {self._num_rows - 1}; got {short_repr(cell)}.",
                argument="row",
                got=cell,
            )
        row, label, reason = int(cell), line["label"], (line.get("reason") or "").strip()
        index = self._classes.get(label, self._stripped.get(label.strip()))
        if index is not None:
            return Answer(row, index, annotator=self._annotator, reason=reason)
        if label.strip() not in _NO_LABEL:
            raise InputError(
                f"{where}: there is no class {short_repr(label)}.{suggest_name(label, self._classes)} It may also be "
                f"{' or '.join(_NO_LABEL)}.",
                argument="label",
                got=label,
                rows=[row],
            )
        return Answer(row, outcome=_NO_LABEL[label.strip()], annotator=self._annotator, reason=reason)


def _check_path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InputError(argument="path", expected="the path of a file", got=path)
    place = Path(path)
    if place.is_dir():
        raise InputError(argument="path", expected="the path of a file, and not of a folder", got=str(place))
    return place


def _check_items(items: Any, num_rows: int) -> None:
    if items is None:
        return
    is_list = hasattr(items, "__len__") and hasattr(items, "__getitem__")
    if not is_list or isinstance(items, str | bytes | Mapping | type):
        raise InputError(argument="items", expected="a list with an item for each row of the pool", got=items)
    if len(items) != num_rows:
        raise InputError(
            argument="items", expected=f"of length {num_rows}, one for each row of the pool", got=len(items)
        )
