"""Appending events, and what follows from them at once: answered items, leases, classes. Within a transaction.

Nothing here depends on the order in which events arrive, but what replaces what: an undo may come before its answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import create_model

from lindley.errors import InputError
from lindley.labelling import claims
from lindley.labelling.answer_effects import ANSWERS, ask_again, settle
from lindley.labelling.audit_records import close_audit
from lindley.labelling.class_changes import Refusal, apply_class_event
from lindley.labelling.records import ProjectEvent
from lindley.labelling.sql import Row, parameter, sa, select_in
from lindley.labelling.tables import class_, event, item
from lindley.labelling.tables import person as people
from lindley.session.event_store import Receipt, Refused
from lindley.session.validated_records import Record, find_fault
from lindley.text import is_line, short_repr

_UNDOABLE = (*ANSWERS, "flag", "note", "adjudicate")
_BLOCK = 1000
"""The number of events that are stored at once."""
_REQUIRED: dict[str, tuple[str, ...]] = {
    "label": ("item", "person", "class_id"),
    "skip": ("item", "person"),
    "flag": ("item", "person"),
    "note": ("item", "person"),
    "undo": ("person", "target_uuid"),
    "reveal": ("item", "person"),
    "adjudicate": ("item", "person", "class_id"),
    "import": ("item", "class_id"),
    "class": ("class_id", "payload"),
    "guideline": ("payload",),
    "config": ("payload",),
}


class Appender:
    """Appends events in one transaction; they are stored block by block.

    Args:
        connection: A transaction of the writer.
        until: The time on the store's clock until which a lease holds that an undo gives.
        time: The time of the server, UTC.
        has_audit: Whether an audit may be under way, which an answer may end.
    """

    def __init__(self, connection: sa.Connection, *, until: float, time: str, has_audit: bool) -> None:
        self._connection = connection
        self._until, self._time, self._has_audit = until, time, has_audit
        self._waiting: list[ProjectEvent] = []

    @cached_property
    def _people(self) -> set[str]:
        return {*self._connection.scalars(sa.select(people.c.name))}

    @cached_property
    def _classes(self) -> set[int]:
        return {*self._connection.scalars(sa.select(class_.c.id))}

    def check_person(self, name: str) -> None:
        """Raise InputError where there is no such person."""
        if name not in self._people:
            raise InputError(f"There is no person {name!r}: add them first.", argument="person", got=name)

    def append(self, person: str, events: Sequence[ProjectEvent]) -> list[Receipt]:
        """Append the events of a person in this order; one that is refused leaves the others as they are.

        Args:
            person: The name of the person; "" for a program. Imported labels keep the people whom their source names.
            events: The events.
        """
        faults = [_find_fault(each) for each in events]
        sound = [each for each, fault in zip(events, faults, strict=True) if not fault]
        known: dict[Any, Any] = select_in(self._connection, _KNOWN, [each.uuid for each in sound])
        items = select_in(self._connection, _ITEMS, [each.item for each in sound if each.item is not None])
        receipts: list[Receipt] = []
        for each, fault in zip(events, faults, strict=True):
            try:
                receipts.append(Refused(fault) if fault else self._take(person, each, known, items))
            except Refusal as refusal:
                receipts.append(Refused(str(refusal)))
        self._store_waiting()
        return receipts

    def _take(self, person: str, each: ProjectEvent, known: dict[Any, Any], items: Mapping[Any, Any]) -> Receipt:
        each = self._complete(person, each, items)
        identity = (each.kind, each.item, each.person or None)
        if each.uuid not in known:
            self._append(each)
            known[each.uuid] = (each.uuid, *identity)
            return "stored"
        if tuple(known[each.uuid][1:]) == identity:
            return "known"
        raise Refusal(f"the uuid {each.uuid} is that of another event; a new event needs a new uuid")

    def _complete(self, person: str, each: ProjectEvent, items: Mapping[Any, Any]) -> ProjectEvent:
        """Return the event with its person and its time. Raise Refusal where it cannot be stored."""
        if each.kind != "import" and each.person not in ("", person):
            raise Refusal(f"it names the person {each.person!r}, and it came from {person!r}")
        each = each if each.kind == "import" else replace(each, person=person)
        if fault := _missing_fault(each):
            raise Refusal(fault)
        if each.item is not None and each.item not in items:
            raise Refusal(f"the item {each.item} is not known")
        if each.person not in self._people and each.person and each.kind != "import":
            raise Refusal(f"the person {each.person!r} is not known")
        unknown = {each.class_id, each.predicted} - self._classes - {None}
        if unknown and each.kind != "class":
            raise Refusal(f"the class {min(unknown, key=str)} is not known")
        return each if each.server_time else replace(each, server_time=self._time)

    def _append(self, each: ProjectEvent) -> None:
        if each.kind == "undo":
            self._undo(each)
            return
        if each.kind == "class":
            self._store_waiting()
            self._classes = {*apply_class_event(self._connection, each)}
            if each.payload["action"] == "split":
                ask_again(self._connection)
        if each.kind == "guideline":
            each = self._number_guideline(each)
        if each.kind == "import":
            self._add_person(each.person)
        self._waiting.append(each)
        if len(self._waiting) >= _BLOCK:
            self._store_waiting()

    def _number_guideline(self, each: ProjectEvent) -> ProjectEvent:
        if not isinstance(each.payload.get("text"), str):
            raise Refusal("a guideline must have a text")
        self._store_waiting()
        return replace(each, guideline_version=1 + (self._connection.scalar(_GUIDELINES) or 0))

    def _add_person(self, name: str) -> None:
        """Add a person whom only imported labels name."""
        if name and name not in self._people:
            self._connection.execute(people.insert(), {"name": name, "created": self._time})
            self._people.add(name)

    def _store_waiting(self) -> None:
        """Store the events that wait, in their order, and what follows from them."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        answers = [each for each in waiting if each.kind in ANSWERS]
        answered = {(each.item, each.person): each.uuid for each in reversed(answers) if each.item is not None}
        ended = claims.end_leases(self._connection, answered)
        chosen = {answered[key]: lease for key, lease in ended.items()}
        self._connection.execute(event.insert(), [_row(each, chosen.get(each.uuid)) for each in waiting])
        settle(self._connection, answered, [number for number, _ in ended])
        if answered and self._has_audit:
            close_audit(self._connection)

    def _undo(self, undo: ProjectEvent) -> None:
        """Take an answer back: its item comes to the same person again, unless others have it by now."""
        self._store_waiting()
        target = self._find_target(undo)
        self._waiting.append(undo)
        self._store_waiting()
        if target is None or target.kind not in ANSWERS:
            return
        key = (target.item, target.person or "")
        if not settle(self._connection, [key]) and target.kind != "import":
            values = {name: getattr(target, name) for name in ("item", "person", *claims.CHOICE)}
            claims.take_back(self._connection, {**values, "until": self._until})

    def _find_target(self, undo: ProjectEvent) -> Row | None:
        """Return the event that is to be undone; None where it has not arrived."""
        target = self._connection.execute(_TARGET, {"target": undo.target_uuid}).one_or_none()
        if target is not None and target.kind not in _UNDOABLE:
            raise Refusal(f"an event of kind {target.kind!r} cannot be undone")
        if target is not None and target.person != undo.person:
            raise Refusal(f"the event {undo.target_uuid} is of another person")
        return target


