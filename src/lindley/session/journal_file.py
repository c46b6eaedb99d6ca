"""The append-only journal of a session: one event a line, on the disk before anybody relies on it.

Each line carries a hash of its event and of the hash of the line before (`check` in the file), so that no line can be
altered, dropped, moved, or taken from another journal. A kill leaves at most one torn line at the end, which is dropped
when the journal is opened again: its write was never acknowledged. Any other damage is an error that names the line.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lindley.errors import JournalError
from lindley.files import make_folder, read_plain_file, sync_folder
from lindley.session.event_store import Receipt, answer_uuids, drop_repeated_answers
from lindley.session.events import ArraysFile, Event, from_json, to_json
from lindley.session.files import REMEDY, save_arrays
from lindley.session.locks import FileLock

FILE_NAME = "journal.jsonl"


class JournalStore:
    """The journal in a folder as an EventStore, open for writing by this process alone (a context manager).

    Args:
        folder: Holds the journal and the arrays that its events name; made where it is missing.
        timeout: Seconds to wait for another process that holds it; None: as long as a killed one may take to be gone.
        process: The process id that others read as the holder's, where people know another one than this process's.

    Raises:
        HeldError: If another process holds it.
        JournalError: If a line is damaged, or the journal cannot be read.
    """

    def __init__(self, folder: Path, *, timeout: float | None = None, process: int | None = None) -> None:
        folder = Path(os.path.abspath(folder))  # the program may change its folder while the journal is open
        try:
            make_folder(folder)
        except OSError as error:
            raise JournalError(
                f"{folder} cannot be used as a folder ({error}). Name another one.", path=folder
            ) from None
        self.folder = folder
        self._process = os.getpid()
        self._mutex = threading.Lock()
        self.path = folder / FILE_NAME
        lock = FileLock(self.path, timeout=timeout, process=process)
        try:
            self.path.touch()
            self._events, self._size, self._last_hash = _read_journal(self.path)
            self._uuids = answer_uuids(self._events)
            self._descriptor = os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0))
            self._close = weakref.finalize(self, _close, self._descriptor, lock)
            self._truncate()
            self._stat = _file_identity(os.fstat(self._descriptor))
            sync_folder(folder)
        except BaseException:
            lock.release()
            raise

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """Write events; they are on the disk when this returns.

        Raises:
            JournalError: If an event holds NaN, an infinity or no JSON value, such as a tensor; if the file cannot be
                written; or if somebody else changed, replaced or deleted it. Then nothing is written.
        """
        if not self._close.alive:
            raise JournalError(f"{self.path} was closed. Open the session again.", path=self.path)
        if os.getpid() != self._process:
            raise JournalError(
                f"{self.path} was opened by another process. Open the session again in this one.", path=self.path
            )
        with self._mutex:
            self._check_untouched()
            new, receipts = drop_repeated_answers(events, set(self._uuids))
            content, last_hash = b"", self._last_hash
            for event in new:
                line, last_hash = _encode_line(event, last_hash, self.path)
                content += line
            try:
                _write_all(self._descriptor, content)
                os.fsync(self._descriptor)
            except BaseException as error:  # Ctrl-C too: what was not acknowledged is not there
                self._truncate()
                if not isinstance(error, OSError):
                    raise
                raise JournalError(
                    f"{self.path} cannot be written ({error.strerror}); it stands as before.", path=self.path
                ) from error
            self._stat = _file_identity(os.fstat(self._descriptor))
            self._size, self._last_hash = self._size + len(content), last_hash
            self._events += new
            self._uuids |= answer_uuids(new)
            return receipts

    def read(self, since: int = 0) -> Iterator[Event]:
        """See EventStore."""
        return iter(self._events[since:])

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """See EventStore. The arrays lie beside the journal, whole and durable."""
        self._check_untouched()
        return save_arrays(self.folder, name, arrays)

    def close(self) -> None:
        """Let others open the journal; a store that nobody refers to any longer is closed by itself."""
        self._close()

    def __enter__(self) -> JournalStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_untouched(self) -> None:
        """Raise JournalError unless the file is the one that is open, and holds what was read or written last."""
        try:
            there = _file_identity(os.stat(self.path))
        except OSError:
            there = None
        if there == self._stat:
            return
        if there is None or there[:3] != self._stat[:3] or _read_journal(self.path)[2] != self._last_hash:
            raise JournalError(
                f"{self.path} was changed, replaced or deleted by somebody else while it was open; nothing was written."
                " Restore the file, and open the session again.",
                path=self.path,
            )
        self._stat = there

    def _truncate(self) -> None:
        """Continue after the last whole line."""
        os.ftruncate(self._descriptor, self._size)
        os.lseek(self._descriptor, self._size, os.SEEK_SET)


def read_events(folder: Path) -> list[Event]:
    """Return the events of a folder's journal, in the order written; none where there is no journal. Takes no lock.

    Raises:
        JournalError: If a line is damaged (`line` is its number), or if the journal is no file.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return []
    return _read_journal(path)[0]


def chain_hash(event: Mapping[str, object], before: str) -> str:
    """Return the hash of a line: 16 hex digits of the sha256 of the hash before it and the event's canonical JSON."""
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()[:16]


def _encode_line(event: Event, before: str, path: Path) -> tuple[bytes, str]:
    """Return the line of an event, and its hash."""
    try:
        values = json.loads(json.dumps(to_json(event), allow_nan=False))  # as it will be read: keys are text
        line_hash = chain_hash(values, before)
        text = json.dumps({**values, "check": line_hash}, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise JournalError(
            f"An event must hold JSON values and finite numbers only ({error}): event {event.event!r} of {path}.",
            path=path,
            entry=event.event,
        ) from None
    return (text + "\n").encode(), line_hash


def _read_journal(path: Path) -> tuple[list[Event], int, str]:
    """Return the events, the size in bytes of their lines (without a torn last line), and the last hash."""
    try:
        content = read_plain_file(path)
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}. {REMEDY}", path=path) from None
    size = content.rfind(b"\n") + 1
    events: list[Event] = []
    last_hash = ""
    for number, line in enumerate(content[:size].split(b"\n")[:-1], 1):
        values = _verify_line(line, last_hash)
        if values is None:
            raise JournalError(
                f"{path}, line {number} is damaged: it is not what was written there. Restore the file, "
                "or delete this line and those after it to run these rounds again.",
                path=path,
                line=number,
            )
        last_hash = values.pop("check")
        try:
            events.append(from_json(values))
        except Exception as error:  # numbers and nesting beyond the limits of the reader, too
            raise JournalError(
                f"{path}, line {number} is damaged, though its hash fits: {error or type(error).__name__}. {REMEDY}",
                path=path,
                line=number,
            ) from None
    return events, size, last_hash


def _verify_line(line: bytes, before: str) -> dict[str, Any] | None:
    """Return the values of a line with its hash; None where the hash does not fit."""
    try:
        values = json.loads(line)
        expected = chain_hash({key: value for key, value in values.items() if key != "check"}, before)
        return dict(values) if values["check"] == expected else None
    except Exception:  # whatever a reader raises
        return None


def _file_identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return the file itself, its size, and the time of its last change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _close(descriptor: int, lock: FileLock) -> None:
    os.close(descriptor)
    lock.release()


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
