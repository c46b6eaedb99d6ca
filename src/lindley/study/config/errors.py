"""Errors of a study: each names its key, what was expected, what came, and the nearest name that would do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lindley.errors import NOT_GIVEN, ConfigurationError
from lindley.names import suggest_name
from lindley.study.config.schema import TABLES, Experiment
from lindley.text import escape_controls, short_repr

EXPERIMENT_KEYS = tuple(Experiment.model_fields)
STUDY_KEYS = (
    "title",
    "description",
    *(key for key in EXPERIMENT_KEYS if key not in ("name", "title")),
    "experiments",
)


@dataclass(frozen=True)
class InvalidKey:
    """A key of a study that cannot be used, and why."""

    path: tuple[str | int, ...]
    """The keys that lead to it within the tables of an experiment, or of the whole study."""
    text: str = ""
    """What is wrong, as a sentence that begins with the key; where `expected` is given, what to do about it."""
    expected: str = ""
    """What its value must be, as in "at least 2"."""
    got: object = NOT_GIVEN
    """What its value is."""

    def error(self, key: str, advice: str = "") -> ConfigurationError:
        """Return the error of this key under its full name; advice comes at the end of its message."""
        if self.expected:
            text = f"{self.text} {advice}".strip()
            parts = (text,) if text else ()
            return ConfigurationError(*parts, argument=key, expected=self.expected, got=self.got)
        return ConfigurationError(f"{key} {self.text} {advice}".rstrip(), argument=key, got=self.got)


def experiment_errors(
    experiment: Experiment, *checks: Callable[[Experiment], Iterable[InvalidKey]]
) -> list[ConfigurationError]:
    """Return what the checks find in an experiment that was built in Python."""
    found = [invalid for check in checks for invalid in check(experiment)]
    return [invalid.error(f"experiments[{experiment.name}].{format_key(invalid.path)}") for invalid in found]


def raise_errors(errors: Sequence[ConfigurationError], source: str = "", path: Path | None = None) -> None:
    """Raise one error for all of these, each once and on a line of its own; nothing where there are none.

    Args:
        errors: One for each key that cannot be used.
        source: The name of the study or the path of its file, which begins every line; nothing where it is empty.
        path: The study file, where there is one.

    Raises:
        ConfigurationError: With the argument of the first error; `errors` holds all of them.
    """
    if not errors:
        return
    each = list({str(error): error for error in errors}.values())
    text = escape_controls("\n".join(f"{source}{': ' * bool(source)}{error}" for error in each))
    raise ConfigurationError(text, argument=each[0].argument, got=each[0].got, path=path, errors=each)


def unknown_keys(tables: Mapping[str, Any], allowed: Iterable[str]) -> Iterator[InvalidKey]:
    """Yield the keys of a study, or of one experiment, that no table declares, at every depth."""
    yield from _find_unknown(tables, allowed, ())
    for name, table in TABLES.items():
        path = tuple(name.split("."))
        inner: Any = tables
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            yield from _find_unknown(inner, table.model_fields, path)


def wrong_values(error: ValidationError) -> Iterator[InvalidKey]:
    """Yield what pydantic found, in the words of this package."""
    for found in error.errors(include_url=False):
        path = tuple(part for part in found["loc"] if part != "[key]")
        if found["type"] == "missing":
            yield InvalidKey(path, f"is required{_list_keys(path)}.")
        else:
            yield InvalidKey(path, _describe_value(dict(found), path), got=found["input"])


def format_key(path: Iterable[str | int]) -> str:
    """("observe", "information", "labels", 0) -> observe.information.labels[0]"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _describe_value(found: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
    """Say what a value must be and what it is; a value of a file may be longer than anybody wants to read."""
    kind, got = found["type"], short_repr(found["input"])
    if kind in ("model_type", "dict_type"):
        return f"must be a table{_list_keys(path)}; got {got}."
    if kind == "literal_error":
        allowed = [word.strip("'") for word in re.split(", | or ", str(found["ctx"]["expected"]))]
        hint = suggest_name(found["input"], allowed) if isinstance(found["input"], str) else ""
        return f"must be {' or '.join(map(repr, allowed))}; got {got}.{hint}"
    if kind == "too_short":
        return "must not be empty."
    if kind == "string_pattern_mismatch":
        return f"must be of letters, digits, '.', '_' and '-' only; got {got}."
    said = found["msg"].removeprefix("Value error, ")
    return f"{said.replace('Input should be', 'must be').replace('String should', 'must')}; got {got}."


def _find_unknown(table: Mapping[str, Any], allowed: Iterable[str], path: tuple[str, ...]) -> Iterator[InvalidKey]:
    names = list(allowed)
    where = f"of [{format_key(path)}] " if path else ""
    for key in table:
        if key not in names:
            text = f"is not a key; the keys {where}are {', '.join(names)}.{suggest_name(key, names)}"
            yield InvalidKey((*path, key), text)


def _list_keys(path: tuple[str | int, ...]) -> str:
    table = TABLES.get(format_key(path))
    return f" with the keys {', '.join(table.model_fields)}" if table else ""
