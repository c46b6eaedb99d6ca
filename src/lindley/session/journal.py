"""The append-only journal of a trial: one event a line, each with its check, each on the disk before the next.

A kill leaves at most one torn line at the end, which is dropped when the journal is opened again: nobody was told
that it had been written. Any other damage is an error that names the line.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lindley.errors import JournalError
from lindley.session.files import REMEDY, make_folder, read_plain_file, sync_folder
from lindley.session.locks import FileLock

FILE_NAME = "journal.jsonl"

Event = dict[str, Any]
"""JSON values; "event" says its kind."""


class Journal:
    """A trial's journal, open for writing by this process alone (a context manager).

    `events` are those found when it was opened, in the order written.
    patience, process: as a FileLock takes them.
    Raises HeldError when another process holds it, JournalError when a line is damaged.
    """

    def __init__(self, folder: Path, *, patience: float | None = None, process: int | None = None) -> None:
        make_folder(folder)
        self.folder = folder
        self.path = folder / FILE_NAME
        self._lock = FileLock(self.path, patience=patience, process=process)
        try:
            self.path.touch()
            self.events, self._size = _parsed(_content(self.path), self.path)
            self._file = self.path.open("r+b", buffering=0)
            self._file.truncate(self._size)
            self._file.seek(self._size)
            sync_folder(folder)
        except BaseException:
            self._lock.release()
            raise

    def append(self, event: Mapping[str, object]) -> None:
        """Write one event; it is on the disk when this returns.

        Raises JournalError when it holds NaN, an infinity or what JSON has no word for, such as a tensor, or when it
        cannot be written; then nothing is written.
        """
        try:
            line = _line(event)
        except (TypeError, ValueError) as error:
            raise JournalError(
                f"an event must hold JSON values and finite numbers only ({error}): "
                f"event {event.get('event')!r} of {self.path}"
            ) from None
        try:
            _write_all(self._file.fileno(), line)
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise JournalError(f"{self.path} cannot be written ({error.strerror}); it stands as before.") from error
        self._size += len(line)

    def close(self) -> None:
        """Let other processes in."""
        self._file.close()
        self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_events(folder: Path) -> list[Event]:
    """The events of a trial's folder, in the order written; none when it has no journal. Takes no lock.

    Raises JournalError, with the line's number, when a line is damaged, and when the journal is no file.
    """
    path = folder / FILE_NAME
    return _parsed(_content(path), path)[0] if path.exists() else []


def event_check(event: Mapping[str, object]) -> str:
    """The first 16 hex digits of the sha256 of an event's canonical JSON, without its check and its seconds."""
    checked = {key: value for key, value in event.items() if key not in ("check", "seconds")}
    text = json.dumps(checked, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _line(event: Mapping[str, object]) -> bytes:
    whole = {**event, "check": event_check(event)}
    return (json.dumps(whole, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _content(path: Path) -> bytes:
    try:
        return read_plain_file(path)
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}. {REMEDY}") from None


def _parsed(content: bytes, path: Path) -> tuple[list[Event], int]:
    """The events, and the size in bytes of what holds them (a torn last line is not part of it)."""
    size = content.rfind(b"\n") + 1
    return [_event(line, number, path) for number, line in enumerate(content[:size].split(b"\n")[:-1], 1)], size


def _event(line: bytes, number: int, path: Path) -> Event:
    try:
        event = json.loads(line)
        intact = isinstance(event, dict) and event["check"] == event_check(event)
    except Exception:  # whatever a reader raises: numbers, nesting and text beyond its limits, too
        intact = False
    if not intact:
        raise JournalError(
            f"{path}, line {number} is damaged: it is not what was written. Restore the file, "
            "or delete this line and those after it to run these rounds again."
        )
    return dict(event)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
