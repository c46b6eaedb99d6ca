"""Tasks of Label Studio: one for each item, in a JSON list.

What Label Studio does not know, such as who labelled and when, travels in the task's data, which it keeps: "lindley"
holds the events of the item. An annotation that is new, or was changed there, is read beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lindley.errors import DataError, InputError
from lindley.files import ByteSink, read_plain_file
from lindley.labelling.export.columns import CONTENT
from lindley.labelling.records import Kind
from lindley.labelling.sources.table import Line

NAMES: dict[Kind, str] = {"images": "image", "text": "text", "rows": "row"}
"""By kind the name of the tag, and of the value in a task's data, that show an item."""
CHOICE = "choice"
"""The name of the tag of the classes."""


def write_label_studio(file: ByteSink, tasks: Iterable[Mapping[str, Any]]) -> None:
    """Write tasks, each as `make_task` makes it, as one JSON list."""
    before = b"[\n"
    for task in tasks:
        file.write(before + json.dumps(task, ensure_ascii=False, allow_nan=False).encode())
        before = b",\n"
    file.write((b"[" if before == b"[\n" else b"\n") + b"]\n")


def make_task(
    kind: Kind,
    content: str,
    known: Mapping[str, Any],
    answers: Sequence[Mapping[str, Any]],
    prediction: tuple[str, float, str] | None = None,
) -> dict[str, Any]:
    """Return the task of an item.

    Args:
        kind: What it is; a vector cannot be shown.
        content: The text; the row as JSON; the path of the image relative to its source.
        known: What travels with it: its id in "item", its events in "events" ...
        answers: The answers that count, as JSON values of events.
        prediction: The class, its probability and the version of the model.
    """
    if kind not in NAMES:
        raise InputError("Label Studio cannot show vectors; choose csv, jsonl or parquet.", argument="format")
    name = NAMES[kind]
    task: dict[str, Any] = {"data": {name: content, "lindley_id": str(known["item"]), "lindley": known}}
    task["annotations"] = [_annotation(name, answer) for answer in answers]
    if prediction is not None:
        label, probability, version = prediction
        task["predictions"] = [
            {"model_version": version, "score": probability, "result": [_result(name, "prediction", label)]}
        ]
    return task


def read_label_studio(path: Path) -> Iterator[Line]:
    """Yield the tasks of a file, with their events and those that annotations of Label Studio make."""
    try:
        tasks = json.loads(read_plain_file(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", path=path) from None
    if not isinstance(tasks, list):
        raise InputError(
            "Export the project from Label Studio as JSON.", argument=str(path), expected="a list of tasks"
        )
    for number, task in enumerate(tasks, 1):
        place = f"{path.name}, task {number}"
        try:
            yield Line(place, _read_task(task))
        except (KeyError, TypeError, AttributeError, IndexError):
            raise InputError(
                f"{place} is no task of Label Studio with a choice of one class.", argument=str(path)
            ) from None


def _read_task(task: Any) -> dict[str, Any]:
    data = task["data"]
    known = dict(data.get("lindley") or {})
    values: dict[str, Any] = {"item": data.get("lindley_id"), **known}
    values[CONTENT] = next((data[name] for name in NAMES.values() if name in data), None)
    values.setdefault("place", data.get(NAMES["images"]))
    events = list(known.get("events") or ())
    told = {each["uuid"]: each.get("class") for each in events}
    for annotation in task.get("annotations") or ():
        if annotation.get("was_cancelled") or not annotation.get("result"):
            continue
        result = next((each for each in annotation["result"] if each["type"] == "choices"), None)
        if result is None:
            raise TypeError("no choice")
        label = result["value"]["choices"][0]
        if told.get(result["id"]) != label:
            events.append(_event(annotation, label))
    return {**values, "events": events}


def _event(annotation: Mapping[str, Any], label: str) -> dict[str, Any]:
    person = annotation.get("completed_by")
    person = person.get("email") if isinstance(person, Mapping) else person
    seconds = annotation.get("lead_time")
    event = {"kind": "label", "class": label, "person": "" if person is None else f"label-studio {person}"}
    event |= {"server_time": annotation["created_at"]} if annotation.get("created_at") else {}
    return event | ({} if seconds is None else {"shown_ms": round(1000 * float(seconds))})


def _annotation(name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    label = answer.get("class")
    result = [] if label is None else [_result(name, answer["uuid"], label)]
    seconds = answer.get("shown_ms")
    lead = {} if seconds is None else {"lead_time": seconds / 1000}
    return {"result": result, "was_cancelled": label is None, **lead}


def _result(name: str, number: str, label: str) -> dict[str, Any]:
    return {"id": number, "from_name": CHOICE, "to_name": name, "type": "choices", "value": {"choices": [label]}}
