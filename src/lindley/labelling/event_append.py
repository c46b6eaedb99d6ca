"""Appending events, and what follows from them at once: answered items, leases, classes. Within a transaction.

Nothing here depends on the order in which events arrive, but what replaces what: an undo may come before its answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

from pydantic import create_model

from lindley.labelling import claims
from lindley.labelling.class_changes import Refusal, apply_class_event
from lindley.labelling.records import ProjectEvent
from lindley.labelling.sql import Row, parameter, sa, select_in
from lindley.labelling.tables import class_, event, item, tally, touched
from lindley.labelling.tables import person as people
from lindley.session.event_store import Receipt, Refused
from lindley.session.validated_records import Record, find_fault

ANSWERS = ("label", "skip", "import")
"""The kinds of events that answer an item."""
LABELS = ("label", "import")
"""Those that count for what an item needs."""
_UNDOABLE = (*ANSWERS, "flag", "note", "adjudicate")
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
    """Appends events of one person in one transaction.

    Args:
        connection: A transaction of the writer.
        person: Whose events they are; "" for a program. Imported labels keep the people whom their source names.
        until: The time on the store's clock until which a lease holds that an undo gives.
        time: The time of the server, UTC.
    """

    def __init__(self, connection: sa.Connection, person: str, *, until: float, time: str) -> None:
        self._connection, self._person = connection, person
        self._until, self._time = until, time
        self._people = {*connection.scalars(sa.select(people.c.name))}
        self._classes = {*connection.scalars(sa.select(class_.c.id))}

    def append(self, events: Sequence[ProjectEvent]) -> list[Receipt]:
        """Append the events in this order; one that is refused leaves the others as they are."""
        faults = [_find_fault(each) for each in events]
        sound = [each for each, fault in zip(events, faults, strict=True) if not fault]
        known: dict[Any, Any] = select_in(self._connection, _KNOWN, [each.uuid for each in sound])
        items = select_in(self._connection, _ITEMS, [each.item for each in sound if each.item is not None])
        receipts: list[Receipt] = []
        for each, fault in zip(events, faults, strict=True):
            try:
                receipts.append(Refused(fault) if fault else self._take(each, known, items))
            except Refusal as refusal:
                receipts.append(Refused(str(refusal)))
        return receipts

    def _take(self, each: ProjectEvent, known: dict[Any, Any], items: Mapping[Any, Any]) -> Receipt:
        each = self._complete(each, items)
        identity = (each.kind, each.item, each.person or None)
        if each.uuid not in known:
            self._append(each)
            known[each.uuid] = (each.uuid, *identity)
            return "stored"
        if tuple(known[each.uuid][1:]) == identity:
            return "known"
        raise Refusal(f"the uuid {each.uuid} is that of another event; a new event needs a new uuid")

    def _complete(self, each: ProjectEvent, items: Mapping[Any, Any]) -> ProjectEvent:
        """Return the event with its person and its time. Raise Refusal where it cannot be stored."""
        if each.kind != "import" and each.person not in ("", self._person):
            raise Refusal(f"it names the person {each.person!r}, and it came from {self._person!r}")
        each = each if each.kind == "import" else replace(each, person=self._person)
        missing = [name for name in _REQUIRED[each.kind] if getattr(each, name) in (None, "", {})]
        if missing or not each.uuid:
            raise Refusal(f"an event of kind {each.kind!r} requires {' and '.join(missing or ['uuid'])}")
        if each.item is not None and each.item not in items:
            raise Refusal(f"the item {each.item} is not known")
        if each.person not in self._people and each.person and each.kind != "import":
            raise Refusal(f"the person {each.person!r} is not known")
        unknown = {each.class_id, each.predicted} - self._classes - {None}
        if unknown and each.kind != "class":
            raise Refusal(f"the class {min(unknown, key=str)} is not known")
        return each if each.server_time else replace(each, server_time=self._time)

    def _append(self, each: ProjectEvent) -> None:
        target = self._find_target(each) if each.kind == "undo" else None
        if each.kind == "class":
            apply_class_event(self._connection, each)
            self._classes.add(each.class_id or 0)
        if each.kind == "guideline":
            if not isinstance(each.payload.get("text"), str):
                raise Refusal("a guideline must have a text")
            each = replace(each, guideline_version=1 + (self._connection.scalar(_GUIDELINES) or 0))
        if each.kind in ANSWERS and (number := each.item) is not None:
            self._add_person(each.person)
            ended = claims.end_lease(self._connection, number, each.person or None)
            given = {} if ended is None else {name: getattr(ended, name) for name in claims.CHOICE}
            self._insert(replace(each, **{name: given[name] for name in given if getattr(each, name) is None}))
            self._settle(number, each.person, freed=ended is not None)
        else:
            self._insert(each)
        if target is not None:
            self._undo(target)

    def _add_person(self, name: str) -> None:
        """Add a person whom only imported labels name."""
        if name and name not in self._people:
            self._connection.execute(people.insert(), {"name": name, "created": self._time})
            self._people.add(name)

    def _insert(self, each: ProjectEvent) -> None:
        values = {name: getattr(each, name) for name in _STORED}
        self._connection.execute(event.insert(), {**values, "person": each.person or None})

    def _find_target(self, undo: ProjectEvent) -> Row | None:
        """Return the event that is to be undone; None where it has not arrived."""
        target = self._connection.execute(_TARGET, {"target": undo.target_uuid}).one_or_none()
        if target is not None and target.kind not in _UNDOABLE:
            raise Refusal(f"an event of kind {target.kind!r} cannot be undone")
        if target is not None and target.person != undo.person:
            raise Refusal(f"the event {undo.target_uuid} is of another person")
        return target

    def _undo(self, target: Row) -> None:
        """Take an answer back: its item comes to the same person again, unless others have it by now."""
        if target.kind not in ANSWERS or self._settle(target.item, target.person or ""):
            return
        if target.kind != "import":
            values = {name: getattr(target, name) for name in ("item", "person", *claims.CHOICE)}
            claims.take_back(self._connection, {**values, "until": self._until})

    def _settle(self, number: int, name: str, *, freed: bool = False) -> bool:
        """Bring what follows from a person's answers to an item up to date; return whether one counts.

        Args:
            number: The item.
            name: The person.
            freed: Whether a lease of the item has just ended.
        """
        which = {"which": number, "who": name or None, "name": name}
        before, after = self._connection.scalar(_TOUCHED, which), self._connection.scalar(_COUNTING, which)
        if before != after:
            if before is not None:
                self._connection.execute(_UNTOUCH, which)
            if after is not None:
                self._connection.execute(touched.insert(), {"item": number, "person": name, "kind": after})
        labels = (after in LABELS) - (before in LABELS)
        claims.change_open(self._connection, number, freed - labels)
        if (change := (after == "label") - (before == "label")) != 0:
            self._connection.execute(_TALLY, {"which": number, "change": change})
        return after is not None


def _find_fault(each: ProjectEvent) -> str:
    """Return what is wrong with an event's values: a wrong type, or what a database would alter or not take."""
    if fault := find_fault(_EventFields, vars(each)):
        return fault
    for name in _STORED:
        value = getattr(each, name)
        if isinstance(value, int) and abs(value) >= 2**63:
            return f"{name} is too large a number"
        if isinstance(value, str) and not _is_storable(value):
            return f"{name} holds half of a character"
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
_which, _who, _name = parameter("which"), parameter("who"), parameter("name")
_KNOWN = sa.select(event.c.uuid, event.c.kind, event.c.item, event.c.person).where(event.c.uuid.in_(_values))
_ITEMS = sa.select(item.c.id).where(item.c.id.in_(_values), item.c.ready)
_TARGET = sa.select(event).where(event.c.uuid == parameter("target"))
_GUIDELINES = sa.select(sa.func.count()).where(event.c.kind == "guideline")
_TOUCHED = sa.select(touched.c.kind).where(touched.c.item == _which, touched.c.person == _name)
_UNTOUCH = touched.delete().where(touched.c.item == _which, touched.c.person == _name)
_undo = event.alias("undo")
_COUNTING = (
    sa.select(event.c.kind)
    .where(event.c.item == _which, event.c.person.is_not_distinct_from(_who), event.c.kind.in_(ANSWERS))
    .where(
        ~sa.exists().where(
            _undo.c.kind == "undo", _undo.c.target_uuid == event.c.uuid, _undo.c.person == event.c.person
        )
    )
    .order_by(event.c.seq.desc())
    .limit(1)
)
_stream = sa.select(item.c.stream).where(item.c.id == _which).scalar_subquery()
_TALLY = tally.update().where(tally.c.stream == _stream).values(labels=tally.c.labels + parameter("change"))
