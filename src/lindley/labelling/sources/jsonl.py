"""JSON Lines: one object a line, in UTF-8."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lindley.errors import InputError
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.delimited import TextLines, open_text
from lindley.labelling.sources.table import Line, Table

_HEAD = 100
"""Objects may differ in their keys; the columns are those of the first hundred."""


def open_jsonl(path: Path) -> Table:
    """Open a file of JSON objects, one a line. Raises InputError where none of its first lines is one."""
    head = [each for each in islice(read_objects(path), _HEAD) if isinstance(each, Line)]
    if not head:
        raise InputError(f"{path} has no line that is a JSON object.", argument="path", got=str(path))
    return Table(
        path, tuple(dict.fromkeys(name for each in head for name in each.values)), lambda _: read_objects(path)
    )


def read_objects(path: Path) -> Iterator[Line | Unreadable]:
    """Yield each object with its line; a line that is none with the reason."""
    with open_text(path) as file:
        lines = TextLines(file)
        while True:
            try:
                line = next(lines)
            except StopIteration:
                return
            except csv.Error as error:
                yield Unreadable(f"{path.name}, line {lines.number}", str(error))
                continue
            lines.recent.clear()
            if line.strip():
                yield _parse(f"{path.name}, line {lines.number}", line)


def _parse(place: str, line: str) -> Line | Unreadable:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Unreadable(place, f"it is no JSON: {error}")
    return Line(place, value) if isinstance(value, dict) else Unreadable(place, "it is no JSON object, as in {…}")
