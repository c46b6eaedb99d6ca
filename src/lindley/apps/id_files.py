"""Ids of candidates: one a line, a column of a CSV, TSV or Parquet file, or an array of NumPy's."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO, TypeGuard

import numpy as np

from lindley.apps.array_files import Place, chosen_name, map_npy, npz_names, read_npz_array, reading
from lindley.errors import DataError, InputError
from lindley.spreadsheet import quote_cell, unquote_cell

Ids = list[str | int]

COLUMN = "id"
QUOTED_COLUMN = f"'{COLUMN}"
"""The heading of ids that are quoted for spreadsheet programs, by which the reader knows them."""
_LONGEST_FIELD = (1 << 31) - 1
_MARKS = {",": "commas", "\t": "tabs"}
_SOME = 10
_PART = 10_000


def read_ids(text: str, predictions: Place, *, option: str = "--ids") -> Ids:
    """Read the ids in FILE or FILE:NAME; a NAME alone is a column or array of the predictions' own file.

    Args:
        text: What the user typed.
        predictions: The file of the predictions.
        option: Where it was typed, for messages.

    Raises:
        InputError: If an id comes twice or is neither text nor a whole number.
        DataError: If the file is damaged.
    """
    if Path(text).suffix.lower() not in _READERS and ":" not in text and not Path(text).exists():
        if predictions.path.suffix.lower() not in (".npz", ".parquet"):
            raise InputError(
                f"{option} {text}: there is no such file, and {predictions.path} has no columns to be named. "
                f"Ids are read from {', '.join(_READERS)}"
            )
        place = Place(predictions.path, text)
    else:
        place = Place.of(text)
    if place.path.suffix.lower() not in _READERS:
        raise InputError(f"ids are read from {', '.join(_READERS)}; got {place.path}")
    with reading(place.path):
        return _checked(_READERS[place.path.suffix.lower()](place))


def csv_id(each: str | int, *, spreadsheet: bool) -> str:
    """Return the cell of a CSV file from which `read_ids` reads this id again."""
    text = quote_cell(str(each)) if spreadsheet else str(each)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _checked(ids: Iterable[object]) -> Ids:
    """Return them all, each once; a file with many wrong ones is read no further than to the tenth."""
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
        if len(wrong) == _SOME or len(repeated) == _SOME:
            break
    if wrong:
        raise InputError(f"an id must be text or a whole number; there are {wrong!r}")
    if repeated:
        raise InputError(f"each id must come once; these come more often: {list(dict.fromkeys(repeated))!r}")
    return list(known)


def _is_id(each: object) -> TypeGuard[str | int]:
    """Whether it is a whole number, or text that can be written to a file."""
    if isinstance(each, str):
        return each.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in each) if each else False
    return isinstance(each, int) and not isinstance(each, bool)


@contextmanager
def _text(path: Path, newline: str | None) -> Iterator[TextIO]:
    """Open it as text whose lines end with \\n, \\r\\n or \\r and nothing else, unlike those of str.splitlines."""
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            yield file
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text") from None


def _from_lines(place: Place) -> Iterator[str]:
    with _text(place.path, None) as file:
        for line in file:
            yield line.removesuffix("\n")


def _from_table(place: Place, *, delimiter: str = ",") -> Iterator[str]:
    with _text(place.path, "") as file, _long_fields():
        table = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            yield from _column(table, place, delimiter)
        except csv.Error as error:
            raise DataError(
                f"{place.path} is damaged, or no {place.path.suffix} file: line {table.line_num}: {error}"
            ) from None


def _column(table: Iterator[list[str]], place: Place, delimiter: str) -> Iterator[str]:
    header = next(table, [])
    if not header:
        raise InputError("the file is empty")
    if len(header) == 1 and (mark := next((mark for mark in ";\t" if mark in header[0]), None)):
        raise InputError(
            f"columns must be separated by {_MARKS[delimiter]}; the first line is {header[0]!r}, by {mark!r}"
        )
    quoted = QUOTED_COLUMN in header
    names = [COLUMN if name == QUOTED_COLUMN else name for name in header]
    chosen = chosen_name(place, COLUMN, names, "column")
    column = names.index(chosen)
    for number, row in enumerate(table, 1):
        if any(row[len(header) :]):
            raise InputError(f"row {number} has {len(row)} cells, and the first line {len(header)}: {row!r}")
        cell = row[column] if column < len(row) else ""
        if row:
            yield unquote_cell(cell) if quoted and chosen == COLUMN else cell


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let fields be longer than the 131,072 characters that the csv module allows."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _from_npy(place: Place) -> Iterator[object]:
    return _values(map_npy(place.path))


def _from_npz(place: Place) -> Iterator[object]:
    return _values(read_npz_array(place.path, chosen_name(place, "ids", npz_names(place.path), "array")))


def _values(array: np.ndarray) -> Iterator[object]:
    if array.ndim != 1:
        raise InputError(f"ids must be an array [N]; got {[*array.shape]}")
    for start in range(0, len(array), _PART):
        yield from array[start : start + _PART].tolist()


def _from_parquet(place: Place) -> Iterator[object]:
    from lindley.apps.parquet_files import read_column

    return read_column(place, COLUMN)


_READERS: dict[str, Callable[[Place], Iterator[object]]] = {
    ".txt": _from_lines,
    ".csv": _from_table,
    ".tsv": partial(_from_table, delimiter="\t"),
    ".npy": _from_npy,
    ".npz": _from_npz,
    ".parquet": _from_parquet,
}
