"""The lines of an export: one for each entry of the sources, in their order; copies of an item carry its label."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any

from lindley.labelling.consensus import ItemLabel, find_imported_adjudication, imports_by_person, item_label
from lindley.labelling.export.columns import Value, content_values, id_column
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.project import Project
from lindley.labelling.records import Entry, Item, ProjectEvent

_ORIGINS = {"label": "people", "adjudicate": "adjudicated", "import": "import"}
_LEFT_OUT = ("seq", "item", "payload")
_PAGE = 2000


@dataclass(frozen=True)
class ExportLine:
    """One entry of a source."""

    entry: Entry
    item: Item | None
    """None where the entry is unreadable."""
    values: Mapping[str, Value]
    """The values of its columns, but those of a prediction."""
    events: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """All events of the item in their order, as JSON values, also those that are undone; () for a copy of it."""
    answers: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Those that count, one for each person."""
    is_first: bool = False
    """Whether the item has not been met before."""


class LineReader:
    """Reads the lines of a project as it is now.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project, self._settings = project, project.settings
        events = list(project.store.events())
        self._state: ProjectState = fold(events)
        self._names = {each.id: each.name for each in self._state.classes}
        self._guidelines = [each.seq or 0 for each in events if each.kind == "guideline"]
        self._events: dict[int | None, list[ProjectEvent]] = defaultdict(list)
        for each in events:
            if each.kind not in ("class", "guideline", "config"):
                self._events[self._item_of(each)].append(each)

    def __iter__(self) -> Iterator[ExportLine]:
        """Yield a line for each entry."""
        entries, seen = self._project.store.entries(), set[int]()
        while page := list(islice(entries, _PAGE)):
            wanted = dict.fromkeys(each.item for each in page if each.item is not None)
            items = {each.id: each for each in self._project.store.items(wanted)}
            for entry in page:
                item = None if entry.item is None else items[entry.item]
                yield self._line(entry, item, seen)

    def events_without_item(self) -> list[dict[str, Any]]:
        """Return the events that belong to no item: those that undo what has not arrived."""
        return [self._describe(each) for each in self._events.get(None, ())]

    def human_label(self, item: int) -> str | None:
        """Return the name of the class of an item that counts; None where it has none."""
        label = item_label(self._state, item)
        return None if label is None or label.class_id is None else self._names[label.class_id]

    def _line(self, entry: Entry, item: Item | None, seen: set[int]) -> ExportLine:
        values: dict[str, Value] = {"place": entry.place, "reason": entry.reason}
        if item is None:
            return ExportLine(entry, None, values)
        is_first = item.id not in seen
        seen.add(item.id)
        values |= {"item": item.id, **content_values(self._settings, item)}
        if (own := id_column(self._settings)) is not None:
            values[own] = item.meta.get("id")
        values |= self._answer(item)
        events = [self._describe(each) for each in self._events.get(item.id, ())] if is_first else []
        answers = [self._describe(each) for each in self._answers(item.id).values()] if is_first else []
        return ExportLine(entry, item, values, events, answers, is_first)

    def _answers(self, item: int) -> dict[str, ProjectEvent]:
        return {**imports_by_person(self._state, item), **self._state.answers(item)}

    def _answer(self, item: Item) -> dict[str, Value]:
        """Return the label that counts, and where it comes from."""
        label = item_label(self._state, item.id)
        values = self._notes(item.id)
        if label is None:
            if self._state.is_skipped(item.id):
                skip = [each for each in self._state.answers(item.id).values() if each.kind == "skip"][-1]
                values |= {"answer": "skip", **self._provenance(item, skip, "people")}
            return values
        votes = self._votes(item.id, label)
        named = [person for person in votes if person]
        counts = [self._state.class_of(each) for person, each in votes.items() if person]
        most = counts.count(label.class_id) if label.class_id is not None else max(map(counts.count, counts), default=0)
        values |= {"people": len(named), "agreement": most / len(named) if named else None}
        event = self._decisive_event(item.id, label, votes)
        values |= self._provenance(item, event, label.origin)
        if label.class_id is None:
            kept = {name: values[name] for name in ("stream", "origin", "people", "agreement", "flagged", "note")}
            return {**kept, "answer": "disputed", "votes": self._votes_text(votes)}
        if event.kind == "adjudicate" or len(votes) > 1 or _origin(event, label.origin) == "adjudicated":
            values["votes"] = self._votes_text(votes)
        return {**values, "answer": "label", "class_id": label.class_id, "class": self._names[label.class_id]}

    def _votes(self, item: int, label: ItemLabel) -> dict[str, ProjectEvent]:
        """Return the answers of the people who were asked, whose classes are offered; else the imported ones."""
        told = {person: each for person, each in self._state.answers(item).items() if each.kind == "label"}
        told = {person: each for person, each in told.items() if self._state.class_of(each) is not None}
        return told or {
            person: each
            for person, each in imports_by_person(self._state, item).items()
            if each.kind == "import" and self._state.class_of(each) is not None
        }

    def _votes_text(self, votes: Mapping[str, ProjectEvent]) -> str | None:
        names = {person: self._names[self._state.class_of(each) or 0] for person, each in sorted(votes.items())}
        return json.dumps(names, ensure_ascii=False) if names else None

    def _decisive_event(self, item: int, label: ItemLabel, votes: Mapping[str, ProjectEvent]) -> ProjectEvent:
        """Return the last event that says what counts; of people who disagree, the last of all."""
        if label.origin == "adjudicated":
            return self._state.events_of(item, "adjudicate")[-1]
        if label.origin == "import" and (decided := find_imported_adjudication(self._state, item)) is not None:
            return decided
        agreeing = [each for each in votes.values() if self._state.class_of(each) == label.class_id]
        return max(agreeing or votes.values(), key=lambda each: each.seq or 0)

    def _provenance(self, item: Item, event: ProjectEvent, origin: str) -> dict[str, Value]:
        revealed = [each for each in self._state.events_of(item.id, "reveal") if each.person == event.person]
        shown = any((each.seq or 0) < (event.seq or 0) for each in revealed)
        predicted = None if event.predicted is None else self._names[event.predicted]
        return {
            "origin": _origin(event, origin),
            "person": event.person or None,
            "time": event.server_time,
            "client_time": event.client_time,
            "seconds": None if event.shown_ms is None else event.shown_ms / 1000,
            "idle_seconds": None if event.idle_ms is None else event.idle_ms / 1000,
            "stream": stream_of(event, item),
            "round": event.epoch,
            "acquisition": event.chosen_by,
            "acquisition_probability": event.chosen_prob,
            "predicted": predicted,
            "predicted_probability": event.predicted_prob,
            "prediction_shown": event.prediction_shown or shown,
            "view": event.payload.get("view", None if _kind(event) == "import" else "single"),
            "model": event.model_version,
            "guideline": self._guideline(event),
            "skip_reason": event.payload.get("reason"),
        }

    def _guideline(self, event: ProjectEvent) -> int | None:
        """Return the version of the guideline that was shown; what was imported was labelled elsewhere."""
        if event.guideline_version is not None or event.imported or event.kind == "import":
            return event.guideline_version
        return bisect_left(self._guidelines, event.seq or 0) or None

    def _notes(self, item: int) -> dict[str, Value]:
        found = [each for each in self._state.standing.get(item, ()) if each.kind in ("flag", "note")]
        texts = [each.note for each in found if each.note]
        flagged = any(each.kind == "flag" for each in found)
        return {"flagged": flagged or None, "note": "\n".join(texts) or None}

    def _describe(self, event: ProjectEvent) -> dict[str, Any]:
        """Return an event as JSON values, as it was where it comes from; beside ids of classes stand their names."""
        values = {each.name: getattr(event, each.name) for each in fields(event) if each.name not in _LEFT_OUT}
        values |= {"kind": _kind(event), "guideline_version": self._guideline(event)}
        values["class"] = None if event.class_id is None else self._names[event.class_id]
        values["predicted_class"] = None if event.predicted is None else self._names[event.predicted]
        values["payload"] = {name: value for name, value in event.payload.items() if name != "imported"}
        return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}

    def _item_of(self, event: ProjectEvent) -> int | None:
        target = self._state.known.get(event.target_uuid or "") if event.kind == "undo" else None
        return event.item if target is None else target.item


def stream_of(event: ProjectEvent, item: Item) -> str:
    """Return the stream of an answer's item; an imported one keeps that of where it comes from."""
    before: str | None = event.imported.get("stream")
    return before or item.stream


def _kind(event: ProjectEvent) -> str:
    before: str = event.imported.get("kind", event.kind)
    return before


def _origin(event: ProjectEvent, origin: str) -> str:
    return _ORIGINS.get(event.imported.get("kind", ""), origin)
