"""Texts to label: one column of a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.known_labels import KnownColumns
from lindley.labelling.sources.table import Line, Table, text_fault
from lindley.text import short_repr


def read_texts(table: Table, column: str, known: KnownColumns) -> Iterator[Found | Unreadable]:
    """Yield the text of each record, as it is.

    Its hash is the sha256 of its UTF-8 bytes: texts that differ in Unicode form, case or white space are two items,
    which `groups` finds to be near-duplicates.

    Args:
        table: The table.
        column: The column of the texts.
        known: Its columns of labels and ids.
    """
    for line in table.read([column, *known.columns]):
        yield line if isinstance(line, Unreadable) else _read_text(line, column, known)


def _read_text(line: Line, column: str, known: KnownColumns) -> Found | Unreadable:
    text = line.values.get(column)
    if text is None:
        return Unreadable(line.place, f"its {column!r} is missing")
    if not isinstance(text, str):
        return Unreadable(line.place, f"its {column!r} must be text; it is {short_repr(text)}")
    if not text.strip():
        return Unreadable(line.place, f"its {column!r} is empty")
    if fault := text_fault(text):
        return Unreadable(line.place, f"its {column!r} cannot be read: {fault}")
    label, meta = known.read(line.values)
    return Found(line.place, hashlib.sha256(text.encode()).hexdigest(), text, label, meta=meta)
