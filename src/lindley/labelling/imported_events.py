"""Events of the lines of a file: a line holds events as JSON values, or says in its columns what happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from lindley.labelling.class_events import resolve_class
from lindley.labelling.event_append import event_fault
from lindley.labelling.export.columns import LABEL, parse_value
from lindley.labelling.fold import ProjectState
from lindley.labelling.item_lookup import ItemLookup
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent, Stream
from lindley.labelling.sources.table import Line, text_fault
from lindley.names import suggest_in_brackets
from lindley.session.validated_records import describe_fault
from lindley.text import short_repr

_FIELDS = {each.name for each in fields(ProjectEvent)} - {"seq", "item", "class_id", "predicted"}
_KINDS = ("label", "skip", "flag", "note", "undo", "reveal", "adjudicate", "import")
_EVENT = TypeAdapter(ProjectEvent)
_LABELS = ("label", "adjudicate", "import")
_MOST_SECONDS = 1e12
_NOBODY = "import"
"""The person of a flag or a note that names nobody."""


class EventReader:
    """Makes events of lines.

    Args:
        project: The project.
        state: The state of the project.
        label: The column of the names of classes.
        is_typed: Whether values have types; the cells of a CSV file are text.
    """

    def __init__(self, project: Project, state: ProjectState, label: str, *, is_typed: bool) -> None:
        self._state, self._label, self._is_typed = state, label, is_typed
        self._lookup = ItemLookup(project)
        self._classes = {each.name: each.id for each in state.classes}
        self._given: dict[tuple[int, str], tuple[int | None, str]] = {}

    def read(self, line: Line) -> Iterator[ProjectEvent]:
        """Yield the events of a line. Raises ValueError, which says what is wrong with it."""
        for name, value in line.values.items():
            if isinstance(value, str) and (fault := text_fault(value)):
                raise ValueError(f"its {name!r} cannot be read: {fault}")
        events = line.values.get("events")
        if events is not None and all(value in (None, "") for name, value in line.values.items() if name != "events"):
            yield from (self._event(each, None, None) for each in _objects(events))
            return
        if line.values.get("item") in (None, "") and line.values.get("reason"):
            return  # an entry that could not be read
        item = self._lookup.find(line, is_typed=self._is_typed)
        if item is None:
            return
        if events is not None:
            stream = _stream(line.values.get("stream"))
            yield from (self._event(each, item, stream) for each in _objects(events))
        else:
            yield from self._flat_events(line, item)

    def _event(self, values: Mapping[str, Any], item: int | None, stream: Stream | None) -> ProjectEvent:
        """Return an event that was written as JSON values."""
        kind = values.get("kind")
        if kind not in _KINDS:
            raise ValueError(f"there is no event of kind {short_repr(kind)}")
        if unknown := sorted({*values} - _FIELDS - {"class", "class_id", "predicted", "predicted_class"}):
            raise ValueError(f"an event has no {unknown[0]!r}")
        given = {name: values[name] for name in _FIELDS if name in values}
        given |= {"class_id": self._class(values.get("class")), "predicted": self._class(values.get("predicted_class"))}
        if "uuid" not in given:
            names = (
                ("person", "class_id", "server_time") if kind == "label" else ("kind", "note", "person", "server_time")
            )
            given["uuid"] = _uuid([item, *(str(given.get(name)) for name in names)])
        return self._make_event({**given, "item": item}, stream)

    def _flat_events(self, line: Line, item: int) -> Iterator[ProjectEvent]:
        """Yield the events that the columns of a line say."""
        values = {name: parse_value(name, line.values.get(name)) for name in LABEL if name != "class"}
        name = _class_name(line.values.get(self._label))
        class_id = self._find_offered_class(name)
        answer = values["answer"] or ("label" if name is not None else None)
        if answer not in (None, "label", "skip", "disputed"):
            raise ValueError(f"its 'answer' must be label, skip or disputed; it is {short_repr(answer)}")
        if answer == "label" and class_id is None:
            raise ValueError(f"it has no class in the column {self._label!r}")
        stream, person = _stream(values["stream"]), values["person"] or ""
        kind = {"people": "label", "adjudicated": "adjudicate"}.get(values["origin"] or "", "import")
        votes = self._votes(values["votes"])
        for voter, vote in votes.items():
            if not (voter == person and answer == "label" and kind == "label"):
                yield self._make_event({"kind": "label", "item": item, "person": voter, "class_id": vote}, stream)
        if answer in ("label", "skip"):
            given = self._provenance(values)
            given |= {"kind": kind if answer == "label" else "skip", "class_id": class_id}
            if answer == "label":
                self._refuse_another(line, item, person, class_id)
            yield self._make_event({**given, "item": item, "person": person}, stream)
        if note := self._new_note(item, values):
            yield self._make_event({**note, "item": item, "person": person or _NOBODY}, stream)

    def _provenance(self, values: Mapping[str, Any]) -> dict[str, Any]:
        seconds = {"shown_ms": values["seconds"], "idle_ms": values["idle_seconds"]}
        payload = {} if values["view"] in (None, "single") else {"view": values["view"]}
        payload |= {} if values["skip_reason"] is None else {"reason": values["skip_reason"]}
        return {
            **{name: None if value is None else _milliseconds(value) for name, value in seconds.items()},
            "server_time": values["time"],
            "client_time": values["client_time"],
            "epoch": values["round"],
            "chosen_by": values["acquisition"],
            "chosen_prob": values["acquisition_probability"],
            "predicted": self._class(values["predicted"]),
            "predicted_prob": values["predicted_probability"],
            "prediction_shown": bool(values["prediction_shown"]),
            "model_version": values["model"],
            "guideline_version": values["guideline"],
            "payload": payload,
        }

    def _new_note(self, item: int, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the flag or the note of a line; None where it has none, or the item has it already."""
        kind, text = "flag" if values["flagged"] else "note", values["note"] or ""
        if kind == "note" and not text:
            return None
        known = [each for each in self._state.standing.get(item, ()) if each.kind in ("flag", "note")]
        same = "\n".join(each.note for each in known if each.note) == text
        if known and same and (kind == "flag") == any(each.kind == "flag" for each in known):
            return None
        return {"kind": kind, "note": text}

    def _refuse_another(self, line: Line, item: int, person: str, class_id: int | None) -> None:
        """Raise ValueError where a line before gave the item another class, of the same person."""
        before = self._given.setdefault((item, person), (class_id, line.place))
        if before[0] != class_id:
            raise ValueError(f"its item has another class in {before[1]}; copies of an item are one")

    def _make_event(self, given: dict[str, Any], stream: Stream | None) -> ProjectEvent:
        """Return the event as it is stored here: labels as imported ones, with what they were."""
        kind = given["kind"]
        given = {name: value for name, value in given.items() if value is not None}
        if "uuid" not in given:
            given["uuid"] = _uuid([[name, given[name]] for name in sorted(given)])
        imported = {"kind": kind, **({} if stream is None else {"stream": stream})}
        if kind in (*_LABELS, "skip"):
            given["payload"] = {**given.get("payload", {}), "imported": imported}
        if kind in _LABELS and given.get("class_id") is None:
            raise ValueError(f"a {kind} must name its class")
        if kind == "skip" and not given.get("person"):
            raise ValueError("a skip must name its person")
        try:
            text = json.dumps({**given, "kind": "import" if kind in _LABELS else kind})
            event = _EVENT.validate_json(text, strict=True)
        except ValidationError as error:
            raise ValueError(f"an event is wrong: {describe_fault(error)}") from None
        if fault := event_fault(event) or _time_fault(event.server_time):
            raise ValueError(fault)
        return event

    def _class(self, name: object) -> int | None:
        """Return the class of a name, which may be merged or retired; None where no name is given."""
        if name is None:
            return None
        if isinstance(name, str) and (found := self._classes.get(name, self._classes.get(name.strip()))) is not None:
            return found
        raise ValueError(f"there is no class {short_repr(name)}{suggest_in_brackets(str(name), self._classes)}")

    def _find_offered_class(self, name: object) -> int | None:
        class_id = self._class(name)
        if class_id is not None and resolve_class(self._state.classes, class_id) is None:
            raise ValueError(f"the class {name!r} is retired")
        return class_id

    def _votes(self, text: str | None) -> dict[str, int]:
        try:
            votes = {} if text is None else json.loads(text)
        except (ValueError, RecursionError):  # brackets within brackets
            votes = None
        if not isinstance(votes, dict):
            raise ValueError(f"its 'votes' must be a JSON object of classes by person; it is {short_repr(text)}")
        return {
            person: number for person, name in votes.items() if (number := self._find_offered_class(name)) is not None
        }


