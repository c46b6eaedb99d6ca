"""The state of a project: the fold of its events. Pure: the state before stays as it was.

fold(later, fold(earlier)) is the same as fold(earlier + later).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from lindley.labelling.class_events import change_classes, class_refusal, resolve_class
from lindley.labelling.records import ClassRecord, EventKind, ProjectEvent

_OF_ITEMS = ("label", "skip", "flag", "note", "reveal", "adjudicate", "import")
_UNDOABLE = frozenset(_OF_ITEMS) - {"reveal"}
_WITH_CLASS = ("label", "adjudicate", "import")


@dataclass(frozen=True)
class ProjectState:
    """The state of a project after some events."""

    classes: tuple[ClassRecord, ...] = ()
    """All classes by their id, those merged or retired too."""
    standing: Mapping[int, tuple[ProjectEvent, ...]] = field(default_factory=dict)
    """The events of each item that are not undone, in their order."""
    undone: frozenset[tuple[str, str]] = frozenset()
    """The uuids that were undone, each with the person who may undo it; the event may be yet to come."""
    guideline: str = ""
    guideline_version: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    """Options of the project that were changed after its beginning, by name."""
    known: Mapping[str, ProjectEvent] = field(default_factory=dict)
    """All events by their uuid."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why an event does not count, by its uuid: it conflicts with an earlier one."""

    def answers(self, item: int) -> dict[str, ProjectEvent]:
        """Return each person's current answer for an item, a label or a skip."""
        return {each.person: each for each in self.standing.get(item, ()) if each.kind in ("label", "skip")}

    def votes(self, item: int) -> dict[str, int]:
        """Return by person the class that they give an item now, through merges; skips are no votes."""
        found = {person: self.class_of(each) for person, each in self.answers(item).items() if each.kind == "label"}
        return {person: class_id for person, class_id in found.items() if class_id is not None}

    def events_of(self, item: int, kind: EventKind) -> list[ProjectEvent]:
        """Return the events of one kind of an item that are not undone, in their order."""
        return [each for each in self.standing.get(item, ()) if each.kind == kind]

    def class_of(self, event: ProjectEvent) -> int | None:
        """Return the class that a label counts for, through merges; None where it is retired."""
        return None if event.class_id is None else resolve_class(self.classes, event.class_id)

    @property
    def skipped(self) -> list[int]:
        """The items that somebody skipped and nobody labelled, sorted."""
        return sorted(item for item in self.standing if self.is_skipped(item))

    def is_skipped(self, item: int) -> bool:
        """Whether somebody skipped an item, and nobody labelled it."""
        kinds = {each.kind for each in self.answers(item).values()}
        return kinds == {"skip"} and not self.events_of(item, "adjudicate")


def fold(events: Iterable[ProjectEvent], state: ProjectState | None = None) -> ProjectState:
    """Return the state after events, in their order; an event whose uuid came before counts once.

    Args:
        events: The events that are new.
        state: The state before them; None: the beginning.
    """
    builder = _Builder(state or ProjectState())
    for event in events:
        builder.add(event)
    return builder.state()


def refusal(state: ProjectState, event: ProjectEvent) -> str:
    """Return why an event cannot follow a state, "" where it can: a store asks this before it appends."""
    return _refusal(state.classes, state.guideline_version, event)


def _refusal(classes: tuple[ClassRecord, ...], guideline_version: int, event: ProjectEvent) -> str:
    if event.kind == "class":
        return class_refusal(classes, event)
    if event.kind in _OF_ITEMS and event.item is None:
        return f"a {event.kind} must name its item"
    if event.kind in _WITH_CLASS and not (event.class_id is not None and 0 <= event.class_id < len(classes)):
        return f"there is no class {event.class_id}"
    if event.kind == "undo" and not event.target_uuid:
        return "an undo must name the uuid of an event"
    if event.kind == "guideline":
        return _guideline_refusal(guideline_version, event)
    return ""


def _guideline_refusal(version: int, event: ProjectEvent) -> str:
    if not isinstance(event.payload.get("text"), str):
        return "a guideline must have a text"
    wanted = version + 1
    found = event.guideline_version
    return "" if found == wanted else f"the next version of the guideline is {wanted}; it is {found}"


@final
class _Builder:
    """Copies of the parts of a state, which may change."""

    def __init__(self, state: ProjectState) -> None:
        self.classes = state.classes
        self.standing = dict(state.standing)
        self.undone = set(state.undone)
        self.guideline, self.guideline_version = state.guideline, state.guideline_version
        self.config, self.known, self.refused = dict(state.config), dict(state.known), dict(state.refused)

    def add(self, event: ProjectEvent) -> None:
        if event.uuid in self.known:
            return
        self.known[event.uuid] = event
        if reason := _refusal(self.classes, self.guideline_version, event):
            self.refused[event.uuid] = reason
        elif event.kind == "class":
            self.classes = change_classes(self.classes, event)
        elif event.kind == "undo":
            self._undo(event)
        elif event.kind == "guideline":
            self.guideline, self.guideline_version = event.payload["text"], self.guideline_version + 1
        elif event.kind == "config":
            self.config.update(event.payload)
        elif event.kind == "reveal" or (event.uuid, event.person) not in self.undone:
            self._stand(event)

    def state(self) -> ProjectState:
        return ProjectState(
            self.classes,
            self.standing,
            frozenset(self.undone),
            self.guideline,
            self.guideline_version,
            self.config,
            self.known,
            self.refused,
        )

    def _stand(self, event: ProjectEvent) -> None:
        assert event.item is not None
        self.standing[event.item] = (*self.standing.get(event.item, ()), event)

    def _undo(self, event: ProjectEvent) -> None:
        """Undo an event of the same person, at once or when it comes. What is undone twice is undone."""
        assert event.target_uuid is not None
        self.undone.add((event.target_uuid, event.person))
        target = self.known.get(event.target_uuid)
        if target is None or target.kind not in _UNDOABLE or target.person != event.person or target.item is None:
            return
        left = tuple(each for each in self.standing.get(target.item, ()) if each.uuid != target.uuid)
        self.standing.pop(target.item, None)
        if left:
            self.standing[target.item] = left
