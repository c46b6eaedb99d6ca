"""Memory that a call adds to its process: the peak of what is resident, above what was resident before.

Only the standard library, so that any interpreter can import it.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def added_mib() -> Iterator[list[float]]:
    """The list gets one number when the block ends.

    On Linux the kernel's high-water mark is set back first. Elsewhere the mark is that of the whole process, and what
    a block adds below an earlier peak is not seen.
    """
    added: list[float] = []
    before = _reset_peak()
    yield added
    added.append((_peak_bytes() - before) / 2**20)


def _reset_peak() -> int:
    try:
        _CLEAR.write_text("5")
    except OSError:
        return _peak_bytes()
    return _status("VmRSS")


def _peak_bytes() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status(key: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024
