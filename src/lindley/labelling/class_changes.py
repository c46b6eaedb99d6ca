"""The table of classes, which follows the events of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lindley.labelling.class_events import change_classes, class_refusal
from lindley.labelling.class_keys import assign_keys
from lindley.labelling.records import ClassRecord, ProjectEvent
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


def with_free_key(connection: sa.Connection, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event says of a new class, with the next free key where it names none."""
    if payload["hotkey"] is not None or not isinstance(payload["name"], str):
        return {**payload}
    taken = {each.hotkey for each in read_classes(connection) if each.hotkey is not None}
    return {**payload, "hotkey": assign_keys([payload["name"]], taken)[0]}


def apply_class_event(connection: sa.Connection, event: ProjectEvent) -> None:
    """Change the table of classes as an event of kind "class" says. Raises Refusal where that cannot be."""
    before = tuple(read_classes(connection))
    if reason := class_refusal(before, event):
        raise Refusal(reason)
    after = change_classes(before, event)
    if len(after) > len(before):
        connection.execute(class_.insert(), asdict(after[-1]))
    else:
        changed = next(each for each in after if each.id == event.class_id)
        connection.execute(class_.update().where(class_.c.id == changed.id).values(asdict(changed)))
