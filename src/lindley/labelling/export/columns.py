"""The columns of a line of an export: their names, types and texts.

Columns of the source keep their names; one that has the name of a column of ours gets "source_" before it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from lindley.labelling.records import Item
from lindley.labelling.settings import ProjectSettings
from lindley.text import short_repr

Value = str | int | float | bool | None
IDENTITY: dict[str, type] = {"item": int, "place": str}
LABEL: dict[str, type] = {
    "answer": str,  # label, skip or disputed
    "class_id": int,
    "class": str,
    "origin": str,  # people, adjudicated or import
    "people": int,
    "agreement": float,
    "votes": str,
    "person": str,
    "time": str,
    "client_time": str,
    "seconds": float,
    "idle_seconds": float,
    "stream": str,
    "round": int,
    "acquisition": str,
    "acquisition_probability": float,
    "predicted": str,
    "predicted_probability": float,
    "prediction_shown": bool,
    "view": str,  # single or grid
    "model": str,
    "guideline": int,
    "skip_reason": str,
    "flagged": bool,
    "note": str,
}
REASON: dict[str, type] = {"reason": str}
PREDICTION: dict[str, type] = {
    "prediction": str,
    "prediction_probability": float,
    "unsure": bool,
    "prediction_set": str,
    "prediction_model": str,
}
"""The classes of a set stand in a JSON list. After the first two there is a column for each class; see PROBABILITY."""
PROBABILITY = "probability of "
CONTENT = "content of the item"
"""The whole text, or the whole row as JSON, where a format has it in one value."""
IMAGE = "image of the item"
"""The path or the address of the image in another tool, or the image itself as a data URI."""
COLUMNS = {CONTENT, IMAGE, *IDENTITY, *LABEL, *REASON, *PREDICTION}
"""The names of our own columns."""
_TRUTH = {"true": True, "false": False}


def content_columns(settings: ProjectSettings) -> dict[str, str]:
    """Return by name of a source's column, of its text or features, its name in an export."""
    names = {"text": [settings.text or "text"], "rows": [*settings.columns]}.get(settings.kind, [])
    return dict(zip(names, _free_names(names), strict=True))


def id_column(settings: ProjectSettings) -> str | None:
    """Return the name in an export of the column of the items' own ids; None where they have none."""
    return _free_names([*content_columns(settings), settings.id])[-1] if settings.id else None


def content_values(settings: ProjectSettings, item: Item) -> dict[str, Value]:
    """Return the text or the features of an item, by the names of their columns in an export."""
    names = content_columns(settings)
    if settings.kind == "text":
        return dict.fromkeys(names.values(), item.content)
    row = json.loads(item.content) if names else {}
    return {name: row.get(column) for column, name in names.items()}


def source_columns(settings: ProjectSettings) -> dict[str, type | None]:
    """Return the columns that say what an entry is, with their types; None: values of any type."""
    own = {name: str for name in [id_column(settings)] if name is not None}
    kind = str if settings.kind == "text" else None
    return {**IDENTITY, **own, **dict.fromkeys(content_columns(settings).values(), kind)}


def prediction_columns(class_names: Sequence[str]) -> dict[str, type]:
    """Return the columns of a prediction, with their types."""
    first = ("prediction", "prediction_probability")
    probabilities: dict[str, type] = {f"{PROBABILITY}{name}": float for name in class_names}
    others = {name: kind for name, kind in PREDICTION.items() if name not in first}
    return {**{name: PREDICTION[name] for name in first}, **probabilities, **others}


def cell_text(value: Value) -> str:
    """Return a value as the cell of a CSV file: "" for None.

    >>> [cell_text(value) for value in (None, True, 0.5, 3, "x")]
    ['', 'true', '0.5', '3', 'x']
    """
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_value(name: str, value: object) -> Any:
    """Return the value of a column of ours, from a cell or a typed value; None where it is empty.

    Raises ValueError, which names the column, for a value of another type.
    """
    wanted = {**IDENTITY, **LABEL, **REASON, **PREDICTION}[name]
    if value is None or value == "" or value != value:  # NaN stands for what is missing
        return None
    if wanted is str and isinstance(value, str):
        return value
    if wanted is bool and isinstance(value, bool | str) and str(value).lower() in _TRUTH:
        return _TRUTH[str(value).lower()]
    try:
        if wanted in (int, float) and isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number) and (wanted is float or number.is_integer()):
                return wanted(number)
    except (ValueError, OverflowError):
        pass
    kind = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}[wanted]
    raise ValueError(f"its {name!r} must be {kind}; it is {short_repr(value)}")


def _free_names(names: Sequence[str]) -> list[str]:
    taken = {*COLUMNS, *names}
    found = []
    for name in names:
        free = name
        while free in COLUMNS or free.startswith(PROBABILITY) or (free != name and free in taken):
            free = f"source_{free}"
        taken.add(free)
        found.append(free)
    return found
