"""Finding the item that a line of a file is about: by its id, its own id, its text or row, its image, or its place."""

from __future__ import annotations

import hashlib
import posixpath
from base64 import b64decode
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lindley.labelling.export.columns import (
    CONTENT,
    IMAGE,
    cell_text,
    content_columns,
    content_values,
    id_column,
    parse_value,
)
from lindley.labelling.project import Project
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.known_labels import KnownColumns
from lindley.labelling.sources.rows import read_row
from lindley.labelling.sources.table import Line
from lindley.text import short_repr


class NoItemError(ValueError):
    """What a line says is of no item of the project."""


class ItemLookup:
    """Finds items of a project.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project, self._kind = project, project.settings.kind
        self._columns = content_columns(project.settings)
        self._own = id_column(project.settings)

    def find(self, line: Line, *, is_typed: bool) -> int | None:
        """Return the item of a line; None where the line is of an unreadable entry.

        The first of these that the line has finds the item: "item", its own id, its text or row, its image, its place.
        Its text or row must be that of the item.

        Args:
            line: The line.
            is_typed: Whether its values have types; the cells of a CSV file are text.

        Raises:
            ValueError: If there is no such item.
        """
        values = line.values
        number, place = parse_value("item", values.get("item")), parse_value("place", values.get("place"))
        if number is not None:
            return self._check(number, line, place, is_typed=is_typed)
        if self._own is not None and (own := cell_text(_plain(values.get(self._own)))):
            return _one(self._items_by_own_id.get(own), f"no item has the id {short_repr(own)}")
        content = self._content(line, is_typed=is_typed)
        if content is not None:
            if content not in self._hashes:
                raise NoItemError("no item has this content")
            return self._hashes[content]
        if isinstance(image := values.get(IMAGE), str):
            return self._find_image(image)
        if place is None:
            raise ValueError(f"it names no item; it needs one of the columns {', '.join(self._key_columns())}")
        if place in self._unreadable and place not in self._items_by_place:
            return None
        return _one(self._items_by_place.get(place), f"nothing was found at {short_repr(place)}")

    def _key_columns(self) -> list[str]:
        return ["item", *([self._own] if self._own else []), *self._columns.values(), "place"]

    def _check(self, number: int, line: Line, place: str | None, *, is_typed: bool) -> int:
        """Return the item of an id, where the line says nothing else of it."""
        if not 0 <= number < self._project.num_items:
            raise NoItemError(f"there is no item {number}; the last one is {self._project.num_items - 1}")
        content = self._content(line, is_typed=is_typed)
        if content is None and not self._columns:
            if place is not None and number not in self._items_by_place.get(place, ()):
                raise ValueError(f"the item {number} was not found at {short_repr(place)}")
        elif content is not None and self._hashes.get(content) != number and not self._is_same(number, line.values):
            raise ValueError(f"the item {number} has another content here; is the file of another project?")
        return number

    def _is_same(self, number: int, values: Mapping[str, object]) -> bool:
        """Return whether the features of an item look the same, as they do where a file has lost their types."""
        known = content_values(self._project.settings, next(self._project.store.items([number])))
        pairs = [(value, _plain(values.get(name))) for name, value in known.items()]
        return CONTENT not in values and all(a == b or cell_text(a) == cell_text(b) for a, b in pairs)

    def _content(self, line: Line, *, is_typed: bool) -> str | None:
        """Return the hash of what the line holds; None where it holds no text or row."""
        if self._columns and isinstance(content := line.values.get(CONTENT), str):
            return hashlib.sha256(content.encode()).hexdigest()
        values = {column: line.values.get(name) for column, name in self._columns.items()}
        if not values or all(value is None or value == "" for value in values.values()):
            return None
        if self._kind == "text":
            text = next(iter(values.values()))
            return hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) else None
        found: Found | Unreadable = read_row(Line(line.place, values), [*values], KnownColumns(), is_typed=is_typed)
        if isinstance(found, Unreadable):
            raise ValueError(found.reason)
        return found.hash

    def _find_image(self, image: str) -> int:
        """Return the item of an image: by its bytes in a data URI, else by the end of its path or address."""
        if image.startswith("data:"):
            return _one(self._find_bytes(image), "no item is this image")
        path = image_path(image)
        if not (found := self._items_by_place.get(path)):
            folders = path.split("/")
            ends = ("/".join(folders[start:]) for start in range(1, len(folders)))
            found = next((each for end in ends if (each := self._items_by_place.get(end))), None)
            found = found or self._items_by_path_end.get(path)
        number = _one(found, f"no image was found at {short_repr(path)}")
        if self._images.setdefault(number, path) != path:
            raise ValueError(f"its image is item {number}, and so is {short_repr(self._images[number])}; which is it?")
        return number

    def _find_bytes(self, image: str) -> set[int]:
        try:
            content = b64decode(image.partition(",")[2], validate=True)
        except ValueError:
            raise ValueError("its image is no base64 data URI") from None
        number = self._hashes.get(hashlib.sha256(content).hexdigest())
        return set() if number is None else {number}

    @cached_property
    def _images(self) -> dict[int, str]:
        """By item the path by which it was found: another path must not find it as well."""
        return {}

    @cached_property
    def _items_by_path_end(self) -> dict[str, set[int]]:
        """By the last folders and the name of a place, its items."""
        found: dict[str, set[int]] = {}
        for place, items in self._items_by_place.items():
            folders = place.split("/")
            for start in range(1, len(folders)):
                found.setdefault("/".join(folders[start:]), set()).update(items)
        return found

    @cached_property
    def _hashes(self) -> dict[str, int]:
        return self._project.store.hashes()

    @cached_property
    def _items_by_place(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for entry in self._project.store.entries():
            if entry.item is not None:
                found.setdefault(entry.place, set()).add(entry.item)
        return found

    @cached_property
    def _unreadable(self) -> set[str]:
        return {entry.place for entry in self._project.store.entries() if entry.item is None}

    @cached_property
    def _items_by_own_id(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for item in self._project.store.items():
            if "id" in item.meta:
                found.setdefault(item.meta["id"], set()).add(item.id)
        return found


def image_path(image: str) -> str:
    """Return the path of an image, of its path or its address, with slashes.

    >>> image_path("http://host/data/local-files/?d=pets/tom%20cat.png"), image_path(r"C:\\pets\\tom.png")
    ('pets/tom cat.png', 'C:/pets/tom.png')
    """
    parts = urlsplit(image) if image.startswith(("http://", "https://", "/data/", "s3://", "gs://")) else None
    if parts is None:
        return posixpath.normpath(image.replace("\\", "/"))
    named = parse_qs(parts.query).get("d", [""])[0]
    return posixpath.normpath((named or unquote(parts.path)).lstrip("/"))


def _one(found: set[int] | None, fault: str) -> int:
    if not found:
        raise NoItemError(fault)
    if len(found) > 1:
        raise ValueError(f"the items {sorted(found)[:5]} all are meant; name one in the column 'item'")
    return next(iter(found))


def _plain(value: object) -> Any:
    """Return a value as a column of ours has it: NaN stands for what is missing."""
    return None if value is None or value != value else value
