"""Every error that lindley raises on purpose.

LindleyError
├── InputError (also ValueError)     a value, a shape, a name or an option that cannot be used
│   └── ConfigurationError           a study: an unknown key, a wrong value
├── DataError                        a data set that is missing, truncated or altered
├── FitError                         training that diverged
└── JournalError                     a journal that is damaged or of another trial
    └── HeldError                    what another process holds
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Argument:
    """An argument that a message names: each edge writes it as its users know it.

    >>> str(Argument("axes", "KNC")), str(Argument("features")), str(Argument("delta", 0.4, option=True))
    ('axes="KNC"', 'features=...', 'delta=0.4')
    """

    name: str
    value: object = None
    option: bool = False
    """Whether it is an option of an acquisition."""

    def __str__(self) -> str:
        """As it is written in Python."""
        value = "..." if self.value is None else f'"{self.value}"' if isinstance(self.value, str) else self.value
        return f"{self.name}={value}"


Part = str | Argument
NOT_GIVEN: Final = object()
"""What an error got where its message does not say; None can be what came."""


class LindleyError(Exception):
    """The root: everything that lindley raises on purpose is one of these."""


class InputError(LindleyError, ValueError):
    """A value, a shape, a name or an option that cannot be used.

    Its fields say what was wrong; `render` writes the message with its arguments as the users of an edge know them.

    >>> raise InputError("Lower it.", argument="batch_size", expected="at most 40, the number of candidates", got=50)
    Traceback (most recent call last):
    lindley.errors.InputError: batch_size must be at most 40, the number of candidates; got 50. Lower it.
    """

    def __init__(
        self,
        *parts: Part,
        argument: str = "",
        expected: str = "",
        got: object = NOT_GIVEN,
        rows: Sequence[int | str] = (),
    ) -> None:
        """Take what was wrong, what was expected, and what to do.

        Args:
            parts: The message; where `expected` is given, what to do about it, after the sentence that the fields make.
            argument: The name of the argument, key or file that cannot be used.
            expected: What it must be, as in "a whole number of at least 1".
            got: What it is instead.
            rows: Ids of the rows that are at fault.
        """
        sentence = _sentence(argument, expected, got, rows) if expected else ""
        self.parts: tuple[Part, ...] = (*([sentence + " " * bool(parts)] if sentence else ()), *parts)
        self.argument, self.expected, self.got, self.rows = argument, expected, got, tuple(rows)
        super().__init__("".join(map(str, self.parts)))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments that the message says to change."""
        return tuple(part.name for part in self.parts if isinstance(part, Argument))

    def render(self, write: Callable[[Argument], str]) -> str:
        """Return the message with its arguments written in another way."""
        return render(self.parts, write)


def _sentence(argument: str, expected: str, got: object, rows: Sequence[int | str]) -> str:
    came = "" if got is NOT_GIVEN else f"; got {got!r}"
    return f"{argument} must be {expected}{came}{f' in rows {format_rows(rows)}' if rows else ''}."


def format_rows(rows: Sequence[int | str]) -> str:
    """Return at most ten ids of rows, and how many more there are.

    >>> format_rows(range(12))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] and 2 more'
    """
    return f"{list(rows[:10])}{f' and {len(rows) - 10} more' if len(rows) > 10 else ''}"


class InputWarning(UserWarning):
    """What can be used, and may not be what was meant; made of parts as an InputError is."""

    def __init__(self, *parts: Part) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    def render(self, write: Callable[[Argument], str]) -> str:
        """Return the message with its arguments written in another way."""
        return render(self.parts, write)


def render(parts: tuple[Part, ...], write: Callable[[Argument], str]) -> str:
    """Return the text of a message's parts, with every argument written by a function."""
    return "".join(write(part) if isinstance(part, Argument) else part for part in parts)


class ConfigurationError(InputError):
    """A study with an unknown key or a wrong value; `argument` names the key and `path` the study file, if any."""

    def __init__(
        self,
        *parts: Part,
        argument: str = "",
        expected: str = "",
        got: object = NOT_GIVEN,
        path: Path | str | None = None,
        errors: Sequence[ConfigurationError] = (),
    ) -> None:
        """Take what was wrong, what was expected, and what to do.

        Args:
            parts: The message, as InputError has it.
            argument: The key that cannot be used, such as "schedule.batch_size".
            expected: What its value must be.
            got: What its value is.
            path: The study file, where there is one.
            errors: One error for each key, where several keys were found at once.
        """
        super().__init__(*parts, argument=argument, expected=expected, got=got)
        self.path, self.errors = path, tuple(errors)


class DataError(LindleyError):
    """A data set that is missing, truncated or altered; the message and `path` name the file."""

    def __init__(self, text: str, *, path: Path | str | None = None) -> None:
        super().__init__(text)
        self.path = path


class FitError(LindleyError):
    """Training that diverged; `step` says at which step, from 1, and `member` in which member of an ensemble, from 0.

    Both are None where it is unknown, or where a fit takes no steps.
    """

    def __init__(self, text: str, *, step: int | None = None, member: int | None = None) -> None:
        super().__init__(text)
        self.step, self.member = step, member


class JournalError(LindleyError):
    """A journal that is damaged, or that belongs to another trial; `path`, `line` and `entry` say where."""

    def __init__(self, text: str, *, path: Path | str | None = None, line: int | None = None, entry: str = "") -> None:
        super().__init__(text)
        self.path, self.line, self.entry = path, line, entry


class HeldError(JournalError):
    """A trial or a folder that another process holds; `holder` names the process."""

    def __init__(self, text: str, *, path: Path | str | None = None, holder: str = "") -> None:
        super().__init__(text, path=path)
        self.holder = holder
