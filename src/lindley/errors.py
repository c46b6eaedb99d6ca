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

from collections.abc import Callable
from dataclasses import dataclass


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


class LindleyError(Exception):
    """The root: everything that lindley raises on purpose is one of these."""


class InputError(LindleyError, ValueError):
    """A value, a shape, a name or an option that cannot be used.

    Its message is made of parts; `arguments` are those that it names, and `render` writes them otherwise.
    """

    def __init__(self, *parts: Part) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments that are to be changed."""
        return tuple(part.name for part in self.parts if isinstance(part, Argument))

    def render(self, write: Callable[[Argument], str]) -> str:
        """Return the message with its arguments written in another way."""
        return render(self.parts, write)


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
    """A study with an unknown key or a wrong value; the message names the key."""


class DataError(LindleyError):
    """A data set that is missing, truncated or altered; the message names the file."""


class FitError(LindleyError):
    """Training that diverged; the message says at which step."""


class JournalError(LindleyError):
    """A journal that is damaged, or that belongs to another trial."""


class HeldError(JournalError):
    """A trial or a folder that another process holds; the message names the process."""
