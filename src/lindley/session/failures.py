"""The last failure of a trial, kept in its folder until the trial gets further. No torch here.

It stands beside the journal, not in it: a failure is no part of a trial's state, and a trial that failed and was
repaired has the journal of one that never failed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lindley.files import read_plain_file, write_json
from lindley.session.journal_file import FILE_NAME as JOURNAL
from lindley.text import escape_controls

FILE_NAME = "failed.json"


@dataclass(frozen=True)
class Failure:
    """The message of a failure, its time (UTC), and the length of the journal at that time."""

    message: str
    when: str
    journal_bytes: int


def record_failure(folder: Path, message: str) -> None:
    """Write a failure to the folder; on a full disk it is shown and not kept."""
    with contextlib.suppress(OSError):
        failure = Failure(message, datetime.now(UTC).isoformat(), _journal_bytes(folder))
        write_json(folder / FILE_NAME, asdict(failure))


def read_failure(folder: Path) -> Failure | None:
    """Return the failure since which the trial got no further; None when there is none that can be read.

    A longer journal beside it belongs to a trial that got further elsewhere and was copied here.
    """
    try:
        found = json.loads(read_plain_file(folder / FILE_NAME))
        failure = Failure(
            escape_controls(str(found["message"])), escape_controls(str(found["when"])), int(found["journal_bytes"])
        )
    except Exception:  # whatever a reader raises: the failure is a message, and counts for nothing where it is damaged
        return None
    return failure if _journal_bytes(folder) <= failure.journal_bytes else None


def _journal_bytes(folder: Path) -> int:
    journal = folder / JOURNAL
    return journal.stat().st_size if journal.exists() else 0


def clear_failure(folder: Path) -> None:
    """Delete the failure: the trial got further."""
    (folder / FILE_NAME).unlink(missing_ok=True)
