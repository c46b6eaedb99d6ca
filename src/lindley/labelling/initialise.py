"""Making a project of a source, and adding more data to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np

from lindley.errors import InputError
from lindley.labelling.item_features import VECTORS
from lindley.labelling.project import DATABASE, Project
from lindley.labelling.records import Entry, Found, Item, ProjectEvent, Unreadable
from lindley.labelling.settings import FILE_NAME, ProjectSettings, write_settings
from lindley.labelling.sources.open_source import Source
from lindley.labelling.store import ProjectStore
from lindley.seeds import derive_seed

TEST_SHARE = 0.2
"""The share of groups that are kept for the test stream."""
HOTKEYS = "1234567890abcdefghijklmnopqrtvwxyz"
"""The keys that classes get in their order; s skips and u undoes."""
Progress = Callable[[int], None]


@dataclass
class Additions:
    """What was found in a source."""

    num_entries: int = 0
    num_new: int = 0
    num_duplicates: int = 0
    num_near_duplicates: int = 0
    num_labels: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    label_reasons: list[str] = field(default_factory=list)
    """Why known labels were left out, one for each."""


def make_project(
    folder: Path,
    source: Source,
    classes: Sequence[str],
    settings: ProjectSettings,
    *,
    keys: str | None = None,
    on_progress: Progress = lambda count: None,
) -> Additions:
    """Make a project of a source. Nothing of the source is changed.

    Args:
        folder: The folder of the project, which must hold none.
        source: What is to be labelled.
        classes: The names of the classes, in the order of their keys.
        settings: The settings.
        keys: The keys of the classes, in their order; None: 1, 2, 3 ...
        on_progress: Called with the number of entries that were read.

    Raises:
        InputError: If there is a project already, fewer than two classes are named, or nothing can be labelled.
    """
    if (folder / FILE_NAME).exists():
        raise InputError(
            f"{folder} holds a project already. Label it (lindley label {folder}), bring more data "
            f"(lindley add {folder} SOURCE), or name another folder (--to DIR).",
            argument="to",
            got=str(folder),
        )
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise InputError(argument="classes", expected="two different names or more", got=[*classes])
    folder.mkdir(parents=True, exist_ok=True)
    with ProjectStore.create(folder / DATABASE, seed=settings.seed) as store:
        known, keys = {each.name for each in store.classes()}, keys or HOTKEYS
        for place, name in enumerate(classes):
            if name not in known:
                store.add_class(name, hotkey=keys[place] if place < len(keys) else None)
        project = Project(folder, settings, store)
        found = add_source(project, source, on_progress=on_progress)
        if not found.num_new:
            raise InputError(f"{source.path} has nothing to label: see the reasons.", argument="source")
    write_settings(folder, settings)
    return found


def add_source(project: Project, source: Source, *, on_progress: Progress = lambda count: None) -> Additions:
    """Add the items of a source to a project; those that it has already are one with the old ones.

    Args:
        project: The project.
        source: More data of the project's kind.
        on_progress: Called with the number of entries that were read.
    """
    if source.kind != project.settings.kind:
        raise InputError(argument="source", expected=f"{project.settings.kind}, as the project has", got=source.kind)
    store, result = project.store, Additions()
    known = store.hashes()
    labels: dict[int, str] = {}
    vectors: list[np.ndarray] = []

    def entries() -> Iterator[tuple[Entry, Item | None]]:
        for found in source:
            result.num_entries += 1
            on_progress(result.num_entries)
            if isinstance(found, Unreadable):
                result.unreadable.append(found)
                yield Entry(found.place, reason=found.reason), None
                continue
            item = known.get(found.hash)
            new = item is None
            if item is None:
                item = known[found.hash] = len(known)
                result.num_new += 1
                if found.vector is not None:
                    vectors.append(found.vector)
            else:
                result.num_duplicates += 1
            if reason := found.meta.get("label_reason"):
                result.label_reasons.append(reason)
            if found.label is not None:
                labels.setdefault(item, found.label)
            yield Entry(found.place, item), _item(project, source, found, item) if new else None

    store.add_items(entries(), need=project.settings.people_per_item)
    if vectors:
        _append_vectors(project.folder / VECTORS, np.stack(vectors))
    result.num_labels = _import_labels(store, labels)
    return result


def _item(project: Project, source: Source, found: Found, number: int) -> Item:
    chance = derive_seed(project.settings.seed, "test stream", found.hash) / 2**63
    stream = "test" if chance < TEST_SHARE and found.label is None else "train"
    root = source.path if source.kind == "images" else source.path.parent
    return Item(number, found.hash, found.content, str(root.absolute()), number, stream)


def _import_labels(store: ProjectStore, labels: dict[int, str]) -> int:
    ids = {each.name: each.id for each in store.classes()}
    events = [
        ProjectEvent(uuid4().hex, "import", item=item, class_id=ids[name])
        for item, name in labels.items()
        if name in ids
    ]
    for start in range(0, len(events), 1000):
        store.append("", events[start : start + 1000])
    return len(events)


def _append_vectors(path: Path, new: np.ndarray) -> None:
    before = [np.load(path)] if path.exists() else []
    np.save(path, np.concatenate([*before, new]))
