"""Rows to label: several columns of a table, as canonical JSON."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence

from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.known_labels import KnownColumns
from lindley.labelling.sources.table import Line, Table, text_fault
from lindley.text import short_repr

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as JSON writes it: "007" is text, since its zeros say something."""
_EXACT = 2.0**53
_MAX_DIGITS = 300
_LARGEST = 10**_MAX_DIGITS


def read_rows(table: Table, columns: Sequence[str], known: KnownColumns) -> Iterator[Found | Unreadable]:
    """Yield the features of each record as a JSON object: numbers, text, true, false, and null for an empty cell.

    Its hash is the sha256 of that JSON, whose keys are sorted and whose whole numbers have no decimal point.

    Args:
        table: The table.
        columns: The columns of the features.
        known: Its columns of labels and ids.
    """
    for line in table.read([*columns, *known.columns]):
        yield line if isinstance(line, Unreadable) else read_row(line, columns, known, is_typed=table.is_typed)


def read_row(line: Line, columns: Sequence[str], known: KnownColumns, *, is_typed: bool) -> Found | Unreadable:
    """Return the features of one record.

    Args:
        line: The record.
        columns: The columns of the features.
        known: Its columns of labels and ids.
        is_typed: Whether its values have types; the cells of a CSV file are text.
    """
    try:
        row = {name: _plain(name, line.values.get(name), is_typed=is_typed) for name in columns}
    except ValueError as error:
        return Unreadable(line.place, str(error))
    if all(value is None for value in row.values()):
        return Unreadable(line.place, "all its features are empty")
    content = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    label, meta = known.read(line.values)
    return Found(line.place, hashlib.sha256(content.encode()).hexdigest(), content, label, meta=meta)


def _plain(name: str, value: object, *, is_typed: bool) -> str | int | float | bool | None:
    """Return a value of a row as JSON has it. Raises ValueError, which names the column, for what is none."""
    if isinstance(value, str):
        if fault := text_fault(value):
            raise ValueError(f"its {name!r} cannot be read: {fault}")
        return value if is_typed else _parse_cell(name, value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float):
        return _plain_number(name, value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"its {name!r} is a number of more than {_MAX_DIGITS} digits")
    if value is None or isinstance(value, bool | int):
        return value
    raise ValueError(f"its {name!r} must be a number, text, true, false or null; it is {short_repr(value)}")


def _parse_cell(name: str, cell: str) -> str | int | float | None:
    text = cell.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or len(text) > _MAX_DIGITS:
        return cell
    return _plain_number(name, float(text)) if any(mark in text for mark in ".eE") else int(text)


def _plain_number(name: str, value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"its {name!r} is {value}, no finite number; leave out what is not known")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
