"""Images whose folder was moved: they are missed before anybody labels, and found again by their content."""

from __future__ import annotations

import random
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

from lindley.labelling.project import Project
from lindley.labelling.records import Item
from lindley.labelling.sql import parameter, sa
from lindley.labelling.tables import entry, item

_LOOKED_AT = 20
"""The number of random images that are looked for at a start."""


def missing_images(project: Project) -> list[str]:
    """Return a sentence for each folder of images that is gone, or of which random images are; nothing is decoded."""
    if project.settings.kind != "images":
        return []
    remedy = f"Bring them back, or say where they are now: lindley add {project.folder} NEWFOLDER"
    folders = Counter(project.store.read(lambda connection: connection.scalars(sa.select(item.c.source)).all()))
    gone = [folder for folder in folders if not Path(folder).is_dir()]
    found = [
        f"the folder {each} is gone, and the {folders[each]} images in it cannot be shown. {remedy}" for each in gone
    ]
    rows = random.Random(project.settings.seed).sample(range(project.num_items), min(_LOOKED_AT, project.num_items))
    looked = [each for each in project.store.items(rows) if each.source not in gone]
    lost = [each for each in looked if not project.image_path(each).is_file()]
    if lost:
        first = project.image_path(lost[0])
        found.append(f"{len(lost)} of {len(looked)} images that were looked for are missing, such as {first}. {remedy}")
    return found


class FoundAgain:
    """Items of a project whose file is gone, and that a source has again: they get its place, and no new entry.

    Args:
        project: The project.
        root: The folder of the source.
    """

    def __init__(self, project: Project, root: str) -> None:
        self._project, self._root = project, root
        self._is_of_images = project.settings.kind == "images"
        self._places: dict[int, list[str]] = {}
        self._moves: list[dict[str, Any]] = []
        self._renamed: list[dict[str, Any]] = []

    @property
    def num_items(self) -> int:
        """The number of items that were found again."""
        return len(self._moves)

    def take(self, number: int, place: str) -> bool:
        """Return whether a known item's entry has moved to a place in the source, so that it needs no new one."""
        if not self._is_of_images or number not in self._items:
            return False
        if number not in self._places:
            if self._project.image_path(self._items[number]).is_file():
                return False
            self._places[number] = self._old_places.get(number, [])[:]
            self._moves.append({"which": number, "root": self._root, "path": place})
        left = self._places[number]
        if not left:
            return False
        old = place if place in left else left[0]
        left.remove(old)
        if old != place:
            self._renamed.append({"which": number, "old": old, "new": place})
        return True

    def knows(self, place: str) -> bool:
        """Return whether what cannot be read at a place is listed already, for a folder that is gone."""
        return self._is_of_images and self._is_folder_gone and place in self._unreadable

    def store(self) -> None:
        """Give the items their new places."""

        def work(connection: sa.Connection) -> None:
            if self._moves:
                connection.execute(_MOVE, self._moves)
            if self._renamed:
                connection.execute(_RENAME, self._renamed)

        self._project.store.write(work)

    @cached_property
    def _items(self) -> dict[int, Item]:
        """The items that were there before."""
        return {each.id: each for each in self._project.store.items()}

    @cached_property
    def _is_folder_gone(self) -> bool:
        return any(not Path(folder).is_dir() for folder in {each.source for each in self._items.values()})

    @cached_property
    def _old_places(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for each in self._project.store.entries():
            if each.item is not None:
                found.setdefault(each.item, []).append(each.place)
        return found

    @cached_property
    def _unreadable(self) -> set[str]:
        return {each.place for each in self._project.store.entries() if each.item is None}


_which = parameter("which")
_MOVE = item.update().where(item.c.id == _which).values(source=parameter("root"), content=parameter("path"))
_RENAME = entry.update().where(entry.c.item == _which, entry.c.place == parameter("old")).values(place=parameter("new"))
