"""Parquet files of a row each; pyarrow reads and writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from lindley.files import ByteSink
from lindley.labelling.export.columns import cell_text
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.parquet_table import open_parquet_table
from lindley.labelling.sources.table import Line
from lindley.parquet import write_parquet_file

_BLOCK = 10_000
_EXACT = 2**53
"""Whole numbers beyond it are no floating point numbers."""


def write_parquet(file: ByteSink, columns: Mapping[str, type], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write lines as rows.

    Args:
        file: Where they are written, block by block.
        columns: The columns with their types; see `common_type`.
        lines: The values by column; what is missing is null.
    """
    write_parquet_file(file, columns, _blocks(columns, lines))


def read_parquet(path: Path, *, once: Collection[str] = ()) -> Iterator[Line | Unreadable]:
    """Yield the rows of a file, without columns of one name.

    Raises InputError where a column of `once` is there twice.
    """
    table = open_parquet_table(path)
    table.check_columns([name for name in once if name in table.columns], "file")
    return table.read([name for name in table.columns if table.columns.count(name) == 1])


def common_type(values: Iterable[object]) -> type:
    """Return a type that holds all these values: int, float, bool, and else str.

    >>> [common_type(values).__name__ for values in ([1, None], [1, 2.5], [True], [1, "a"], [2**60, 0.5])]
    ['int', 'float', 'bool', 'str', 'str']
    """
    kinds: set[type] = set()
    for value in values:
        if value is not None:
            kinds.add(
                int if type(value) is int and abs(value) <= _EXACT else type(value) if type(value) is not int else str
            )
    if kinds and kinds <= {int, float}:
        return float if float in kinds else int
    return bool if kinds == {bool} else str


def _blocks(columns: Mapping[str, type], lines: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Sequence[Any]]]:
    iterator = iter(lines)
    while block := list(islice(iterator, _BLOCK)):
        yield {name: [_as(kind, each.get(name)) for each in block] for name, kind in columns.items()}


def _as(kind: type, value: Any) -> Any:
    if value is None:
        return None
    return cell_text(value) if kind is str else kind(value)
