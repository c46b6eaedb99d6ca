"""Parquet files as tables, and their columns of lists of numbers as vectors, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lindley.errors import DataError, LindleyError
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.table import Line, Table
from lindley.parquet import list_depth, parquet_file

_BATCH_ROWS = 1000


def open_parquet_table(path: Path) -> Table:
    """Open a Parquet file. Raises DataError where it is damaged."""
    return Table(path, tuple(_open(path).schema_arrow.names), lambda columns: _read(path, columns))


def vector_columns(path: Path) -> list[str]:
    """Return the names of the columns that hold lists of floating point numbers."""
    return [field.name for field in _open(path).schema_arrow if list_depth(field.type) == 1]


def read_vectors(path: Path, column: str, others: Sequence[str]) -> Iterator[tuple[Line, np.ndarray | None]]:
    """Yield each row of a column of lists, None where there is no list; a null in a list is NaN.

    Args:
        path: The file.
        column: The column of lists of numbers.
        others: Columns whose values come along.
    """
    for start, batch in _batches(path, [column, *others]):
        lists = batch.column(batch.schema.get_field_index(column))
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        absent = lists.is_null().to_numpy(zero_copy_only=False)
        stops = np.cumsum(lengths)
        flat = lists.flatten().to_numpy(zero_copy_only=False)
        for row, line in enumerate(_lines(path, start, batch, others)):
            yield line, None if absent[row] else flat[stops[row] - lengths[row] : stops[row]]


def _read(path: Path, columns: Sequence[str]) -> Iterator[Line | Unreadable]:
    for start, batch in _batches(path, columns):
        yield from _lines(path, start, batch, columns)


def _lines(path: Path, start: int, batch: Any, columns: Sequence[str]) -> Iterator[Line]:
    values = [_to_python(batch.column(batch.schema.get_field_index(name))) for name in columns]
    for row in range(len(batch)):
        yield Line(
            f"{path.name}, row {start + row}",
            dict(zip(columns, (each[row] for each in values), strict=True)),
        )


def _to_python(column: Any) -> list[object]:
    """Return the values of a column; text that is not UTF-8 has halves of characters, which `text_fault` names."""
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        raw = column.cast("large_binary" if str(column.type).startswith("large") else "binary")
        values = [each if each is None else each.decode("utf-8", "surrogateescape") for each in raw.to_pylist()]
    return values


def _batches(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    start = 0
    batches = _open(path).iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(columns)))
    while True:
        try:
            batch = next(batches, None)
        except Exception as error:  # pyarrow raises many kinds for a damaged file
            raise DataError(f"{path} is damaged after row {start}: {error}", path=path) from error
        if batch is None:
            return
        yield start, batch
        start += len(batch)


def _open(path: Path) -> Any:
    try:
        return parquet_file(path)
    except LindleyError:
        raise
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise DataError(f"{path} is damaged, or no .parquet file: {error}", path=path) from error
