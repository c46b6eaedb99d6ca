"""Ids of candidates: one a line, a column of a CSV or Parquet file, or an array of NumPy's."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lindley.apps.array_files import Place, chosen_name, map_npy, numpy_arrays, read_npz_array
from lindley.errors import DataError, InputError

Ids = list[str | int]


def read_ids(text: str, predictions: Place, *, option: str = "--ids") -> Ids:
    """The ids in FILE or FILE:NAME; a NAME alone is a column or array of the predictions' own file.

    option: where they were given, for messages.

    Raises InputError for ids that come twice or are neither text nor whole numbers, DataError for a damaged file.
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
    try:
        return _checked(_READERS[place.path.suffix.lower()](place))
    except UnicodeDecodeError:
        raise DataError(f"{place.path} is not UTF-8 text") from None
    except InputError as error:
        raise InputError(f"{place.path}: {error}") from None


def _checked(ids: list[object]) -> Ids:
    wrong = [each for each in ids if not isinstance(each, str | int) or isinstance(each, bool) or each == ""]
    if wrong:
        raise InputError(f"an id must be text or a whole number; there are {wrong[:10]!r}")
    repeated = [each for each, count in Counter(ids).items() if count > 1]
    if repeated:
        raise InputError(f"each id must come once; these come more often: {repeated[:10]!r}")
    return [each for each in ids if isinstance(each, str | int)]


def _from_lines(place: Place) -> list[object]:
    return list(place.path.read_text(encoding="utf-8-sig").splitlines())


def _from_csv(place: Place) -> list[object]:
    with place.path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.reader(file)
        header = next(table, [])
        if not header:
            raise InputError("the file is empty")
        if len(header) == 1 and (mark := next((mark for mark in ";\t" if mark in header[0]), None)):
            raise InputError(f"columns must be separated by commas; the first line is {header[0]!r}, by {mark!r}")
        column = header.index(chosen_name(place, "id", header, "column"))
        return [row[column] if column < len(row) else "" for row in table if row]


def _from_npy(place: Place) -> list[object]:
    return list(map_npy(place.path).tolist())


def _from_npz(place: Place) -> list[object]:
    arrays = numpy_arrays(place.path)
    return list(read_npz_array(place.path, arrays[chosen_name(place, "ids", list(arrays), "array")]).tolist())


def _from_parquet(place: Place) -> list[object]:
    from lindley.apps.parquet_files import read_column

    return read_column(place, "id")


_READERS: dict[str, Callable[[Place], list[object]]] = {
    ".txt": _from_lines,
    ".csv": _from_csv,
    ".npy": _from_npy,
    ".npz": _from_npz,
    ".parquet": _from_parquet,
}