def event_fault(each: ProjectEvent) -> str:
    """Return why an event, which names its person, cannot be stored in any project; "" where it can."""
    return _find_fault(each) or _missing_fault(each)


def _missing_fault(each: ProjectEvent) -> str:
    missing = [name for name in _REQUIRED[each.kind] if getattr(each, name) in (None, "", {})]
    if each.uuid and not missing:
        return ""
    return f"an event of kind {each.kind!r} requires {' and '.join(missing or ['uuid'])}"


def _row(each: ProjectEvent, lease: Row | None) -> dict[str, Any]:
    """Return the columns of an event; an answer takes from the lease that it ends what it does not say."""
    values = {name: getattr(each, name) for name in _STORED}
    given = {} if lease is None else {name: getattr(lease, name) for name in claims.CHOICE if values[name] is None}
    if lease is not None and lease.view == "grid" and each.kind == "label":
        given |= {"prediction_shown": True, "payload": {**each.payload, "view": "grid"}}
    return {**values, **given, "person": each.person or None}


def _find_fault(each: ProjectEvent) -> str:
    """Return what is wrong with an event's values: a wrong type, or what a database would alter or not take."""
    if fault := find_fault(_EventFields, vars(each)):
        return fault
    for name in _STORED:
        value = getattr(each, name)
        if isinstance(value, int) and abs(value) >= 2**63:
            return f"{name} is too large a number"
        if isinstance(value, str) and "\0" in value:
            return f"{name} holds a NUL character, which not every database can store"
        if isinstance(value, str) and not _is_storable(value):
            return f"{name} holds half of a character"
    if not is_line(each.person):
        return f"person must be one line without control characters; it is {short_repr(each.person)}"
    try:
        text = json.dumps(each.payload, allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"payload must hold JSON values and finite numbers only ({error})"
    return "" if json.loads(text) == each.payload else "payload must hold JSON values only"


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_EventFields: type[Record] = create_model(
    "_EventFields", __base__=Record, **{name: (hint, ...) for name, hint in get_type_hints(ProjectEvent).items()}
)  # type: ignore[call-overload]
_STORED = tuple(each.name for each in fields(ProjectEvent) if each.name != "seq")
_values = parameter("values", many=True)
_KNOWN = sa.select(event.c.uuid, event.c.kind, event.c.item, event.c.person).where(event.c.uuid.in_(_values))
_ITEMS = sa.select(item.c.id).where(item.c.id.in_(_values), item.c.ready)
_TARGET = sa.select(event).where(event.c.uuid == parameter("target"))
_GUIDELINES = sa.select(sa.func.count()).where(event.c.kind == "guideline")
