"""Changes of classes: each is an event, and the table of classes follows. Ids are never used again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from lindley.labelling.records import ClassAction, ClassRecord, ProjectEvent
from lindley.labelling.sql import sa
from lindley.labelling.tables import class_


class Refusal(Exception):  # noqa: N818 - it becomes an answer, and no caller sees it raised
    """The reason why an event is not stored."""


def read_classes(connection: sa.Connection) -> list[ClassRecord]:
    """Return all classes by their ids, also those that are retired."""
    return [ClassRecord(**row._mapping) for row in connection.execute(sa.select(class_).order_by(class_.c.id))]


def next_class_id(connection: sa.Connection) -> int:
    """Return the id of the next class that is added."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(class_)) or 0)


def apply_class_event(connection: sa.Connection, event: ProjectEvent) -> None:
    """Change the table of classes as an event of kind "class" says. Raises Refusal where that cannot be."""
    action, number = str(event.payload.get("action")), event.class_id
    if action not in get_args(ClassAction):
        raise Refusal(f"the action must be one of {', '.join(get_args(ClassAction))}; got {action!r}")
    records = {each.id: each for each in read_classes(connection)}
    if action == "add":
        if number != len(records):
            raise Refusal(f"a new class has the id {len(records)}; got {number}")
        given = {"name": "", "hotkey": None, "description": "", **_fields(event, "name", "hotkey", "description")}
        _check(given, records.values())
        connection.execute(class_.insert(), {"id": number, "retired": False, **given})
        return
    if number not in records:
        raise Refusal(f"the class {number} is not known")
    if records[number].retired:
        raise Refusal(f"the class {records[number].name!r} is retired")
    values = _changes(event, action, records)
    _check(values, [each for each in records.values() if each.id != number])
    connection.execute(class_.update().where(class_.c.id == number).values(**values))


def _changes(event: ProjectEvent, action: str, records: dict[int, ClassRecord]) -> dict[str, Any]:
    if action == "retire":
        return {"retired": True, "hotkey": None}
    if action == "merge":
        into = event.payload.get("into")
        if not isinstance(into, int) or into == event.class_id or into not in records or records[into].retired:
            raise Refusal(f"a class is merged into another one that is not retired; got {into!r}")
        return {"merged_into": into, "retired": True, "hotkey": None}
    name = {"rename": "name", "describe": "description", "hotkey": "hotkey"}[action]
    if name not in event.payload:
        raise Refusal(f"to {action} a class requires {name!r}")
    return _fields(event, name)


def _fields(event: ProjectEvent, *names: str) -> dict[str, Any]:
    """Return what the event says of these fields, as text; only a key may be None."""
    given = {name: event.payload[name] for name in names if name in event.payload}
    for name, value in given.items():
        if not (isinstance(value, str) or (name == "hotkey" and value is None)):
            raise Refusal(f"{name} must be text; got {value!r}")
    return given


def _check(values: dict[str, Any], others: Iterable[ClassRecord]) -> None:
    """Raise Refusal where a name is missing, or a name or a key is that of another class."""
    if "name" in values and not values["name"].strip():
        raise Refusal("a class needs a name")
    for each in others:
        for name in ("name", "hotkey"):
            if values.get(name) is not None and values[name] == getattr(each, name):
                state = ", which is retired" if each.retired else ""
                raise Refusal(f"the {name} {values[name]!r} is that of the class {each.id}{state}; choose another one")
