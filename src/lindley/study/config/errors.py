"""Errors of a study: each names its key, what was expected, what came, and the nearest name that would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from lindley.errors import ConfigurationError
from lindley.session.invalid_keys import InvalidKey, describe_value, format_key, unknown_keys_of_table
from lindley.study.config.schema import TABLES, Experiment
from lindley.text import short_repr

EXPERIMENT_KEYS = tuple(Experiment.model_fields)
STUDY_KEYS = (
    "title",
    "description",
    *(key for key in EXPERIMENT_KEYS if key not in ("name", "title")),
    "experiments",
)


def experiment_errors(
    experiment: Experiment, *checks: Callable[[Experiment], Iterable[InvalidKey]]
) -> list[ConfigurationError]:
    """Return what the checks find in an experiment that was built in Python."""
    found = [invalid for check in checks for invalid in check(experiment)]
    return [invalid.error(f"experiments[{experiment.name}].{format_key(invalid.path)}") for invalid in found]


def unknown_keys(tables: Mapping[str, Any], allowed: Iterable[str]) -> Iterator[InvalidKey]:
    """Yield the keys of a study, or of one experiment, that no table declares, at every depth."""
    yield from unknown_keys_of_table(tables, allowed)
    for name, table in TABLES.items():
        path = tuple(name.split("."))
        inner: Any = tables
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            yield from unknown_keys_of_table(inner, table.model_fields, path)


def wrong_values(error: ValidationError) -> Iterator[InvalidKey]:
    """Yield what pydantic found, in the words of this package."""
    for found in error.errors(include_url=False):
        path, kind = tuple(part for part in found["loc"] if part != "[key]"), found["type"]
        got = short_repr(found["input"])
        if kind == "missing":
            yield InvalidKey(path, f"is required{_list_keys(path)}.")
        elif kind in ("model_type", "dict_type"):
            yield InvalidKey(path, f"must be a table{_list_keys(path)}; got {got}.", got=found["input"])
        elif kind == "string_pattern_mismatch":
            text = f"must be of letters, digits, '.', '_' and '-' only; got {got}."
            yield InvalidKey(path, text, got=found["input"])
        else:
            yield InvalidKey(path, describe_value(dict(found)), got=found["input"])


def _list_keys(path: tuple[str | int, ...]) -> str:
    table = TABLES.get(format_key(path))
    return f" with the keys {', '.join(table.model_fields)}" if table else ""
