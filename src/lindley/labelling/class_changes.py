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


def with_free_keys(connection: sa.Connection, payload: Mapping[str, Any], split: int | None) -> dict[str, Any]:
    """Return what an event says of new classes, with the next free key for each that names none.

    Args:
        connection: A transaction of the writer.
        payload: What the event says.
        split: The class that is split, whose key is free; None: one is added.
    """
    names = payload["names"] if payload["action"] == "split" else [payload["name"]]
    if (
        not isinstance(names, list)
        or not all(isinstance(each, str) for each in names)
        or payload.get("hotkey") is not None
    ):
        return {**payload}
    taken = {each.hotkey for each in read_classes(connection) if each.hotkey is not None and each.id != split}
    keys = assign_keys(names, taken)
    return {**payload, "hotkeys": keys} if payload["action"] == "split" else {**payload, "hotkey": keys[0]}


def apply_class_event(connection: sa.Connection, event: ProjectEvent) -> list[int]:
    """Change the table of classes as an event of kind "class" says, and return the ids of all classes.

    Raises Refusal where that cannot be.
    """
    before = tuple(read_classes(connection))
    if reason := class_refusal(before, event):
        raise Refusal(reason)
    after = change_classes(before, event)
    for was, each in zip(before, after, strict=False):
        if was != each:
            connection.execute(class_.update().where(class_.c.id == each.id).values(asdict(each)))
    if added := [asdict(each) for each in after[len(before) :]]:
        connection.execute(class_.insert(), added)
    return [each.id for each in after]
