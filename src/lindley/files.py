"""Plain files that are whole or absent: atomic writes, durable folders, and reads with a limit."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable


@runtime_checkable
class ByteSink(Protocol):
    """What bytes are written into: a file, or stdout."""

    def write(self, content: bytes, /) -> int:
        """Write all of it, and return its length."""
        ...


_TEMPORARY = ".partial"
MAX_BYTES = 1 << 30
"""The largest file that is read whole; a larger one is none of ours."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole: a kill leaves the old file or the new one.

    Temporary file in the same folder -> fsync -> replace -> fsync the folder.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` once it is whole and durable; an error leaves what was there."""
    make_folder(path.parent)
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_plain_file(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a plain file. Raise OSError, at once, for a folder, a pipe, a device or a larger file."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer waits
    with open(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file", str(path))
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, more than {max_bytes:,}", str(path))
        return file.read()


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing; each is durable."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable. Does nothing on Windows, where a folder cannot be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, atomically and indented. Raises ValueError for NaN and infinities."""
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())
