"""Tasks of Label Studio: one for each item, in a JSON list.

What Label Studio does not know, such as who labelled and when, travels in the task's data, which it keeps: "lindley"
holds the events of the item. An annotation that is new, or was changed there, is read beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from lindley.errors import DataError, InputError
from lindley.files import ByteSink, read_plain_file
from lindley.labelling.export.columns import CONTENT, IMAGE
from lindley.labelling.records import Kind, Unreadable
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
    *,
    image_prefix: str = "",
) -> dict[str, Any]:
    """Return the task of an item.

    Args:
        kind: What it is; a vector cannot be shown.
        content: The text; the row as JSON; the path of the image relative to its source.
        image_prefix: What stands before the path of an image, so that Label Studio finds it.
        known: What travels with it: its id in "item", its events in "events" ...
        answers: The answers that count, as JSON values of events.
        prediction: The class, its probability and the version of the model.
    """
    name = tag_name(kind)
    num_skips = sum(each.get("class") is None for each in answers)
    known = {**known, **({"skips": num_skips} if num_skips else {})}
    shown = image_prefix + content if kind == "images" else content
    task: dict[str, Any] = {"data": {name: shown, "lindley_id": str(known["item"]), "lindley": known}}
    task["annotations"] = [_annotation(name, answer) for answer in answers]
    if prediction is not None:
        task["predictions"] = [make_prediction(kind, *prediction)]
    return task


def make_prediction(kind: Kind, label: str, score: float, version: str) -> dict[str, Any]:
    """Return a prediction of Label Studio.

    Args:
        kind: What the items are.
        label: The name of the class.
        score: The score; where Label Studio samples by uncertainty, the lowest comes first.
        version: The version of the model.
    """
    return {"model_version": version, "score": score, "result": [_result(tag_name(kind), "prediction", label)]}


def tag_name(kind: Kind) -> str:
    """Return the name of the tag that shows an item. Raises InputError for vectors, which cannot be shown."""
    if kind not in NAMES:
        raise InputError("Label Studio cannot show vectors; choose csv, jsonl or parquet.", argument="format")
    return NAMES[kind]


def labelling_config(kind: Kind, class_names: Iterable[str]) -> str:
    """Return the labelling configuration that Label Studio needs for these items and classes, as XML.

    >>> labelling_config("text", ["<cat>"])[-50:]
    'gle"><Choice value="&lt;cat&gt;"/></Choices></View>'
    """
    name = tag_name(kind)
    zoom = ' zoom="true"' if kind == "images" else ""
    tag = "Image" if kind == "images" else "Text"
    choices = "".join(f"<Choice value={quoteattr(each)}/>" for each in class_names)
    return (
        f'<View><{tag} name="{name}" value="${name}"{zoom}/>'
        f'<Choices name="{CHOICE}" toName="{name}" choice="single">{choices}</Choices></View>'
    )


def read_label_studio(path: Path) -> Iterator[Line | Unreadable]:
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
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError):
            yield Unreadable(place, "it is no task of Label Studio with a choice of one class")


def read_annotation(annotation: Mapping[str, Any]) -> tuple[str | None, str | None, dict[str, Any]]:
    """Return the class of an annotation, the id of its choice, and the event that it makes; a skip has no class.

    Raises KeyError, TypeError, AttributeError, IndexError or ValueError where it has no choice of one class.
    """
    if annotation.get("was_cancelled") or not annotation.get("result"):
        return None, None, _event(annotation, None)
    result = next((each for each in annotation["result"] if each["type"] == "choices"), None)
    if result is None or len(result["value"]["choices"]) != 1:
        raise TypeError("no choice of one class")
    label = result["value"]["choices"][0]
    return label, result.get("id"), _event(annotation, label)


def _read_task(task: Any) -> dict[str, Any]:
    data = task["data"]
    known = dict(data.get("lindley") or {})
    values: dict[str, Any] = {"item": data.get("lindley_id"), **known}
    values[CONTENT] = next((data[name] for kind, name in NAMES.items() if name in data and kind != "images"), None)
    values[IMAGE] = data.get(NAMES["images"])
    return {**values, "events": [*_read_events(task.get("annotations") or (), known)]}


def _read_events(annotations: Iterable[Mapping[str, Any]], known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events that an export wrote, then those of annotations that are new or were changed."""
    told = {each["uuid"]: each.get("class") for each in known.get("events") or ()}
    yield from known.get("events") or ()
    num_skips = known.get("skips", 0)
    for annotation in annotations:
        label, number, event = read_annotation(annotation)
        if label is None:
            num_skips -= bool(annotation.get("was_cancelled"))
            if num_skips < 0:
                yield event
        elif told.get(number) != label:
            yield event


def _event(annotation: Mapping[str, Any], label: str | None) -> dict[str, Any]:
    person = annotation.get("completed_by")
    person = person.get("email") if isinstance(person, Mapping) else person
    seconds = annotation.get("lead_time")
    event = {"kind": "skip"} if label is None else {"kind": "label", "class": label}
    if person is not None or label is None:
        event["person"] = "label-studio" if person is None else f"label-studio {person}"
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
