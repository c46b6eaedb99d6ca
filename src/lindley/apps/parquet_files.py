"""Arrays in columns of .parquet files; the one place that imports pyarrow (extra `parquet`).

A row of the file is a row of the pool. Its numbers are a list of lists, [K][C] (or [C][K], with axes "NCK"), or one
flat list of K times C with the number of draws said; for features, one flat list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from lindley.acquisition.stored import NumpyArray, StoredArray
from lindley.apps.array_files import Place, chosen_name
from lindley.errors import DataError, InputError
from lindley.shapes import Positions

HOLD_BYTES = 1 << 30
"""Columns up to this size are read once and kept; larger ones are read again, group by group, as often as needed."""
_BATCH_ROWS = 500


def open_parquet(place: Place, what: str, *, num_draws: int | None = None, hold_bytes: int = HOLD_BYTES) -> StoredArray:
    """A column of lists. Raises InputError naming rows whose lists are of another length or have nulls."""
    _arrow()
    column = ParquetColumn(place, what, num_draws)
    if math.prod(column.shape) * column.itemsize > hold_bytes:
        return column
    return NumpyArray(column.rows(0, column.shape[0]))


def read_column(place: Place, what: str) -> list[Any]:
    """A whole column as Python values; for ids."""
    parquet = _arrow()
    with _damage_named(place.path):
        file = parquet.ParquetFile(place.path)
        name = chosen_name(place, what, file.schema_arrow.names, "column")
        values: list[Any] = file.read(columns=[name])[name].to_pylist()
    return values


@final
class ParquetColumn:
    """A column that is too large to be held: slices that follow each other are read in one pass."""

    def __init__(self, place: Place, what: str, num_draws: int | None) -> None:
        self._path = place.path
        with _damage_named(self._path):
            self._file = _arrow().ParquetFile(self._path)
            fields = {field.name: field.type for field in self._file.schema_arrow if _depth(field.type)}
        self._name = chosen_name(place, what, list(fields), "column of lists of numbers")
        self.itemsize = _leaf(fields[self._name]).bit_width // 8
        self._lengths = self._first_lengths(_depth(fields[self._name]))
        self.shape = (self._file.metadata.num_rows, *self._row_shape(num_draws))
        self._stream: Iterator[np.ndarray] = iter(())
        self._next = -1  # the row with which the stream goes on, after what is left over
        self._left = np.empty(0)

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See StoredArray; axis 0 only, since a row of the file is a row of the pool."""
        if axis != 0:
            raise InputError("a row of a .parquet file is a row of the pool: axes must begin with N")
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(self.shape[0])
            return torch.from_numpy(self.rows(start, stop))
        return torch.from_numpy(self._places(wanted.numpy()))

    def rows(self, start: int, stop: int) -> np.ndarray:
        """[stop - start, ...] rows."""
        if start != self._next - len(self._left):
            self._stream, self._next, self._left = self._batches(start), start, np.empty((0, *self.shape[1:]))
        parts = [self._left]
        while self._next < stop:
            parts.append(next(self._stream))
            self._next += len(parts[-1])
        whole = np.concatenate([part for part in parts if len(part)] or parts)
        self._left = whole[stop - start :].copy()
        return whole[: stop - start]

    def _places(self, places: np.ndarray) -> np.ndarray:
        """Rows anywhere: each group of the file in which one lies is read once."""
        starts = self._group_starts()
        groups = np.searchsorted(starts, places, side="right") - 1
        found = {}
        for group in np.unique(groups).tolist():
            start, wanted = starts[group], np.sort(places[groups == group])
            for batch in self._decoded([group], start):
                inside = wanted[(wanted >= start) & (wanted < start + len(batch))]
                found.update({place: batch[place - start].copy() for place in inside.tolist()})
                start += len(batch)
        return np.stack([found[place] for place in places.tolist()]) if len(places) else np.empty((0, *self.shape[1:]))

    def _batches(self, start: int) -> Iterator[np.ndarray]:
        """The rows from start on."""
        starts = self._group_starts()
        first = int(np.searchsorted(starts, start, side="right")) - 1
        place = starts[first]
        for batch in self._decoded(list(range(first, len(starts))), place):
            if place + len(batch) > start:
                yield batch[max(0, start - place) :]
            place += len(batch)

    def _group_starts(self) -> list[int]:
        counts = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        return [0, *np.cumsum(counts).tolist()][:-1] or [0]

    def _decoded(self, groups: list[int], start: int) -> Iterator[np.ndarray]:
        with _damage_named(self._path):
            for batch in self._file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=[self._name]):
                values = _numbers(batch.column(0), self._lengths, start)
                yield values.reshape(len(batch), *self.shape[1:])
                start += len(batch)

    def _first_lengths(self, depth: int) -> tuple[int, ...]:
        """The lengths of the first row's lists, which are to be those of all."""
        with _damage_named(self._path):
            batch = next(self._file.iter_batches(1, columns=[self._name]), None)
        values = batch.column(0)[0].as_py() if batch is not None and len(batch) else None
        lengths = []
        for _ in range(depth):
            lengths.append(len(values or ()))
            values = values[0] if values else None
        return tuple(lengths)

    def _row_shape(self, num_draws: int | None) -> tuple[int, ...]:
        if num_draws is None:
            return self._lengths
        if len(self._lengths) != 1:
            raise InputError("--num-draws is for flat lists; these are lists of lists and have their own shape")
        if num_draws < 1 or self._lengths[0] % num_draws:
            raise InputError(f"lists of {self._lengths[0]} numbers cannot be those of {num_draws} draws")
        return num_draws, self._lengths[0] // num_draws


def _numbers(array: Any, lengths: tuple[int, ...], start: int) -> np.ndarray:
    """All numbers of a column of (nested) lists of these lengths, flat."""
    per_row = 1
    for length in lengths:
        _refuse_rows(array.is_null().to_numpy(zero_copy_only=False), per_row, start, "null instead of a list")
        found = array.value_lengths().to_numpy(zero_copy_only=False)
        _refuse_rows(found != length, per_row, start, f"lists whose length is not {length}, that of the first row's")
        array, per_row = array.flatten(), per_row * length
    _refuse_rows(array.is_null().to_numpy(zero_copy_only=False), per_row, start, "null instead of a number")
    values: np.ndarray = array.to_numpy(zero_copy_only=False)
    return values


def _refuse_rows(bad: np.ndarray, per_row: int, start: int, what: str) -> None:
    if bad.any():
        rows = np.unique(start + bad.nonzero()[0] // per_row).tolist()
        raise InputError(f"there are rows with {what}: {rows[:10]}")


def _depth(type_: Any) -> int:
    """1 for lists of floating point numbers, 2 for lists of such lists, else 0."""
    depth = 0
    while _is_list(type_):
        type_, depth = type_.value_type, depth + 1
    return depth if depth <= 2 and _is_float(type_) else 0


def _leaf(type_: Any) -> Any:
    while _is_list(type_):
        type_ = type_.value_type
    return type_


def _is_list(type_: Any) -> bool:
    return str(type_).startswith(("list<", "large_list<", "fixed_size_list<"))


def _is_float(type_: Any) -> bool:
    return str(type_) in ("halffloat", "float", "double")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged, or no .parquet file: {error}") from None


def _arrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("reading .parquet needs the package pyarrow: pip install 'lindley[parquet]'") from None
    return parquet
