"""Keys of a configuration that cannot be used: each with what was expected, what came, and the nearest name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lindley.errors import NOT_GIVEN, ConfigurationError
from lindley.names import suggest_name
from lindley.text import escape_controls, short_repr


@dataclass(frozen=True)
class InvalidKey:
    """A key of a configuration that cannot be used, and why."""

    path: tuple[str | int, ...]
    """The keys that lead to it."""
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


def raise_errors(errors: Sequence[ConfigurationError], source: str = "", path: Path | None = None) -> None:
    """Raise one error for all of these, each once and on a line of its own; nothing where there are none.

    Args:
        errors: One for each key that cannot be used.
        source: The name of the configuration or the path of its file, which begins every line; "": nothing does.
        path: The file, where there is one.

    Raises:
        ConfigurationError: With the argument of the first error; `errors` holds all of them.
    """
    if not errors:
        return
    each = list({str(error): error for error in errors}.values())
    text = escape_controls("\n".join(f"{source}{': ' * bool(source)}{error}" for error in each))
    raise ConfigurationError(text, argument=each[0].argument, got=each[0].got, path=path, errors=each)


def unknown_keys_of_table(
    table: Mapping[str, Any], allowed: Iterable[str], path: tuple[str, ...] = ()
) -> Iterator[InvalidKey]:
    """Yield the keys of a table that are not allowed.

    Args:
        table: The table.
        allowed: The keys that it may have.
        path: The keys that lead to it.
    """
    names = list(allowed)
    where = f"of [{format_key(path)}] " if path else ""
    for key in table:
        if key not in names:
            text = f"is not a key; the keys {where}are {', '.join(names)}.{suggest_name(key, names)}"
            yield InvalidKey((*path, key), text)


def describe_value(found: Mapping[str, Any]) -> str:
    """Return the end of a sentence on a value that pydantic found wrong: what it must be, and what it is."""
    kind, got = found["type"], short_repr(found["input"])
    if kind == "missing":
        return "is required."
    if kind == "literal_error":
        allowed = [word.strip("'") for word in re.split(", | or ", str(found["ctx"]["expected"]))]
        hint = suggest_name(found["input"], allowed) if isinstance(found["input"], str) else ""
        return f"must be {' or '.join(map(repr, allowed))}; got {got}.{hint}"
    if kind == "too_short":
        return "must not be empty."
    said = found["msg"].removeprefix("Value error, ")
    return f"{said.replace('Input should be', 'must be').replace('String should', 'must')}; got {got}."


def format_key(path: Iterable[str | int]) -> str:
    """("observe", "information", "labels", 0) -> observe.information.labels[0]"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")
