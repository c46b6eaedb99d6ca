"""Showing how far a file has been read, where that takes longer than a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lindley.acquisition.checks import validates_values
from lindley.apps.console import PlainConsole
from lindley.apps.progress import STATUS_EVERY
from lindley.contracts import Candidates, Chunk, T
from lindley.shapes import Rows

PATIENCE = 1.0
"""Seconds before anything is shown."""

Told = Callable[[int, int], None]
"""Called with the pass over the rows (from 1) and how many of them it has read."""


@final
class WatchedCandidates:
    """The candidates, telling of every chunk that is read."""

    def __init__(self, candidates: Candidates, told: Told) -> None:
        self.rows, self.draws_id = candidates.rows, candidates.draws_id
        self.num_draws = candidates.num_draws
        self.values_checked = validates_values(candidates)
        self._candidates, self._told = candidates, told
        self._passes = 0

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, and tell how many rows have been read."""
        self._passes += 1
        number, count = self._passes, 0
        for length, found in self._candidates.scan(partial(_with_length, function)):
            count += length
            self._told(number, count)
            yield found

    def take(self, rows: Rows) -> Chunk:
        """Return what is known of some rows, in that order."""
        return self._candidates.take(rows)


def _with_length(function: Callable[[Chunk], T], chunk: Chunk) -> tuple[int, T]:
    return len(chunk), function(chunk)


@contextmanager
def showing_rows(num_rows: int, console: PlainConsole) -> Iterator[Told]:
    """A callable for WatchedCandidates; what it is told is shown, from PATIENCE seconds on, while the block lasts."""
    if not console.is_terminal:
        yield _plain(num_rows, console)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("opening", total=num_rows)

    def told(number: int, count: int) -> None:
        doing = _doing(number, count, num_rows)
        progress.update(task, description=doing, completed=count)

    timer = threading.Timer(PATIENCE, progress.start)
    timer.start()
    try:
        yield told
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


def _plain(num_rows: int, console: PlainConsole) -> Told:
    """At most one line in STATUS_EVERY seconds."""
    last = time.monotonic()

    def told(number: int, count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= STATUS_EVERY:
            last = time.monotonic()
            console.print(_doing(number, count, num_rows), soft_wrap=True)

    return told


def _doing(number: int, count: int, num_rows: int) -> str:
    again = "" if number == 1 else f", pass {number}"
    return "choosing" if count == num_rows else f"read {count:,} of {num_rows:,} rows{again}"
