"""A lock of the operating system on a file: freed when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from lindley.errors import JournalError

_PATIENCE_SECONDS = 2.0
"""How long a killed holder may take to be gone."""


class FileLock:
    """Exclusive use of `path` (created when missing) by one process, as a context manager.

    The holder's process id stands in `<path>.holder` while it holds. Raises JournalError that names the holder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder = path.with_name(path.name + ".holder")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._acquire()
            self._holder.write_text(f"{os.getpid()}\n")
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

    def _acquire(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise JournalError(
                        f"{self._path.parent} is in use by {self._named_holder()}. "
                        "Wait until it ends, or write to another folder."
                    ) from None
                time.sleep(0.05)

    def _named_holder(self) -> str:
        try:
            return f"process {int(self._holder.read_text())}"
        except (OSError, ValueError):
            return "another process"
