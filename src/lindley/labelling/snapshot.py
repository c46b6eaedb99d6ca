"""The data of a round of training: the labels that count at one moment, by stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lindley.labelling.consensus import ItemLabel, item_label
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.project import Project
from lindley.labelling.records import ClassRecord

Value = int | Literal["skip"]
"""The id of a class, or that the item was skipped."""


@dataclass(frozen=True)
class Snapshot:
    """The answers that count after some events."""

    state: ProjectState
    streams: np.ndarray
    """The stream of each item, [N], as text."""
    upto_seq: int
    class_ids: tuple[int, ...]
    """The classes that are offered, by id: those that a model knows."""
    class_names: tuple[str, ...]
    train: dict[int, Value]
    """By item of the training stream what counts, imported labels too; in the order of the answers."""
    test: dict[int, Value]
    """By item of the test stream what people say of it here: an imported label is of no random item."""
    audit: dict[int, Value]
    disputed: tuple[int, ...]
    """The items on which people do not agree."""
    unused: tuple[int, ...]
    """The items whose labels neither train nor measure: those of items that measure, from elsewhere."""
    excluded: tuple[int, ...]
    """The items that are not to be selected: of another stream, disputed, or on somebody's screen."""

    @property
    def classes(self) -> list[ClassRecord]:
        """The classes that are offered, in the order of their ids."""
        return [self.state.classes[class_id] for class_id in self.class_ids]


def take_snapshot(project: Project, before: Snapshot | None = None) -> Snapshot:
    """Return the answers that count now; of a project that was read `before`, only the events since then are read."""
    store = project.store
    events = list(store.events(0 if before is None else before.upto_seq))
    state, streams = fold(events, None if before is None else before.state), store.streams()
    values: dict[str, dict[int, Value]] = {"train": {}, "test": {}, "audit": {}}
    disputed, unused = [], []
    for item in state.standing:
        label, stream = item_label(state, item), str(streams[item])
        if not _is_used(state, item, label, stream):
            unused += [item] if label is not None else []
        elif label is None:
            values[stream][item] = "skip"
        elif label.class_id is None:
            disputed.append(item)
        else:
            values[stream][item] = label.class_id
    offered = [each for each in state.classes if not each.retired]
    apart = (streams != "train").nonzero()[0].tolist()
    return Snapshot(
        state,
        streams,
        events[-1].seq or 0 if events else 0 if before is None else before.upto_seq,
        tuple(each.id for each in offered),
        tuple(each.name for each in offered),
        **values,
        disputed=tuple(disputed),
        unused=tuple(unused),
        excluded=tuple(sorted({*apart, *disputed, *store.items_on_lease()})),
    )


def _is_used(state: ProjectState, item: int, label: ItemLabel | None, stream: str) -> bool:
    """Return whether a label or a skip counts: on an item that measures, what was given here alone."""
    if stream == "train":
        return label is not None or state.is_skipped(item)
    if stream == "excluded":
        return False
    if label is not None:
        return label.origin != "import"
    return state.is_skipped(item) and any(not each.imported for each in state.answers(item).values())
