"""JSON Lines: a line each, with all events of its item."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lindley.files import ByteSink
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.jsonl import open_jsonl
from lindley.labelling.sources.table import Line


def write_jsonl(file: ByteSink, columns: Iterable[str], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write lines as JSON objects.

    Args:
        file: Where they are written, line by line.
        columns: The names that come first, with null where a line has no value.
        lines: The values by name.
    """
    names = dict.fromkeys(columns)
    for values in lines:
        file.write(json.dumps({**names, **values}, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def read_jsonl(path: Path) -> Iterator[Line | Unreadable]:
    """Yield the lines of a file."""
    table = open_jsonl(path)
    return table.read(table.columns)
