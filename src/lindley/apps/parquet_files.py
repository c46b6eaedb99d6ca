"""Arrays in columns of .parquet files; the one place that imports pyarrow (extra `parquet`).

A row of the file is a row of the pool. Its numbers are a list of lists, [K][C] (or [C][K], with axes "NCK"), or one
flat list of K times C with the number of draws said; for features, one flat list.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from lindley.acquisition.array_sources import ArraySource, NumpySource
from lindley.apps.array_files import Place, chosen_name, inflation_limit, refuse_inflation
from lindley.errors import InputError
from lindley.shapes import Positions

HOLD_BYTES = 1 << 30
"""Columns up to this size are read once and kept; larger ones are read again, group by group, as often as needed."""
_BATCH_ROWS, _BATCH_BYTES = 500, 1 << 26
_ID_ROWS = 10_000
_ROW_BYTES = 32
"""What is kept of each row, beside its numbers, while a batch is chosen."""


def open_parquet(place: Place, what: str, *, num_draws: int | None = None, hold_bytes: int = HOLD_BYTES) -> ArraySource:
    """A column of lists. Raises InputError naming rows whose lists are of another length or have nulls."""
    column = ParquetColumn(place, what, num_draws)
    if math.prod(column.shape) * column.itemsize > min(hold_bytes, inflation_limit(place.path)):
        return column
    return NumpySource(column.rows(0, column.shape[0]))


def read_column(place: Place, what: str) -> Iterator[object]:
    """The values of a column, which is not one of lists; for ids."""
    file = _opened(place.path)
    name = chosen_name(place, what, file.schema_arrow.names, "column")
    if file.schema_arrow.field(name).type.num_fields:
        raise InputError(f"the column {name!r} holds {file.schema_arrow.field(name).type}, not text or whole numbers")
    _refuse_large_pages(file, place.path, name)
    for batch in file.iter_batches(_ID_ROWS, columns=[name]):
        yield from batch.column(0).to_pylist()


@final
class ParquetColumn:
    """A column that is too large to be held: slices that follow each other are read in one pass."""

    def __init__(self, place: Place, what: str, num_draws: int | None) -> None:
        self._file = _opened(place.path)
        fields = [field for field in self._file.schema_arrow if _depth(field.type)]
        self._name = chosen_name(place, what, [field.name for field in fields], "column of lists of numbers")
        type_ = next(field.type for field in fields if field.name == self._name)
        self.itemsize = _leaf(type_).bit_width // 8
        self._dtype = np.dtype(f"f{self.itemsize}")
        _refuse_large_pages(self._file, place.path, self._name, self.itemsize)
        self._lengths = self._first_lengths(_depth(type_))
        self.shape = (self._file.metadata.num_rows, *self._row_shape(num_draws))
        refuse_inflation(place.path, self.shape[0] * _ROW_BYTES)
        self._stream: Iterator[np.ndarray] = iter(())
        self._next = -1  # the row with which the stream goes on, after what is left over
        self._left = np.empty(0, self._dtype)

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See ArraySource; axis 0 only, since a row of the file is a row of the pool."""
        if axis != 0:
            raise InputError("a row of a .parquet file is a row of the pool: axes must begin with N")
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(self.shape[0])
            return torch.from_numpy(self.rows(start, stop))
        return torch.from_numpy(self._places(wanted.numpy()))

    def rows(self, start: int, stop: int) -> np.ndarray:
        """[stop - start, ...] rows."""
        if start != self._next - len(self._left):
            empty = np.empty((0, *self.shape[1:]), self._dtype)
            self._stream, self._next, self._left = self._batches(start), start, empty
        rows = np.empty((stop - start, *self.shape[1:]), self._dtype)
        filled, part = 0, self._left
        while True:
            taken = min(len(part), len(rows) - filled)
            rows[filled : filled + taken] = part[:taken]
            filled += taken
            if filled == len(rows):
                self._left = part[taken:].copy()
                return rows
            part = next(self._stream)
            self._next += len(part)

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
        size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, math.prod(self.shape[1:]) * self.itemsize)))
        for batch in self._file.iter_batches(size, row_groups=groups, columns=[self._name]):
            values = _numbers(batch.column(0), self._lengths, start)
            yield values.reshape(len(batch), *self.shape[1:])
            start += len(batch)

    def _first_lengths(self, depth: int) -> tuple[int, ...]:
        """The lengths of the first row's lists, which are to be those of all."""
        batch = next(self._file.iter_batches(1, columns=[self._name]), None)
        if batch is None:
            return (0,) * depth
        lists, lengths = batch.column(0), []
        for _ in range(depth):
            lists = lists[:1]
            lengths.append(sum(filter(None, lists.value_lengths().to_pylist())))
            lists = lists.flatten()
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


def _opened(path: Path) -> Any:
    """Open the file; pages that carry a checksum are verified when they are read."""
    return _arrow().ParquetFile(path, page_checksum_verification=True)


def _refuse_large_pages(file: Any, path: Path, name: str, itemsize: int = 0) -> None:
    """Refuse columns whose groups inflate, or whose rows are, beyond all proportion to the file."""
    _verify_column_metadata(path, name)
    paths = [file.metadata.schema.column(place).path for place in range(file.metadata.num_columns)]
    places = [place for place, each in enumerate(paths) if each == name or each.startswith(f"{name}.")]
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        for column in map(group.column, places):
            refuse_inflation(path, column.total_uncompressed_size)
            refuse_inflation(path, column.num_values // max(1, group.num_rows) * itemsize)


def _verify_column_metadata(path: Path, name: str) -> None:
    """Raise OSError where the footer's entry for a column is damaged.

    `RowGroupMetaData.column` ends the whole process there (seen with pyarrow 26). A reader that parses the same entry
    raises; its file is closed, so it stops at the first page and decodes nothing.
    """
    with path.open("rb") as stream:
        reader = _arrow().ParquetFile(stream)
    for group in range(reader.num_row_groups):
        with contextlib.suppress(ValueError):  # "seek of closed file": the entry itself was read
            next(reader.iter_batches(1, row_groups=[group], columns=[name]), None)


def _arrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("reading .parquet needs the package pyarrow: pip install 'lindley[parquet]'") from None
    return parquet
