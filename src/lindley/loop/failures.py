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

from lindley.loop.files import write_json

FILE_NAME = "failed.json"


@dataclass(frozen=True)
class Failure:
    """What was said, and when (UTC)."""

    message: str
    when: str


def record_failure(folder: Path, message: str) -> None:
    """Keep it; where that is impossible, as on a full disk, the failure has been told and is not kept."""
    with contextlib.suppress(OSError):
        write_json(folder / FILE_NAME, asdict(Failure(message, datetime.now(UTC).isoformat())))


def read_failure(folder: Path) -> Failure | None:
    """The failure since which the trial got no further; None when there is none, or nothing that can be read."""
    try:
        found = json.loads((folder / FILE_NAME).read_bytes())
        return Failure(str(found["message"]), str(found["when"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clear_failure(folder: Path) -> None:
    """The trial got further."""
    (folder / FILE_NAME).unlink(missing_ok=True)
