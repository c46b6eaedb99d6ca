"""Arrays in columns of .parquet files.

A row of the file is a row of the pool. Its numbers are a list of lists, [K][C] (or [C][K], with axes "NCK"), or one
flat list of K times C numbers, for which num_draws gives K; for features, one flat list.
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
from lindley.apps.input_files import Location, choose_name, inflation_limit, refuse_inflation
from lindley.errors import InputError, format_rows
from lindley.parquet import list_depth, parquet_file, value_type
from lindley.shapes import Positions

HOLD_BYTES = 1 << 30
"""Columns up to this size are read once and kept; larger ones are read again, group by group, as often as needed."""
_BATCH_ROWS, _BATCH_BYTES = 500, 1 << 26
_ID_ROWS = 10_000
_ROW_BYTES = 32
"""Memory that each row takes beside its numbers while a batch is chosen."""


def open_parquet(
    location: Location, default: str, *, num_draws: int | None = None, hold_bytes: int = HOLD_BYTES
) -> ArraySource:
    """Open a column of lists of numbers.

    Args:
        location: The file, and the name of one of its columns.
        default: The name to take where the location has none and the file has several such columns.
        num_draws: The number of draws K, where the lists are flat and hold K times C numbers.
        hold_bytes: The size up to which a column is read once and kept in memory.

    Raises:
        InputError: If lists differ in length or hold nulls; `error.rows` lists the rows.
    """
    column = ParquetColumn(location, default, num_draws)
    if math.prod(column.shape) * column.itemsize > min(hold_bytes, inflation_limit(location.path)):
        return column
    return NumpySource(column.read_rows(0, column.shape[0]))


def read_column(location: Location, default: str) -> Iterator[object]:
    """Yield the ids in a column of text or whole numbers."""
    file = parquet_file(location.path)
    name = choose_name(location, default, file.schema_arrow.names, "column")
    type_ = file.schema_arrow.field(name).type
    if type_.num_fields:
        raise InputError(
            f"the column {name!r} holds {type_}, not text or whole numbers",
            argument=str(location.path),
            got=str(type_),
        )
    _refuse_large_pages(file, location.path, name)
    for batch in file.iter_batches(_ID_ROWS, columns=[name]):
        yield from batch.column(0).to_pylist()


@final
class ParquetColumn:
    """A column that is too large for memory: slices that follow each other are read in one pass."""

    def __init__(self, location: Location, default: str, num_draws: int | None) -> None:
        self._file = parquet_file(location.path)
        fields = [field for field in self._file.schema_arrow if list_depth(field.type)]
        self._name = choose_name(location, default, [field.name for field in fields], "column of lists of numbers")
        type_ = next(field.type for field in fields if field.name == self._name)
        self.itemsize = value_type(type_).bit_width // 8
        self._dtype = np.dtype(f"f{self.itemsize}")
        _refuse_large_pages(self._file, location.path, self._name, self.itemsize)
        self._lengths = self._first_lengths(list_depth(type_))
        self.shape = (self._file.metadata.num_rows, *self._row_shape(num_draws))
        refuse_inflation(location.path, self.shape[0] * _ROW_BYTES)
        self._stream: Iterator[np.ndarray] = iter(())
        self._next = -1  # the row at which the stream continues, after the rows in self._buffer
        self._buffer = np.empty(0, self._dtype)

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See ArraySource; axis 0 only, since a row of the file is a row of the pool."""
        if axis != 0:
            raise InputError("axes must begin with N: a row of a .parquet file is a row of the pool", argument="axes")
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(self.shape[0])
            return torch.from_numpy(self.read_rows(start, stop))
        return torch.from_numpy(self._read_positions(wanted.numpy()))

    def read_rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from start up to stop.  [stop - start, ...]"""
        if start != self._next - len(self._buffer):
            empty = np.empty((0, *self.shape[1:]), self._dtype)
            self._stream, self._next, self._buffer = self._read_from(start), start, empty
        rows = np.empty((stop - start, *self.shape[1:]), self._dtype)
        filled, part = 0, self._buffer
        while True:
            taken = min(len(part), len(rows) - filled)
            rows[filled : filled + taken] = part[:taken]
            filled += taken
            if filled == len(rows):
                self._buffer = part[taken:].copy()
                return rows
            part = next(self._stream)
            self._next += len(part)

    def _read_positions(self, positions: np.ndarray) -> np.ndarray:
        """Return rows anywhere: each group of the file that holds one is read once."""
        starts = self._group_starts()
        groups = np.searchsorted(starts, positions, side="right") - 1
        found = {}
        for group in np.unique(groups).tolist():
            start, wanted = starts[group], np.sort(positions[groups == group])
            for batch in self._decode([group], start):
                inside = wanted[(wanted >= start) & (wanted < start + len(batch))]
                found.update({position: batch[position - start].copy() for position in inside.tolist()})
                start += len(batch)
        shape = (0, *self.shape[1:])
        return np.stack([found[position] for position in positions.tolist()]) if len(positions) else np.empty(shape)

    def _read_from(self, start: int) -> Iterator[np.ndarray]:
        """Yield batches of the rows from start on."""
        starts = self._group_starts()
        first = int(np.searchsorted(starts, start, side="right")) - 1
        row = starts[first]
        for batch in self._decode(list(range(first, len(starts))), row):
            if row + len(batch) > start:
                yield batch[max(0, start - row) :]
            row += len(batch)

    def _group_starts(self) -> list[int]:
        counts = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        return [0, *np.cumsum(counts).tolist()][:-1] or [0]

    def _decode(self, groups: list[int], start: int) -> Iterator[np.ndarray]:
        size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, math.prod(self.shape[1:]) * self.itemsize)))
        for batch in self._file.iter_batches(size, row_groups=groups, columns=[self._name]):
            values = _flatten_lists(batch.column(0), self._lengths, start)
            yield values.reshape(len(batch), *self.shape[1:])
            start += len(batch)

    def _first_lengths(self, depth: int) -> tuple[int, ...]:
        """Return the lengths of the first row's lists; all other rows must have the same."""
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
            raise InputError(
                "num_draws is for flat lists; these are lists of lists and have their own shape. Leave it out.",
                argument="num_draws",
                got=num_draws,
            )
        if num_draws < 1 or self._lengths[0] % num_draws:
            raise InputError(
                argument="num_draws",
                expected=f"a divisor of {self._lengths[0]}, the numbers in each list",
                got=num_draws,
            )
        return num_draws, self._lengths[0] // num_draws


