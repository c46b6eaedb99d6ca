"""The progress of reading a file, shown where it takes longer than a second."""

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
from lindley.apps.progress_display import STATUS_EVERY
from lindley.contracts import Candidates, Chunk, T
from lindley.shapes import Rows

PATIENCE = 1.0
"""Seconds before anything is shown."""

OnRead = Callable[[int, int], None]
"""A callback that takes the pass over the rows (from 1) and the number of rows that this pass has read."""


@final
class WatchedCandidates:
    """Candidates that report every chunk that is read."""

    def __init__(self, candidates: Candidates, on_read: OnRead) -> None:
        self.rows, self.draws_id = candidates.rows, candidates.draws_id
        self.num_draws = candidates.num_draws
        self.values_checked = validates_values(candidates)
        self._candidates, self._on_read = candidates, on_read
        self._passes = 0

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, and report the number of rows that have been read."""
        self._passes += 1
        number, count = self._passes, 0
        for length, result in self._candidates.scan(partial(_apply_and_count, function)):
            count += length
            self._on_read(number, count)
            yield result

    def take(self, rows: Rows) -> Chunk:
        """See Candidates.take."""
        return self._candidates.take(rows)


def _apply_and_count(function: Callable[[Chunk], T], chunk: Chunk) -> tuple[int, T]:
    return len(chunk), function(chunk)


@contextmanager
def show_read_progress(
    num_rows: int, console: PlainConsole, *, patience: float = PATIENCE, status_every: float = STATUS_EVERY
) -> Iterator[OnRead]:
    """Yield a callback for WatchedCandidates, and show its progress while the block lasts.

    Args:
        num_rows: The number of rows in one pass.
        console: Where progress is shown.
        patience: Seconds before a terminal shows anything.
        status_every: Seconds between two lines where there is no terminal.
    """
    if not console.is_terminal:
        yield _line_printer(num_rows, console, status_every)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("opening", total=num_rows)

    def on_read(number: int, count: int) -> None:
        progress.update(task, description=_description(number, count, num_rows), completed=count)

    timer = threading.Timer(patience, progress.start)
    timer.start()
    try:
        yield on_read
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


def _line_printer(num_rows: int, console: PlainConsole, status_every: float) -> OnRead:
    last = time.monotonic()

    def on_read(number: int, count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= status_every:
            last = time.monotonic()
            console.print(_description(number, count, num_rows), soft_wrap=True)

    return on_read


def _description(number: int, count: int, num_rows: int) -> str:
    again = "" if number == 1 else f", pass {number}"
    return "choosing" if count == num_rows else f"read {count:,} of {num_rows:,} rows{again}"
