"""What the options of acquisitions refuse. Nothing heavy is imported."""

from __future__ import annotations

import sys

from lindley.errors import InputError


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def check_positive(name: str, value: float) -> None:
    """Raise InputError unless a value is a positive, finite number."""
    if not (is_number(value) and value > 0):
        raise InputError(argument=name, expected="a positive, finite number", got=value)


def check_positive_or_auto(name: str, value: float | str) -> None:
    """Raise InputError unless a value is a positive, finite number or "auto"."""
    if value != "auto" and not (is_number(value) and float(value) > 0):
        raise InputError(argument=name, expected="a positive, finite number or 'auto'", got=value)


def check_whole_number(name: str, value: int, *, least: int) -> None:
    """Raise InputError unless a value is a whole number of at least `least`.

    Args:
        name: The name of the option.
        value: Its value.
        least: The smallest value allowed.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(argument=name, expected=f"a whole number of at least {least}", got=value)


def check_bool(name: str, value: bool) -> None:
    """Raise InputError unless a value is True or False."""
    if not isinstance(value, bool):
        raise InputError(argument=name, expected="True or False", got=value)
