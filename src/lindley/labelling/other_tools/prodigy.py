"""Prodigy: the JSON Lines of `prodigy db-out`, from recipes that give a text or an image one class.

- `choice` (textcat.manual, image choices): "accept" lists the ids of the chosen "options".
- `classification` (textcat.teach, one class at a time): "label" holds where "answer" is "accept"; "reject" names no
  class, so nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from lindley.labelling.other_tools.tool_records import Event, ToolRecord, one_class


def read_prodigy(values: Mapping[str, Any], classes: Collection[str]) -> ToolRecord:
    """Return what a record says. Raises ValueError where it gives no class, or several.

    Args:
        values: The record.
        classes: The names of the project's classes.
    """
    meta = values.get("meta")
    fields = {**(meta if isinstance(meta, dict) else {}), **values}
    image = values.get("path", values.get("image"))
    return ToolRecord(fields, values.get("text"), image, _events(values, classes))


def _events(values: Mapping[str, Any], classes: Collection[str]) -> tuple[Event, ...]:
    person = str(values.get("_annotator_id") or values.get("_session_id") or "prodigy")
    event: Event = {"person": person, **_time(values.get("_timestamp"))}
    answer, is_choice = values.get("answer"), "accept" in values or "options" in values
    if answer not in ("accept", "reject", "ignore"):
        raise ValueError("its 'answer' must be accept, reject or ignore; is it an export of `prodigy db-out`?")
    if answer == "reject" and not is_choice:
        return ()
    if not is_choice and "label" not in values:
        raise ValueError("it gives no class: it has neither 'accept' nor 'label'")
    chosen = one_class(values.get("accept", []) if is_choice else values["label"]) if answer == "accept" else None
    if chosen is None:
        return ({**event, "kind": "skip"},)
    return ({**event, "kind": "label", "class": _name(chosen, values.get("options"), classes)},)


def _name(chosen: str, options: object, classes: Collection[str]) -> str:
    """Return the name of the class of an option: its id, or its text where the id is no class."""
    if chosen in classes or not isinstance(options, list):
        return chosen
    texts = [each.get("text") for each in options if isinstance(each, dict) and str(each.get("id")) == chosen]
    return str(texts[0]) if texts and isinstance(texts[0], str) else chosen


def _time(timestamp: object) -> dict[str, str]:
    if timestamp is None:
        return {}
    try:
        return {"server_time": datetime.fromtimestamp(float(str(timestamp)), UTC).isoformat()}
    except (ValueError, OverflowError, OSError):
        raise ValueError("its '_timestamp' must be seconds since 1970") from None
