"""What is said of a study file that cannot be used: which key, what was needed, what came, the nearest match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from lindley.names import nearest
from lindley.study.config.schema import TABLES, Experiment
from lindley.study.config.validation import InvalidKey
from lindley.text import brief

EXPERIMENT_KEYS = tuple(Experiment.model_fields)
STUDY_KEYS = ("title", "description", *(key for key in EXPERIMENT_KEYS if key not in ("name", "title")), "experiments")


def unknown_keys(tables: Mapping[str, Any], allowed: Iterable[str]) -> Iterator[InvalidKey]:
    """The keys of a study (or of one experiment) that no table declares, at every depth."""
    yield from _find_unknown(tables, allowed, ())
    for name, table in TABLES.items():
        path = tuple(name.split("."))
        inner: Any = tables
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            yield from _find_unknown(inner, table.model_fields, path)


def wrong_values(error: ValidationError) -> Iterator[InvalidKey]:
    """pydantic's findings in our words."""
    for found in error.errors(include_url=False):
        path = tuple(part for part in found["loc"] if part != "[key]")
        came, got = found["input"], brief(found["input"])
        if found["type"] == "missing":
            yield InvalidKey(path, f"is needed{_list_keys(path)}.")
        elif found["type"] in ("model_type", "dict_type"):
            yield InvalidKey(path, f"must be a table{_list_keys(path)}; got {got}.")
        elif found["type"] == "literal_error":
            allowed = [word.strip("'") for word in re.split(", | or ", str(found["ctx"]["expected"]))]
            hint = nearest(came, allowed) if isinstance(came, str) else ""
            yield InvalidKey(path, f"must be {' or '.join(map(repr, allowed))}; got {got}.{hint}")
        elif found["type"] == "too_short":
            yield InvalidKey(path, "must not be empty.")
        elif found["type"] == "string_pattern_mismatch":
            yield InvalidKey(path, f"must be of letters, digits, '.', '_' and '-' only; got {got}.")
        else:
            needed = (
                found["msg"]
                .removeprefix("Value error, ")
                .replace("Input should be", "must be")
                .replace("String should", "must")
            )
            yield InvalidKey(path, f"{needed}; got {got}.")


def format_key(path: Iterable[str | int]) -> str:
    """("observe", "information", "labels", 0) -> observe.information.labels[0]"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _find_unknown(table: Mapping[str, Any], allowed: Iterable[str], path: tuple[str, ...]) -> Iterator[InvalidKey]:
    names = list(allowed)
    where = f"of [{format_key(path)}] " if path else ""
    for key in table:
        if key not in names:
            text = f"is not a key; the keys {where}are {', '.join(names)}.{nearest(key, names)}"
            yield InvalidKey((*path, key), text)


def _list_keys(path: tuple[str | int, ...]) -> str:
    table = TABLES.get(format_key(path))
    return f" with the keys {', '.join(table.model_fields)}" if table else ""