def _flatten_lists(array: Any, lengths: tuple[int, ...], start: int) -> np.ndarray:
    """Return all numbers of a column of (nested) lists of these lengths, flat."""
    per_row = 1
    for length in lengths:
        _refuse_rows(array.is_null().to_numpy(zero_copy_only=False), per_row, start, "null instead of a list")
        found = array.value_lengths().to_numpy(zero_copy_only=False)
        _refuse_rows(found != length, per_row, start, f"lists whose length is not {length}, as in the first row")
        array, per_row = array.flatten(), per_row * length
    _refuse_rows(array.is_null().to_numpy(zero_copy_only=False), per_row, start, "null instead of a number")
    values: np.ndarray = array.to_numpy(zero_copy_only=False)
    return values


def _refuse_rows(bad: np.ndarray, per_row: int, start: int, fault: str) -> None:
    if bad.any():
        rows = np.unique(start + bad.nonzero()[0] // per_row).tolist()
        raise InputError(f"there are rows with {fault}: {format_rows(rows)}", rows=rows)


def _refuse_large_pages(file: Any, path: Path, name: str, itemsize: int = 0) -> None:
    """Refuse a column whose groups, or whose rows, take far more memory than the file has bytes."""
    _verify_column_metadata(path, name)
    paths = [file.metadata.schema.column(index).path for index in range(file.metadata.num_columns)]
    indices = [index for index, each in enumerate(paths) if each == name or each.startswith(f"{name}.")]
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        for column in map(group.column, indices):
            refuse_inflation(path, column.total_uncompressed_size)
            refuse_inflation(path, column.num_values // max(1, group.num_rows) * itemsize)


def _verify_column_metadata(path: Path, name: str) -> None:
    """Raise OSError where the footer's entry for a column is damaged.

    `RowGroupMetaData.column` ends the whole process there (seen with pyarrow 26). A reader that parses the same entry
    raises; its file is closed, so it stops at the first page and decodes nothing.
    """
    with path.open("rb") as stream:
        reader = parquet_file(stream)
    for group in range(reader.num_row_groups):
        with contextlib.suppress(ValueError):  # "seek of closed file": the entry itself was read
            next(reader.iter_batches(1, row_groups=[group], columns=[name]), None)
