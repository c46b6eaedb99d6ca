"""Locks of the operating system on files: freed when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import platform
import time
from pathlib import Path
from types import TracebackType

from lindley.errors import HeldError
from lindley.loop.files import read_plain_file
from lindley.text import visible_line

_PATIENCE_SECONDS = 2.0
"""How long a killed holder may take to be gone."""


class FileLock:
    """Use of `path` (created when missing) by one process alone, as a context manager.

    The holder stands in `<path>.holder` while it holds: its process id and the name of its machine, since another
    machine may share the folder. process: the id to write there, when it is not this process that a person knows.
    patience: seconds to wait for it; None means as long as a killed holder may take to be gone.
    Raises HeldError that names the holder.
    """

    def __init__(self, path: Path, *, patience: float | None = None, process: int | None = None) -> None:
        self._path = path
        self._holder = _holder_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._acquire(_PATIENCE_SECONDS if patience is None else patience)
            self._holder.write_text(f"{process or os.getpid()} {platform.node()}\n", encoding="utf-8")
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Let others in."""
        self._holder.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _acquire(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not _lock(self._descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise HeldError(
                    f"{self._path.parent} is in use by {_named_holder(self._path)}. "
                    "Wait until it ends, or write to another folder."
                )
            time.sleep(0.05)


class Presence:
    """Says, as long as it is open (a context manager), that this process is at work on something; others may be too.

    `alone` is True when no other process was when it was opened. Open it under a FileLock, else two that come at the
    same moment may each believe that they are alone.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.alone = _lock(self._descriptor, fcntl.LOCK_EX)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Presence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def holder_of(path: Path) -> str | None:
    """Who holds the FileLock on `path`, as in "process 4242"; None when nobody does. Creates nothing.

    To ask is to take the lock for an instant, so a FileLock without patience may be refused meanwhile.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # in the place of a file there may be a pipe
    except OSError:
        return None
    try:
        return None if _lock(descriptor, fcntl.LOCK_SH) else _named_holder(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    """Whether the lock was to be had at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _named_holder(path: Path) -> str:
    try:
        process, machine = read_plain_file(_holder_file(path)).decode().split()
    except (OSError, ValueError):  # it is just being written
        return "another process"
    return visible_line(f"process {process}" if machine == platform.node() else f"process {process} on {machine}")


def _holder_file(path: Path) -> Path:
    return path.with_name(path.name + ".holder")
