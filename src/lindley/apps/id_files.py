"""Ids of candidates: one a line, a column of a CSV, TSV or Parquet file, or a NumPy array."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO, TypeGuard

import numpy as np

from lindley.apps.input_files import Location, choose_name, name_file_in_errors
from lindley.apps.numpy_files import map_npy, npz_names, read_npz_array
from lindley.apps.parquet_files import read_column
from lindley.errors import DataError, InputError
from lindley.spreadsheet import quote_cell, unquote_cell

Ids = list[str | int]

COLUMN = "id"
QUOTED_COLUMN = f"'{COLUMN}"
"""The heading of a column whose ids are quoted for spreadsheet programs; `read_ids` unquotes them."""
_MAX_FIELD = (1 << 31) - 1
_SEPARATORS = {",": "commas", "\t": "tabs"}
_MAX_LISTED = 10
_PART_ROWS = 10_000


def read_ids(text: str, predictions: Location, *, argument: str = "ids") -> Ids:
    """Read the ids in FILE or FILE:NAME; a NAME alone is a column or array of the predictions' own file.

    Args:
        text: FILE, FILE:NAME or NAME.
        predictions: The file of the predictions.
        argument: What the ids are for, for messages.

    Raises:
        InputError: If an id comes twice or is neither text nor a whole number.
        DataError: If the file is damaged.
    """
    if Path(text).suffix.lower() not in _READERS and ":" not in text and not Path(text).exists():
        if predictions.path.suffix.lower() not in (".npz", ".parquet"):
            raise InputError(
                f"there is no file {text}, and {predictions.path} has no columns to be named. "
                f"Ids are read from {', '.join(_READERS)}",
                argument=argument,
                got=text,
            )
        location = Location(predictions.path, text)
    else:
        location = Location.parse(text, argument)
    if location.path.suffix.lower() not in _READERS:
        raise InputError(f"ids are read from {', '.join(_READERS)}; got {location.path}", argument=argument, got=text)
    with name_file_in_errors(location.path):
        return _check_ids(_READERS[location.path.suffix.lower()](location))


def csv_id(each: str | int, *, spreadsheet: bool) -> str:
    """Return the cell of a CSV file from which `read_ids` reads this id again."""
    text = quote_cell(str(each)) if spreadsheet else str(each)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _check_ids(ids: Iterable[object]) -> Ids:
    """Return all ids, or raise InputError with the first ten that are wrong or repeated."""
    known: dict[str | int, None] = {}
    wrong: list[object] = []
    repeated: list[str | int] = []
    for each in ids:
        if not _is_id(each):
            wrong.append(each)
        elif each in known:
            repeated.append(each)
        else:
            known[each] = None
        if len(wrong) == _MAX_LISTED or len(repeated) == _MAX_LISTED:
            break
    if wrong:
        raise InputError(f"each id must be text or a whole number; got {wrong!r}", got=wrong)
    if repeated:
        repeated = list(dict.fromkeys(repeated))
        raise InputError(f"each id must come once; these come more often: {repeated!r}", rows=repeated)
    return list(known)


def _is_id(each: object) -> TypeGuard[str | int]:
    """Whether a value is a whole number, or text that can be written to a file."""
    if isinstance(each, str):
        return each.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in each) if each else False
    return isinstance(each, int) and not isinstance(each, bool)


@contextmanager
def _open_text(path: Path, newline: str | None) -> Iterator[TextIO]:
    """Open a text file whose lines end with \\n, \\r\\n or \\r and nothing else, unlike those of str.splitlines."""
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            yield file
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text", path=path) from None


def _read_lines(location: Location) -> Iterator[str]:
    with _open_text(location.path, None) as file:
        for line in file:
            yield line.removesuffix("\n")


def _read_table(location: Location, *, delimiter: str = ",") -> Iterator[str]:
    with _open_text(location.path, "") as file, _allow_long_fields():
        table = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            yield from _read_cells(table, location, delimiter)
        except csv.Error as error:
            raise DataError(
                f"{location.path} is damaged, or no {location.path.suffix} file: line {table.line_num}: {error}",
                path=location.path,
            ) from None


def _read_cells(table: Iterator[list[str]], location: Location, delimiter: str) -> Iterator[str]:
    header = next(table, [])
    if not header:
        raise InputError("the file is empty")
    if len(header) == 1 and (mark := next((mark for mark in ";\t" if mark in header[0]), None)):
        raise InputError(
            f"columns must be separated by {_SEPARATORS[delimiter]}; the first line is {header[0]!r}, by {mark!r}",
            got=header[0],
        )
    quoted = QUOTED_COLUMN in header
    names = [COLUMN if name == QUOTED_COLUMN else name for name in header]
    chosen = choose_name(location, COLUMN, names, "column")
    column = names.index(chosen)
    for number, row in enumerate(table, 1):
        if any(row[len(header) :]):
            raise InputError(
                f"row {number} has {len(row)} cells, and the first line {len(header)}: {row!r}", rows=[number], got=row
            )
        cell = row[column] if column < len(row) else ""
        if row:
            yield unquote_cell(cell) if quoted and chosen == COLUMN else cell


@contextmanager
def _allow_long_fields() -> Iterator[None]:
    """Allow fields that are longer than the csv module's 131,072 characters."""
    before = csv.field_size_limit(_MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_npy(location: Location) -> Iterator[object]:
    return _iterate(map_npy(location.path))


def _read_npz(location: Location) -> Iterator[object]:
    return _iterate(read_npz_array(location.path, choose_name(location, "ids", npz_names(location.path), "array")))


def _iterate(array: np.ndarray) -> Iterator[object]:
    if array.ndim != 1:
        raise InputError(f"ids must be an array [N]; got {[*array.shape]}", got=[*array.shape])
    for start in range(0, len(array), _PART_ROWS):
        yield from array[start : start + _PART_ROWS].tolist()


def _read_parquet(location: Location) -> Iterator[object]:
    return read_column(location, COLUMN)


_READERS: dict[str, Callable[[Location], Iterator[object]]] = {
    ".txt": _read_lines,
    ".csv": _read_table,
    ".tsv": partial(_read_table, delimiter="\t"),
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
}
