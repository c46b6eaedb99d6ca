"""CSV and TSV files in UTF-8, with any quoting; a record that is damaged is named by its line, and passed over."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, final

from lindley.errors import DataError, InputError
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.table import Line, Table, text_fault

MAX_CHARACTERS = 1 << 24
"""The longest line and the longest cell. What is longer has lost a quotation mark, or is no table."""


@final
class TextLines:
    """The lines of a file, numbered from 1; a line that is too long raises csv.Error, and the next one follows."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.recent: list[str] = []
        """The lines since this list was last cleared."""

    def __iter__(self) -> TextLines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_CHARACTERS)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_CHARACTERS and line[-1] not in "\r\n":
            while (rest := self._file.readline(MAX_CHARACTERS)) and rest[-1] not in "\r\n":
                pass
            raise csv.Error(f"the line has more than {MAX_CHARACTERS:,} characters")
        self.recent.append(line)
        return line


def open_text(path: Path) -> TextIO:
    """Open a text file; bytes that are not UTF-8 become halves of characters, which `text_fault` names."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def open_delimited(path: Path) -> Table:
    """Open a CSV file (commas, or semicolons as some spreadsheets write) or a TSV file, whose first line names columns.

    In a TSV file a quotation mark may also be a character like any other: a line that is not quoted as a CSV file
    would be is taken as it stands.

    Raises:
        InputError: If the file is empty.
        DataError: If its first line is no line of UTF-8 text.
    """
    with open_text(path) as file:
        lines = TextLines(file)
        try:
            first = next(lines, "")
            delimiter = _delimiter(path, first)
            columns = next(csv.reader([first], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise DataError(f"{path} is no {path.suffix} file: line 1: {error}", path=path) from None
    if fault := text_fault(first):
        raise DataError(f"{path} is no text: line 1: {fault}", path=path)
    if not columns:
        raise InputError(f"{path} is empty: its first line must name its columns.", argument="path", got=str(path))
    names = tuple(columns)
    return Table(path, names, lambda _: _read(path, names, delimiter), is_typed=False)


def _delimiter(path: Path, line: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    return ";" if line.count(";") > line.count(",") else ","


def _read(path: Path, columns: Sequence[str], delimiter: str) -> Iterator[Line | Unreadable]:
    with open_text(path) as file:
        lines = TextLines(file)
        next(lines)
        records = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            lines.recent.clear()
            start = lines.number + 1
            try:
                cells = _next_record(records)
            except csv.Error as error:
                yield from _recover(path, lines, columns, delimiter, start, str(error))
                continue
            if cells is None:
                return
            if cells:
                yield _line(f"{path.name}, line {start}", columns, cells, delimiter)


def _next_record(records: Iterator[list[str]]) -> list[str] | None:
    """Return the next record; its cells may be longer than the csv module's 131,072 characters."""
    before = csv.field_size_limit(MAX_CHARACTERS)
    try:
        return next(records, None)
    finally:
        csv.field_size_limit(before)


def _recover(
    path: Path, lines: TextLines, columns: Sequence[str], delimiter: str, start: int, fault: str
) -> Iterator[Line | Unreadable]:
    """Yield the lines of a damaged record as they stand where the file is a TSV file, else the reason."""
    if delimiter == "\t" and lines.recent:
        for number, line in enumerate(lines.recent, start):
            yield _line(f"{path.name}, line {number}", columns, line.rstrip("\r\n").split("\t"), delimiter)
        return
    until = f" (up to line {lines.number})" if lines.number > start else ""
    yield Unreadable(f"{path.name}, line {start}", f"it is not quoted as a CSV file is{until}: {fault}")


def _line(place: str, columns: Sequence[str], cells: Sequence[str], delimiter: str) -> Line | Unreadable:
    if len(cells) == len(columns):
        return Line(place, dict(zip(columns, cells, strict=True)))
    advice = f"; quote cells that hold {delimiter!r}" if len(cells) > len(columns) else ""
    return Unreadable(place, f"it has {len(cells)} cells, and the first line {len(columns)}{advice}")
