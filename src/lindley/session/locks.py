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
from lindley.files import read_plain_file
from lindley.text import escape_line

_TIMEOUT_SECONDS = 2.0
"""The time that a killed holder may take to be gone."""


class FileLock:
    """Exclusive use of `path` by one process, as a context manager.

    The lock is on `<path>.lock`, an empty file that is made when missing and never deleted: on Windows nobody could
    read a file that is locked itself. `<path>.holder` names the holder while it holds: its process id and its machine,
    since another machine may share the folder.

    Args:
        path: The file to use.
        timeout: Seconds to wait for the lock; None: as long as a killed holder may take to be gone.
        process: The process id to write into the holder's file, where people know another one than this process's.

    Raises:
        HeldError: If another process holds the lock; the message names it.
    """

    def __init__(self, path: Path, *, timeout: float | None = None, process: int | None = None) -> None:
        path = Path(os.path.abspath(path))  # the program may change its folder while it holds the lock
        self._path = path
        self._holder = _holder_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = _open_file(_lock_file(path))
        try:
            self._acquire(_TIMEOUT_SECONDS if timeout is None else timeout)
            self._holder.write_text(f"{process or os.getpid()} {platform.node()}\n", encoding="utf-8")
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Release the lock."""
        with suppress(PermissionError):  # on Windows, where somebody reads it at this moment
            self._holder.unlink(missing_ok=True)
        _unlock(self._descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _acquire(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not lock_descriptor(self._descriptor, blocking=False):
            if time.monotonic() > deadline:
                holder = _holder_name(self._path)
                raise HeldError(
                    f"{self._path.parent} is in use by {holder}. Wait until it ends, or write to another folder.",
                    path=self._path,
                    holder=holder,
                )
            time.sleep(0.05)


class ProcessSlot:
    """A slot that this process holds at a task as long as it is open (a context manager); others have slots too.

    A slot is a locked file: `path`, or the first of `<path>.1`, `<path>.2`, ... that is free. `alone` is True when no
    other slot was held at the opening. Open it under a FileLock, else two processes that come at the same moment may
    each believe that they are alone.
    """

    def __init__(self, path: Path) -> None:
        mine: int | None = None
        self.alone = True
        for file in _slot_files(path):
            if mine is not None and not file.exists():
                break
            descriptor = _open_file(file)
            if not lock_descriptor(descriptor, blocking=False):
                self.alone = False
                os.close(descriptor)
            elif mine is None:
                mine = descriptor
            else:
                _unlock(descriptor)
        assert mine is not None
        self._descriptor = mine

    def __enter__(self) -> ProcessSlot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _unlock(self._descriptor)


def find_holder(path: Path) -> str | None:
    """Return who holds the FileLock on `path`, as in "process 4242"; None when nobody does. Creates nothing.

    Where a file names a holder, this takes the lock for an instant to see whether the holder still lives: a FileLock
    with a timeout of 0 may be refused meanwhile, and another caller may read the name of a holder that was killed.
    """
    if not _holder_file(path).exists():
        return None
    try:
        descriptor = os.open(_lock_file(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # there may be a pipe
    except OSError:
        return None
    try:
        if not lock_descriptor(descriptor, blocking=False):
            return _holder_name(path)
        unlock_descriptor(descriptor)
        return None
    finally:
        os.close(descriptor)


def _open_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _unlock(descriptor: int) -> None:
    unlock_descriptor(descriptor)
    os.close(descriptor)


def _slot_files(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}.{number}") for number in count(1))


def _holder_name(path: Path) -> str:
    try:
        process, machine = read_plain_file(_holder_file(path)).decode().split()
    except (OSError, ValueError):  # it is just being written
        return "another process"
    return escape_line(f"process {process}" if machine == platform.node() else f"process {process} on {machine}")


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _holder_file(path: Path) -> Path:
    return path.with_name(path.name + ".holder")
