"""Checks of single values, such as options: numbers, whole numbers, yes or no. Nothing heavy is imported."""

from __future__ import annotations

import operator
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


def check_whole_number(name: str, value: object, *, least: int) -> None:
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


def whole_number(name: str, value: object, *, least: int | None = None) -> int:
    """Return a whole number of Python or NumPy as an int.

    Args:
        name: The name of the argument, for messages.
        value: The number.
        least: The smallest number that is allowed; None: any.

    Raises:
        InputError: If the value is no whole number, or is smaller.
    """
    expected = "a whole number" if least is None else f"a whole number of at least {least}"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(argument=name, expected=expected, got=value) from None
    if least is not None and number < least:
        raise InputError(argument=name, expected=expected, got=value)
    return number
