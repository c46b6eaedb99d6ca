"""Locks of the operating system on files: freed when their holder dies, however it dies."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType

from filelock import lock_descriptor, unlock_descriptor

from lindley.errors import HeldError
from lindley.session.files import read_plain_file
from lindley.text import visible_line

_PATIENCE_SECONDS = 2.0
"""How long a killed holder may take to be gone."""


class FileLock:
    """Use of `path` by one process alone, as a context manager.

    What is locked is `<path>.lock`, an empty file that is made when missing and never deleted: on Windows nobody could
    read a file that is locked itself. The holder stands in `<path>.holder` while it holds: its process id and the name
    of its machine, since another machine may share the folder.
    process: the id to write there, when it is not this process that a person knows.
    patience: seconds to wait for it; None means as long as a killed holder may take to be gone.
    Raises HeldError that names the holder.
    """

    def __init__(self, path: Path, *, patience: float | None = None, process: int | None = None) -> None:
        self._path = path
        self._holder = _holder_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = _opened(_lock_file(path))
        try:
            self._acquire(_PATIENCE_SECONDS if patience is None else patience)
            self._holder.write_text(f"{process or os.getpid()} {platform.node()}\n", encoding="utf-8")
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Let others in."""
        with suppress(PermissionError):  # on Windows, where somebody reads it at this moment
            self._holder.unlink(missing_ok=True)
        _unlock(self._descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _acquire(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not lock_descriptor(self._descriptor, blocking=False):
            if time.monotonic() > deadline:
                raise HeldError(
                    f"{self._path.parent} is in use by {_named_holder(self._path)}. "
                    "Wait until it ends, or write to another folder."
                )
            time.sleep(0.05)


class Presence:
    """Says, as long as it is open (a context manager), that this process is at work on something; others may be too.

    Each process holds a file of its own: `path`, or the first of `<path>.1`, `<path>.2`, ... that is free. `alone` is
    True when no other was held when it was opened. Open it under a FileLock, else two that come at the same moment may
    each believe that they are alone.
    """

    def __init__(self, path: Path) -> None:
        mine: int | None = None
        self.alone = True
        for file in _numbered(path):
            if mine is not None and not file.exists():
                break
            descriptor = _opened(file)
            if not lock_descriptor(descriptor, blocking=False):
                self.alone = False
                os.close(descriptor)
            elif mine is None:
                mine = descriptor
            else:
                _unlock(descriptor)
        assert mine is not None
        self._descriptor = mine

    def __enter__(self) -> Presence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _unlock(self._descriptor)


def holder_of(path: Path) -> str | None:
    """Who holds the FileLock on `path`, as in "process 4242"; None when nobody does. Creates nothing.

    Where a holder stands in its file, to ask whether it still lives is to take the lock for an instant: a FileLock
    without patience may be refused meanwhile, and another who asks may hear of a holder that was killed.
    """
    if not _holder_file(path).exists():
        return None
    try:
        descriptor = os.open(_lock_file(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # there may be a pipe
    except OSError:
        return None
    try:
        if not lock_descriptor(descriptor, blocking=False):
            return _named_holder(path)
        unlock_descriptor(descriptor)
        return None
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _unlock(descriptor: int) -> None:
    unlock_descriptor(descriptor)
    os.close(descriptor)


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}.{number}") for number in count(1))


def _named_holder(path: Path) -> str:
    try:
        process, machine = read_plain_file(_holder_file(path)).decode().split()
    except (OSError, ValueError):  # it is just being written
        return "another process"
    return visible_line(f"process {process}" if machine == platform.node() else f"process {process} on {machine}")


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _holder_file(path: Path) -> Path:
    return path.with_name(path.name + ".holder")
