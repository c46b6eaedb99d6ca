"""Making a project of a source, and adding more data to it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import numpy as np

from lindley.errors import InputError
from lindley.files import write_atomically
from lindley.labelling.class_events import Classes, change_classes, class_refusal
from lindley.labelling.class_keys import assign_keys
from lindley.labelling.groups import find_links, group_items
from lindley.labelling.item_features import VECTORS
from lindley.labelling.moved_images import FoundAgain
from lindley.labelling.new_folder import check_free, keep_features_of, new_folder
from lindley.labelling.project import Project
from lindley.labelling.reads import read_column
from lindley.labelling.records import Entry, Found, Item, ProjectEvent, Stream, Unreadable
from lindley.labelling.settings import ProjectSettings, write_settings
from lindley.labelling.sources.open_source import Source
from lindley.labelling.storages import find_storage
from lindley.labelling.store import ProjectStore
from lindley.labelling.streams import assign_streams

Progress = Callable[[int], None]
SHOWN_PLACES = 10
"""The number of unreadable entries, and of copies, that are listed."""


@dataclass
class Additions:
    """The contents of a source."""

    num_entries: int = 0
    num_new: int = 0
    num_near_duplicates: int = 0
    num_labels: int = 0
    num_found_again: int = 0
    """Images whose file was gone, and that are in the source."""
    num_known: int = 0
    """Entries that the project had already, at the same place of the same folder."""
    duplicates: list[tuple[str, int]] = field(default_factory=list)
    """The exact copies: where each was found, and the item that it is one with."""
    unreadable: list[Unreadable] = field(default_factory=list)
    label_reasons: list[str] = field(default_factory=list)
    """The reasons why known labels were left out, one for each."""


def make_project(
    folder: Path,
    source: Source,
    classes: Sequence[str],
    settings: ProjectSettings,
    *,
    keys: Sequence[str] | None = None,
    descriptions: Mapping[str, str] = MappingProxyType({}),
    on_progress: Progress = lambda count: None,
    finish: Callable[[Project, Additions], None] = lambda project, found: None,
) -> Additions:
    """Make a project of a source, or nothing where an error comes. Nothing of the source is changed.

    Args:
        folder: The folder of the project, which must be missing or empty.
        source: What is to be labelled.
        classes: The names of the classes, in the order of their keys.
        settings: The settings.
        keys: The keys of the classes, in their order; None: their names where these are keys, and else 1, 2, 3 ...
        descriptions: By name of a class a sentence that says what it is.
        on_progress: Called with the number of entries that were read.
        finish: What else belongs to making it: called with the project and what was found, before it counts as made.

    Raises:
        InputError: If the folder holds something, fewer than two classes are named, or nothing can be labelled.
    """
    check_free(folder)
    wanted = _plan_classes(classes, keys, descriptions)
    _refuse_empty(source)
    storage = find_storage(folder, settings)
    with new_folder(folder):
        with storage.reserve(), ProjectStore.create(storage, seed=settings.seed) as store:
            for each in wanted:
                store.add_class(each.name, hotkey=each.hotkey, description=each.description)
            project = Project(folder, settings, store)
            found = add_source(project, source, on_progress=on_progress)
            keep_features_of(folder, store.hashes())
            finish(project, found)
        write_settings(folder, settings)
    return found


def add_source(project: Project, source: Source, *, on_progress: Progress = lambda count: None) -> Additions:
    """Add the items of a source to a project; those that it has already are one with the old ones.

    Near-duplicates lie in one group, and a group in one stream: that which it has already where it has one.

    Args:
        project: The project.
        source: More data of the project's kind.
        on_progress: Called with the number of entries that were read.
    """
    if source.kind != project.settings.kind:
        raise InputError(argument="source", expected=f"{project.settings.kind}, as the project has", got=source.kind)
    reading = _Reading(project, source, on_progress)
    settings = project.settings
    with project.store.add(need=settings.people_per_item, double_share=settings.double_share) as addition:
        addition.add(reading.entries())
        placements = reading.place_items()
        reading.save_vectors()
        addition.finish(placements)
    reading.found_again.store()
    reading.found.num_labels = _import_labels(project.store, reading.labels)
    return reading.found


class _Reading:
    """Reads a source entry by entry, and remembers what the groups need."""

    def __init__(self, project: Project, source: Source, on_progress: Progress) -> None:
        self.found = Additions()
        self.labels: dict[int, str] = {}
        self._project, self._source, self._on_progress = project, source, on_progress
        self._root = str((source.path if source.kind == "images" else source.path.parent).absolute())
        self.found_again = FoundAgain(project, self._root)
        self._known = project.store.hashes()
        self._before = len(self._known)
        self._alike: list[Any] = self._read_alike()
        self._vectors: list[np.ndarray] = []

    def entries(self) -> Iterator[tuple[Entry, Item | None]]:
        """Yield each entry, with its item where that is new."""
        for each in self._source:
            self.found.num_entries += 1
            self._on_progress(self.found.num_entries)
            if isinstance(each, Unreadable):
                self.found.unreadable.append(each)
                if self.found_again.knows(each.place) or (each.place, None) in self._listed:
                    continue
                yield Entry(each.place, reason=each.reason), None
                continue
            item = self._known.get(each.hash)
            if item is None:
                number = self._add(each)
                meta = dict(each.meta)
                yield (
                    Entry(each.place, number),
                    Item(number, each.hash, each.content, self._root, number, "train", meta),
                )
            elif (each.place, item) in self._listed:
                self.found.num_known += 1
                self._note_label(each, item)
            elif self.found_again.take(item, each.place):
                self.found.num_found_again = self.found_again.num_items
                self._note_label(each, item)
            else:
                self.found.duplicates.append((each.place, item))
                self._note_label(each, item)
                yield Entry(each.place, item), None

    @cached_property
    def _listed(self) -> set[tuple[str, int | None]]:
        """What was found in this folder before: each place with its item, None where it cannot be read."""
        store = self._project.store
        here = {number for number, folder in read_column(store.read, "source") if folder == self._root}
        return {
            (each.place, each.item) for each in store.entries() if each.item in here or (here and each.item is None)
        }

    def place_items(self) -> dict[int, tuple[int, Stream]]:
        """Return by new item its group and its stream."""
        store, settings = self._project.store, self._project.settings
        known_groups, known_streams = store.groups().tolist(), store.streams().tolist()
        values = np.stack(self._alike) if settings.kind == "vectors" and self._alike else self._alike
        groups = group_items(find_links(settings.kind, values), known_groups)
        self.found.num_near_duplicates = len(groups) - self._before - len({*groups[self._before :]} - {*known_groups})
        streams = assign_streams(
            groups,
            [*self._known],
            seed=settings.seed,
            known=known_streams,
            imported=self.labels,
            test_labels=settings.test_labels,
        )
        return {item: (groups[item], streams[item]) for item in range(self._before, len(groups))}

    def save_vectors(self) -> None:
        """Write the vectors of new items behind those of the old ones."""
        if self._vectors:
            path = self._project.folder / VECTORS
            before = [np.load(path)[: self._before]] if self._before else []
            buffer = io.BytesIO()
            np.save(buffer, np.concatenate([*before, np.stack(self._vectors)]))
            write_atomically(path, buffer.getvalue())

    def _add(self, found: Found) -> int:
        number = self._known[found.hash] = len(self._known)
        self.found.num_new += 1
        self._alike.append(self._alike_of(found.content, found.meta, found.vector))
        if found.vector is not None:
            self._vectors.append(found.vector)
        self._note_label(found, number)
        return number

    def _note_label(self, found: Found, item: int) -> None:
        if reason := found.meta.get("label_reason"):
            self.found.label_reasons.append(reason)
        if found.label is not None:
            self.labels.setdefault(item, found.label)

    def _read_alike(self) -> list[Any]:
        """Return of the old items what near-duplicates are found by."""
        if self._project.settings.kind == "vectors":
            return list(np.load(self._project.folder / VECTORS)[: self._before]) if self._before else []
        return [self._alike_of(each.content, each.meta, None) for each in self._project.store.items()]

    def _alike_of(self, content: str, meta: Mapping[str, Any], vector: np.ndarray | None) -> Any:
        return {"images": meta.get("thumbnail"), "vectors": vector}.get(self._project.settings.kind, content)


def _plan_classes(names: Sequence[str], keys: Sequence[str] | None, descriptions: Mapping[str, str]) -> Classes:
    """Return the classes of a new project. Raise InputError where a name or a key cannot be."""
    if len(names) < 2:
        raise InputError(argument="classes", expected="two names or more", got=[*names])
    if keys is not None and len(keys) != len(names):
        raise InputError(argument="keys", expected=f"{len(names)} keys, one for each class", got=keys)
    classes: Classes = ()
    for number, name in enumerate(names):
        added = {"action": "add", "name": name, "description": descriptions.get(name, "")}
        classes = _change(classes, number, added, "classes")
    for number, key in enumerate(assign_keys(names) if keys is None else keys):
        classes = _change(classes, number, {"action": "hotkey", "hotkey": key}, "keys")
    return classes


def _change(classes: Classes, number: int, payload: Mapping[str, Any], argument: str) -> Classes:
    event = ProjectEvent("", "class", class_id=number, payload=payload)
    if reason := class_refusal(classes, event):
        raise InputError(f"{reason}.", argument=argument)
    return change_classes(classes, event)


def _refuse_empty(source: Source) -> None:
    """Raise InputError, with the first reasons, where nothing of a source can be labelled."""
    unreadable = []
    for each in source:
        if isinstance(each, Found):
            return
        unreadable.append(each)
    if not unreadable:
        what = "holds no files" if source.kind == "images" else "has no rows"
        raise InputError(f"{source.path} {what}: there is nothing to label.", argument="source")
    lines = [f"  {each.place}: {each.reason}" for each in unreadable[:SHOWN_PLACES]]
    more = len(unreadable) - SHOWN_PLACES
    lines += [f"  … and {more} more"] if more > 0 else []
    raise InputError("\n".join([f"{source.path} has nothing to label:", *lines]), argument="source")


def _import_labels(store: ProjectStore, labels: Mapping[int, str]) -> int:
    ids = {each.name: each.id for each in store.classes()}
    events = [
        ProjectEvent(uuid4().hex, "import", item=item, class_id=ids[name])
        for item, name in labels.items()
        if name in ids
    ]
    for start in range(0, len(events), 1000):
        store.append("", events[start : start + 1000])
    return len(events)