def _milliseconds(seconds: float) -> int:
    if not 0 <= seconds < _MOST_SECONDS:
        raise ValueError(f"its seconds must be from 0 to {_MOST_SECONDS:g}; they are {seconds:g}")
    return round(1000 * seconds)


def _class_name(value: object) -> str | None:
    """Return the name of a class from a cell; a number is a name too."""
    if value is None or value == "" or value != value:  # NaN stands for what is missing
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _time_fault(time: str | None) -> str:
    try:
        datetime.fromisoformat(time or "2026-01-01")
    except ValueError:
        return f"its time must be written as in 2026-03-01T12:00:00+00:00; it is {short_repr(time)}"
    return ""


def _objects(events: object) -> Iterable[Mapping[str, Any]]:
    if not isinstance(events, list) or not all(isinstance(each, dict) for each in events):
        raise ValueError(f"its 'events' must be a list of objects; it is {short_repr(events)}")
    return events


def _stream(value: object) -> Stream | None:
    if value in (None, ""):
        return None
    found = next((each for each in get_args(Stream) if each == value), None)
    if found is None:
        raise ValueError(f"its 'stream' must be one of {', '.join(get_args(Stream))}; it is {short_repr(value)}")
    stream: Stream = found
    return stream


def _uuid(content: object) -> str:
    """Return the uuid of an event that came without one: the same line gives the same again."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).hexdigest()[:32]
