"""The effects of class events: add, rename, describe, hotkey, merge, split and retire."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import get_args

from lindley.labelling.class_keys import key_fault
from lindley.labelling.records import ClassAction, ClassRecord, ProjectEvent
from lindley.text import is_line

Classes = tuple[ClassRecord, ...]


def resolve_class(classes: Sequence[ClassRecord], class_id: int) -> int | None:
    """Return the class that labels of this one count for, through all merges; None where that one is retired."""
    while (target := classes[class_id].merged_into) is not None:
        class_id = target
    return None if classes[class_id].retired else class_id


def class_refusal(classes: Classes, event: ProjectEvent) -> str:
    """Return why an event of a class cannot happen, "" where it can.

    A class is merged once, and into one that is offered: so there are no circles. Names are never used again, so that
    the name of a merged class still says what it was merged into.
    """
    action, class_id = event.payload.get("action"), event.class_id
    if action not in get_args(ClassAction):
        return f"the action must be one of {', '.join(get_args(ClassAction))}; it is {action!r}"
    if action == "add":
        known = "" if class_id == len(classes) else f"a new class must have the id {len(classes)}; it has {class_id}"
        described = _description_fault(classes, event) if "description" in event.payload else ""
        return known or _name_fault(classes, event) or _hotkey_fault(classes, event) or described
    if class_id is None or not 0 <= class_id < len(classes):
        return f"there is no class {class_id}"
    if classes[class_id].retired:
        return f"the class {classes[class_id].name!r} is merged or retired"
    faults = {
        "rename": _name_fault,
        "hotkey": _hotkey_fault,
        "describe": _description_fault,
        "merge": _merge_fault,
        "split": _split_fault,
    }
    return faults[action](classes, event) if action in faults else ""


def change_classes(classes: Classes, event: ProjectEvent) -> Classes:
    """Return the classes after an event that `class_refusal` does not refuse."""
    action, payload = event.payload["action"], event.payload
    if action == "add":
        added = ClassRecord(len(classes), payload["name"], payload.get("hotkey"), payload.get("description", ""))
        return (*classes, added)
    assert event.class_id is not None
    if action == "split":
        classes = _retire_for_split(classes, event.class_id)
        for part in _parts(classes, event):
            classes = change_classes(classes, part)
        return classes
    changes: dict[str, dict[str, object]] = {
        "rename": {"name": payload.get("name")},
        "describe": {"description": payload.get("description")},
        "hotkey": {"hotkey": payload.get("hotkey")},
        "merge": {"merged_into": payload.get("into"), "retired": True, "hotkey": None},
        "retire": {"retired": True, "hotkey": None},
    }
    changed = replace(classes[event.class_id], **changes[action])  # type: ignore[arg-type]
    return (*classes[: event.class_id], changed, *classes[event.class_id + 1 :])


def _name_fault(classes: Classes, event: ProjectEvent) -> str:
    name = event.payload.get("name")
    if not isinstance(name, str) or not name.strip():
        return f"the name of a class must be text; it is {name!r}"
    if not is_line(name):
        return f"the name of a class must be one line without control characters; it is {name!r}"
    others = [each for each in classes if _same_to_readers(each.name, name) and each.id != event.class_id]
    if not others:
        return ""
    differs = "" if others[0].name == name else f", from which {name!r} differs in case or white space only"
    return f"there is a class {others[0].name!r} already{', merged or retired' if others[0].retired else ''}{differs}"


def _same_to_readers(name: str, other: str) -> bool:
    """Return whether two names look the same but for case and white space."""
    first, second = (" ".join(unicodedata.normalize("NFC", each).split()).casefold() for each in (name, other))
    return first == second


def _hotkey_fault(classes: Classes, event: ProjectEvent) -> str:
    hotkey = event.payload.get("hotkey")
    if hotkey is None:
        return ""
    if fault := key_fault(hotkey):
        return fault
    others = [each for each in classes if each.hotkey == hotkey and each.id != event.class_id]
    return f"the key {hotkey!r} is that of {others[0].name!r}" if others else ""


def _description_fault(classes: Classes, event: ProjectEvent) -> str:
    description = event.payload.get("description")
    return "" if isinstance(description, str) else f"a description must be text; it is {description!r}"


def _merge_fault(classes: Classes, event: ProjectEvent) -> str:
    into = event.payload.get("into")
    if not isinstance(into, int) or isinstance(into, bool) or not 0 <= into < len(classes):
        return f"there is no class {into!r} to merge into"
    if into == event.class_id:
        return "a class cannot be merged into itself"
    if not classes[into].retired:
        return ""
    final = resolve_class(classes, into)
    advice = "" if final is None else f"; merge into {classes[final].name!r}"
    return f"the class {classes[into].name!r} is merged or retired{advice}"


def _split_fault(classes: Classes, event: ProjectEvent) -> str:
    names, hotkeys = event.payload.get("names"), event.payload.get("hotkeys", [])
    if not isinstance(names, list) or len(names) < 2:
        return f"a class is split into two new ones at least; their names are {names!r}"
    if not isinstance(hotkeys, list) or len(hotkeys) not in (0, len(names)):
        return f"there must be a key for each of the {len(names)} new classes; they are {hotkeys!r}"
    classes = _retire_for_split(classes, event.class_id or 0)
    for part in _parts(classes, event):
        if fault := class_refusal(classes, part):
            return fault
        classes = change_classes(classes, part)
    return ""


def _retire_for_split(classes: Classes, class_id: int) -> Classes:
    """Return the classes without one that is split, nor those that were merged into it."""
    gone = {each.id for each in classes if resolve_class(classes, each.id) == class_id}
    kept = [replace(each, split=True) if each.id in gone else each for each in classes]
    kept[class_id] = replace(kept[class_id], retired=True, hotkey=None)
    return tuple(kept)


def _parts(classes: Classes, event: ProjectEvent) -> Iterator[ProjectEvent]:
    """Yield the events that add the new classes of a split."""
    names = event.payload["names"]
    hotkeys = event.payload.get("hotkeys") or [None] * len(names)
    for number, (name, hotkey) in enumerate(zip(names, hotkeys, strict=True), len(classes)):
        added = {"action": "add", "name": name, "hotkey": hotkey}
        yield ProjectEvent(f"{event.uuid} {number}", "class", class_id=number, payload=added)
