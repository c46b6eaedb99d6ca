"""Parquet files; the one place that imports pyarrow (extra `parquet`), and only when one is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Literal

from lindley.errors import InputError
from lindley.files import ByteSink

ColumnType = type | Literal["vector", "image"]
"""str, int, float or bool; a list of numbers; or an image as Hugging Face has it, its bytes and its path."""


def parquet_file(source: Path | BinaryIO) -> Any:
    """Open a file as a pyarrow.parquet.ParquetFile; pages that carry a checksum are verified when they are read."""
    return _pyarrow()[1].ParquetFile(source, page_checksum_verification=True)


def write_parquet_file(
    sink: ByteSink,
    columns: Mapping[str, ColumnType],
    blocks: Iterable[Mapping[str, Sequence[Any]]],
    *,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a file block by block, with a checksum for each page.

    Args:
        sink: Where it is written.
        columns: By name the type of each column.
        blocks: By name the values of each column, all of one length; None is null.
        metadata: What the file says of itself.
    """
    pyarrow, parquet = _pyarrow()
    types: dict[ColumnType, Any] = {
        str: pyarrow.string(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        bool: pyarrow.bool_(),
        "vector": pyarrow.list_(pyarrow.float32()),
        "image": pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())]),
    }
    schema = pyarrow.schema([(name, types[each]) for name, each in columns.items()], metadata=dict(metadata))
    with parquet.ParquetWriter(sink, schema, write_page_checksum=True) as writer:
        for block in blocks:
            writer.write_table(pyarrow.table({name: block[name] for name in columns}, schema=schema))


def list_depth(type_: Any) -> int:
    """Return 1 for lists of floating point numbers, 2 for lists of such lists, else 0."""
    depth = 0
    while _is_list(type_):
        type_, depth = type_.value_type, depth + 1
    return depth if depth <= 2 and str(type_) in ("halffloat", "float", "double") else 0


def value_type(type_: Any) -> Any:
    """Return the type of the innermost values of (nested) lists."""
    while _is_list(type_):
        type_ = type_.value_type
    return type_


def _is_list(type_: Any) -> bool:
    return str(type_).startswith(("list<", "large_list<", "fixed_size_list<"))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(".parquet files need the package pyarrow: pip install 'lindley[parquet]'") from None
    return pyarrow, parquet
