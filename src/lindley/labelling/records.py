"""The records of a labelling project: items, the entries of its sources, classes, events and leases.

No torch and no database here. An id of an item is its row of the pool, 0 to N - 1, stable for ever; ids of classes are
never used again. Times are UTC, ISO 8601; the order of events is their `seq`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Kind = Literal["images", "text", "rows", "vectors"]
"""What the items of a project are."""
Stream = Literal["train", "test", "audit", "excluded"]
"""What an item's labels are for: to train on, to measure the model while it grows, or to judge it once at the end.
Near-duplicates of an audit's items are excluded: a model that learned from them would know the audit's."""
EventKind = Literal[
    "label", "skip", "flag", "note", "undo", "reveal", "adjudicate", "import", "class", "guideline", "config"
]
View = Literal["single", "grid"]
"""How an item was shown: alone, or among others that a model says are alike."""
SkipReason = Literal["unsure", "none of these", "broken"]
"""Why an item is skipped."""
ClassAction = Literal["add", "rename", "describe", "hotkey", "merge", "split", "retire"]


@dataclass(frozen=True, eq=False)
class Found:
    """One thing in a source that can be labelled."""

    place: str
    """Where it was found, as a person would look for it: "cats/tom.png", "questions.csv, line 12", "emb.npy, row 3"."""
    hash: str
    """The sha256 of its content, in 64 hexadecimal digits: things of equal hashes are one item."""
    content: str
    """The text; the row as JSON; the image's path relative to its source; "" for vectors."""
    label: str | None = None
    """The name of the class that the source gives it, None where it gives none."""
    vector: np.ndarray | None = None
    """The vector [D], float32, of a source of vectors."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What else is known, as JSON values. All: "id" where the source has one, "label_reason" where its label is no
    class. Images: "width", "height" and "thumbnail", by which near-duplicates are found."""


@dataclass(frozen=True)
class Unreadable:
    """One thing in a source that cannot be labelled, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class Item:
    """One thing to label."""

    id: int
    hash: str
    content: str
    source: str
    """The source in which it was found first."""
    group: int
    """The group of its near-duplicates, which lies in one stream: the smallest id of an item in it."""
    stream: Stream
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What the source knows of it beside, as JSON values; see `Found.meta`."""


@dataclass(frozen=True)
class Entry:
    """One line for each thing found in a source, in order: its item, or the reason why it has none."""

    place: str
    item: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ClassRecord:
    """A class as it is now. Labels keep its id, also if the class is merged into another."""

    id: int
    name: str
    hotkey: str | None = None
    description: str = ""
    merged_into: int | None = None
    retired: bool = False
    """Whether it is offered no more. Labels of a retired class count only where it was merged into another."""
    split: bool = False
    """Whether it, or the class into which it was merged, was split: the items of its labels are labelled again."""


@dataclass(frozen=True)
class ProjectEvent:
    """One thing that happened in a project; events are only ever appended.

    The kinds, with the fields that each needs beside its uuid:

    - label: item, person, class_id. It replaces what the person said of the item before.
    - skip: item, person; payload {"reason": ...} where one is given. It replaces what the person said before.
    - flag, note: item, person, note.
    - undo: person, target_uuid. The event of this uuid counts no more, also if it arrives later.
    - reveal: item, person. The prediction was shown before an answer was there.
    - adjudicate: item, person, class_id. It outranks all labels of the item.
    - import: item, class_id; person where the source names one. A label from elsewhere: it may train, never measure.
    - class: class_id, payload {"action": ClassAction, …} with "name" (add, rename), "description" (add, describe),
      "hotkey" (add, hotkey), "into" (merge) or "names" and "hotkeys" (split). A class that is added has the next id.
    - guideline: payload {"text": …}; guideline_version is its number, from 1.
    - config: payload, an option of the project by name.
    """

    uuid: str
    kind: EventKind
    item: int | None = None
    person: str = ""
    class_id: int | None = None
    target_uuid: str | None = None
    shown_ms: int | None = None
    """The time from showing the item to the answer."""
    idle_ms: int | None = None
    """The part of that time in which the person was away."""
    epoch: int | None = None
    """The epoch of the queue that served the item."""
    chosen_by: str | None = None
    """How the item was chosen: the name of an acquisition, "random", "test", "audit", "search", "person" ..."""
    chosen_prob: float | None = None
    """The probability with which it was chosen, where it was chosen at random."""
    predicted: int | None = None
    """The id of the class that the model predicted when the item was served."""
    predicted_prob: float | None = None
    prediction_shown: bool = False
    model_version: str | None = None
    guideline_version: int | None = None
    client_time: str | None = None
    server_time: str | None = None
    note: str = ""
    seq: int | None = None
    """Its place in the order of all events, from 1; None before it is stored."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What its kind needs beside the columns, as JSON values. Of a label "view", where that is not "single".
    Of an imported event "imported" holds what it was where
    it comes from: its "kind" and its "stream"."""

    @property
    def imported(self) -> Mapping[str, Any]:
        """The original of an imported event; {} for others."""
        found: Mapping[str, Any] = self.payload.get("imported", {})
        return found


@dataclass(frozen=True)
class Lease:
    """An item that is served to a person, until it is answered or given back, or the time is over."""

    item: int
    person: str
    token: str
    until: str
    epoch: int | None = None
    chosen_by: str | None = None
    chosen_prob: float | None = None
    predicted: int | None = None
    predicted_prob: float | None = None
    model_version: str | None = None
