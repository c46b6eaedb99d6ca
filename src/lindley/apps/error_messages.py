"""Errors and warnings in the words of the command line: arguments are written as options."""

from __future__ import annotations

from collections.abc import Mapping

from lindley.errors import Argument, InputError, InputWarning


def format_error(error: Exception, options: Mapping[str, str]) -> str:
    """Return the message of an error; where one of a command's options cannot be used, the message begins with it.

    Args:
        error: The error.
        options: The options of the command by the name of their argument.

    >>> format_error(InputError(argument="batch_size", expected="at most 40", got=50), {"batch_size": "--batch-size"})
    '--batch-size must be at most 40; got 50.'
    >>> format_error(InputError("all 40 candidates are excluded", argument="exclude"), {"exclude": "--exclude"})
    '--exclude: all 40 candidates are excluded'
    """
    if not isinstance(error, InputError):
        return str(error)
    text, name = error.render(format_argument), error.argument
    if name not in options:
        return text
    option = options[name]
    return option + text.removeprefix(name) if text.startswith(f"{name} ") else f"{option}: {text}"


def format_warning(warning: Warning | str) -> str:
    """Return the message of a warning."""
    return warning.render(format_argument) if isinstance(warning, InputWarning) else str(warning)


def format_argument(argument: Argument) -> str:
    """Return an argument of the library as an option of the command line.

    >>> format_argument(Argument("axes", "KNC")), format_argument(Argument("features"))
    ('--axes KNC', '--features FILE')
    >>> format_argument(Argument("delta", 0.4, option=True))
    '--option delta=0.4'

    >>> format_argument(Argument("features", ["A", "B"]))
    '--features A,B'
    """
    if argument.option:
        return f"--option {argument.name}={argument.value}"
    value = "FILE" if argument.value is None else argument.value
    shown = ",".join(map(str, value)) if isinstance(value, list) else value
    return f"--{argument.name.replace('_', '-')} {shown}"
