"""Parquet files; the one place that imports pyarrow (extra `parquet`), and only when one is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from lindley.errors import InputError


def parquet_file(source: Path | BinaryIO) -> Any:
    """Open a file as a pyarrow.parquet.ParquetFile; pages that carry a checksum are verified when they are read."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("reading .parquet needs the package pyarrow: pip install 'lindley[parquet]'") from None
    return parquet.ParquetFile(source, page_checksum_verification=True)


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
