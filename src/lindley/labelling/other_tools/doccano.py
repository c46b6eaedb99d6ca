"""doccano: the JSON or JSON Lines of its export of text and image classification.

{"id": 1, "text": "…", "label": ["cat"], "Comments": ["…"]}; images have "filename". An export of several people has a
file for each of them, which is named after the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lindley.labelling.other_tools.tool_records import Event, ToolRecord, note_event, one_class

EVERYBODY = "all"
"""The name of a file of labels that people gave together."""


def read_doccano(values: Mapping[str, Any], person: str) -> ToolRecord:
    """Return what a record says. Raises ValueError where it gives several classes, or something else.

    Args:
        values: The record.
        person: Who gave its label; "" where that is not known.
    """
    if "label" not in values:
        raise ValueError("it has no 'label'; is it an export of doccano's text or image classification?")
    name = one_class(values["label"])
    events: list[Event] = [] if name is None else [{"kind": "label", "person": person, "class": name}]
    comments = values.get("Comments") or []
    if not isinstance(comments, list) or not all(isinstance(each, str) for each in comments):
        raise ValueError("its 'Comments' must be a list of texts")
    events += [note_event(person or "doccano", each) for each in comments if each]
    return ToolRecord(values, values.get("text"), values.get("filename"), tuple(events))
