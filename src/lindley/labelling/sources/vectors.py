"""Vectors to label: the rows of an .npy file, or a Parquet column of lists of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lindley.errors import DataError, InputError
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.known_labels import KnownColumns
from lindley.labelling.sources.parquet_table import read_vectors

_PART_ROWS = 1000
MAX_ABSOLUTE = 1e15
"""The largest number of a vector: sums of squares over a pool must stay within float32."""


def check_npy(path: Path) -> None:
    """Raise InputError unless an .npy file holds vectors [N, D] of floating point numbers; DataError: it is damaged."""
    array = _map(path)
    if array.ndim != 2 or array.dtype.kind != "f" or 0 in array.shape:
        raise InputError(
            "Save a two-dimensional array, for example with .astype('float32').",
            argument=str(path),
            expected="vectors [N, D] of floating point numbers",
            got=f"{array.dtype} {[*array.shape]}",
        )


def read_npy(path: Path) -> Iterator[Found | Unreadable]:
    """Yield the rows of an array [N, D], which is mapped into memory."""
    array = _map(path)
    for start in range(0, len(array), _PART_ROWS):
        for row, vector in enumerate(np.array(array[start : start + _PART_ROWS]), start):
            yield _read_vector(f"{path.name}, row {row}", vector, KnownColumns(), {})


def read_lists(path: Path, column: str, known: KnownColumns) -> Iterator[Found | Unreadable]:
    """Yield the lists of a Parquet column; all must be as long as the first.

    Args:
        path: The file.
        column: The column of the lists.
        known: Its columns of labels and ids.
    """
    length = None
    for line, vector in read_vectors(path, column, known.columns):
        if vector is None:
            yield Unreadable(line.place, f"its {column!r} is missing")
            continue
        length = len(vector) if length is None else length
        if len(vector) != length or not length:
            yield Unreadable(line.place, f"its {column!r} has {len(vector)} numbers, and the first one {length}")
        else:
            yield _read_vector(line.place, vector, known, line.values)


def _read_vector(
    place: str, vector: np.ndarray, known: KnownColumns, values: Mapping[str, object]
) -> Found | Unreadable:
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and named below
        single = np.array(vector, dtype=np.float32)
    faults = {
        "no finite float32 number": ~np.isfinite(single),
        f"a number beyond ±{MAX_ABSOLUTE:g} (scale the vectors)": np.abs(single) > MAX_ABSOLUTE,
    }
    for fault, where in faults.items():
        if bad := np.flatnonzero(where).tolist():
            more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
            return Unreadable(place, f"{fault} in column {', '.join(map(str, bad[:5]))}{more}")
    label, meta = known.read(values)
    return Found(place, _hash(single), "", label, single, meta)


def _hash(vector: np.ndarray) -> str:
    """Return the sha256 of the vector's bytes, little-endian; -0 counts as 0."""
    return hashlib.sha256((vector + np.float32(0)).astype("<f4").tobytes()).hexdigest()


def _map(path: Path) -> np.ndarray:
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # NumPy raises many kinds for a damaged header, an empty file and pickles
        raise DataError(f"{path} is damaged, or no .npy file of numbers: {error}", path=path) from None
