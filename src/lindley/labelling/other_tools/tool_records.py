"""The records of another tool's file: JSON objects, one a line or in one list; and the item that a record names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lindley.errors import DataError
from lindley.files import read_plain_file
from lindley.labelling.export.columns import CONTENT, IMAGE, content_columns, id_column
from lindley.labelling.records import Unreadable
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.delimited import open_text
from lindley.labelling.sources.jsonl import read_objects
from lindley.labelling.sources.table import Line

Event = dict[str, Any]
"""The JSON values of an event, with its "class" by name."""


@dataclass(frozen=True)
class ToolRecord:
    """What a record of another tool says."""

    fields: Mapping[str, Any]
    """Its values by name: the features of a row, or its own id."""
    text: object = None
    image: object = None
    """The path of the image, its address, or itself as a data URI."""
    events: tuple[Event, ...] = ()


def read_records(path: Path) -> Iterator[Line | Unreadable]:
    """Yield the objects of a file, each with its line; those of a JSON list with their number.

    Raises:
        DataError: If the file begins with a list and is no JSON.
    """
    if not _is_list(path):
        yield from read_objects(path)
        return
    try:
        values = json.loads(read_plain_file(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", path=path) from None
    for number, value in enumerate(values, 1):
        place = f"{path.name}, record {number}"
        yield Line(place, value) if isinstance(value, dict) else Unreadable(place, "it is no JSON object, as in {…}")


def item_values(settings: ProjectSettings, record: ToolRecord) -> dict[str, Any]:
    """Return the values by which `ItemLookup` finds the item of a record. Raises ValueError where it names none."""
    own = id_column(settings)
    if settings.kind == "text" and isinstance(record.text, str):
        return {CONTENT: record.text}
    if settings.kind == "images" and isinstance(record.image, str):
        return {IMAGE: record.image}
    names = content_columns(settings) if settings.kind == "rows" else {}
    found = {name: record.fields[column] for column, name in names.items() if column in record.fields}
    if not found and own is not None and settings.id in record.fields:
        found = {own: record.fields[settings.id]}
    if not found:
        wanted = {"text": "text", "images": "image", "rows": "features", "vectors": "id"}[settings.kind]
        raise ValueError(f"it names no item: it has no {wanted}")
    return found


def one_class(value: object) -> str | None:
    """Return the class that a record names: a name, or a list of one; None for an empty list.

    Raises:
        ValueError: If it names several classes, or something else.
    """
    names = value if isinstance(value, list) else [value]
    if len(names) > 1:
        raise ValueError(f"it has {len(names)} classes, and an item has one")
    name = names[0] if names else None
    if isinstance(name, bool) or not isinstance(name, str | int | None):
        raise ValueError("its label is no name of a class")
    return None if name is None else str(name)


def note_event(person: str, text: object) -> Event:
    """Return the event of a note."""
    return {"kind": "note", "person": person, "note": text}


def _is_list(path: Path) -> bool:
    with open_text(path) as file:
        return re.match(r"\s*\[", file.read(1000)) is not None
