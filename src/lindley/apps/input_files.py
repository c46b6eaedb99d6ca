"""The parts that all readers of files share: locations, errors that name the file, and a limit of memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import DataError, InputError, LindleyError
from lindley.names import suggest_name

_SMALL, _RATIO = 1 << 28, 25
"""The content of a file takes at most 256 MiB of memory, or 25 times the bytes of the file."""


@dataclass(frozen=True)
class Location:
    """A file, and the name of one of its arrays or columns; None where the file has only one."""

    path: Path
    name: str | None = None

    @classmethod
    def parse(cls, text: str, argument: str) -> Location:
        """Read FILE or FILE:NAME. Raise InputError where there is no such file; `argument` is what the file is for."""
        file, colon, name = text.rpartition(":")
        location = cls(Path(file), name) if colon and not Path(text).exists() else cls(Path(text))
        if not location.path.exists():
            raise InputError(f"{location.path} was not found", argument=argument, got=text)
        if not location.path.is_file():
            raise InputError(f"{location.path} is not a file", argument=argument, got=text)
        return location


def choose_name(location: Location, default: str, available: Sequence[str], kind: str) -> str:
    """Return the name of the array or column to read.

    Args:
        location: The file, and the name that the user gave.
        default: The name to take where the user gave none and there are several.
        available: The names in the file.
        kind: What the file holds, for messages: "array" or "column".

    Raises:
        InputError: If there is no such name, or several arrays have it.
    """
    if location.name is not None and location.name not in available:
        raise InputError(
            f"there is no {kind} {location.name!r}; there is {', '.join(available)}."
            f"{suggest_name(location.name, available)}",
            argument=str(location.path),
            got=location.name,
        )
    if location.name is None and len(available) == 1:
        return available[0]
    name = default if location.name is None else location.name
    if name not in available:
        there = f"there are {', '.join(available)}" if available else "there is none"
        raise InputError(
            f"say which {kind} is meant, as FILE:NAME; {there}", argument=str(location.path), got=[*available]
        )
    if available.count(name) > 1:
        raise InputError(
            f"there are {available.count(name)} {kind}s of the name {name!r}; give each a name of its own",
            argument=str(location.path),
            got=name,
        )
    return name


@contextmanager
def name_file_in_errors(path: Path) -> Iterator[None]:
    """Turn whatever reading a file raises into an error that names the file: the one border of files.

    A reader meets bytes that somebody else wrote, and raises what its author did not think of: zlib.error,
    struct.error, RecursionError, MemoryError ... All become a DataError. An InputError keeps its class and gets the
    file's name; other errors raised on purpose and errors of the system, such as a missing permission, pass.
    """
    try:
        yield
    except InputError as error:
        named = InputError(
            f"{path}: ", *error.parts, argument=error.argument or str(path), got=error.got, rows=error.rows
        )
        raise named from None
    except Exception as error:
        system = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
        if isinstance(error, LindleyError) or system:
            raise
        cause = str(error) or type(error).__name__
        raise DataError(f"{path} is damaged, or no {path.suffix} file: {cause}", path=path) from error


def refuse_inflation(path: Path, size: int) -> None:
    """Raise InputError where a file asks for far more memory than it has bytes: no predictions compress like that."""
    if size > inflation_limit(path):
        raise InputError(
            f"{path.stat().st_size:,} bytes inflate to {size:,}, which is more than any predictions compress. If they "
            "are meant, save them uncompressed, with numpy.save",
            argument=str(path),
            got=size,
        )


def inflation_limit(path: Path) -> int:
    """Return the number of bytes of memory that the content of a file may take."""
    return max(_SMALL, _RATIO * path.stat().st_size)
