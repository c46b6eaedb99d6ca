"""What a round of training knows of a project: the labels that count at one moment, with their streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lindley.labelling.project import Project
from lindley.labelling.records import ClassRecord, ProjectEvent

Value = int | Literal["skip"]
"""The id of a class, or that the item was skipped."""


@dataclass(frozen=True)
class Snapshot:
    """The answers that count after some events."""

    upto_seq: int
    class_ids: tuple[int, ...]
    """The classes that a model knows: those that are offered, by id."""
    class_names: tuple[str, ...]
    train: dict[int, Value]
    """By item of the training stream what counts, in the order of the first answers."""
    test: dict[int, Value]
    audit: dict[int, Value]
    disputed: tuple[int, ...]
    """The items on which people do not agree."""
    excluded: tuple[int, ...]
    """The items of the training stream that are not to be selected although they have no answer that counts."""


def take_snapshot(project: Project) -> Snapshot:
    """Return the answers that count now."""
    store = project.store
    classes, streams = store.classes(), store.streams()
    answers, upto = current_answers(store.events())
    values: dict[str, dict[int, Value]] = {"train": {}, "test": {}, "audit": {}}
    disputed = []
    for item, given in answers.items():
        value = resolve(given.values(), classes)
        if value is None:
            disputed.append(item)
        elif streams[item] == "train" or any(event.kind == "import" for event in given.values()):
            values["train"][item] = value
        else:
            values[str(streams[item])][item] = value
    offered = [each for each in classes if not each.retired]
    excluded = [row for row, stream in enumerate(streams) if stream != "train"]
    return Snapshot(
        upto,
        tuple(each.id for each in offered),
        tuple(each.name for each in offered),
        values["train"],
        values["test"],
        values["audit"],
        tuple(disputed),
        tuple(sorted({*excluded, *disputed, *store.leased_items()})),
    )


def current_answers(events: Iterable[ProjectEvent]) -> tuple[dict[int, dict[str, ProjectEvent]], int]:
    """Return by item and person the answer that counts, and the place of the last event.

    An adjudication stands in the place of all answers. The undo of an event counts also where it came first.
    """
    kept, undone, upto = [], set(), 0
    for event in events:
        upto = event.seq or upto
        if event.kind == "undo":
            undone.add(event.target_uuid)
        elif event.kind in ("label", "skip", "import", "adjudicate"):
            kept.append(event)
    answers: dict[int, dict[str, ProjectEvent]] = {}
    decided: dict[int, dict[str, ProjectEvent]] = {}
    for event in kept:
        if event.uuid in undone or event.item is None:
            continue
        if event.kind == "adjudicate":
            decided[event.item] = {event.person: event}
        else:
            answers.setdefault(event.item, {}).pop(event.person, None)
            answers[event.item][event.person] = event
    return {**answers, **decided}, upto


def resolve(given: Iterable[ProjectEvent], classes: list[ClassRecord]) -> Value | None:
    """Return what counts of the answers to an item: what most people say; None where two are equally frequent.

    A class that was merged counts as the class into which it was merged; a retired one does not count.

    Args:
        given: The answers, the last of each person.
        classes: All classes, by their ids.
    """
    values: list[Value] = []
    for event in given:
        value = "skip" if event.class_id is None else resolve_class(event.class_id, classes)
        if value is not None:
            values.append(value)
    labels = [value for value in values if value != "skip"]
    counts = Counter(labels or values).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def resolve_class(class_id: int, classes: list[ClassRecord]) -> int | None:
    """Return the class that a label of this class counts for; None where it was retired."""
    record = classes[class_id]
    while record.merged_into is not None:
        record = classes[record.merged_into]
    return None if record.retired else record.id
