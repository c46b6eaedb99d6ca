"""Showing how far a file has been read, where that takes longer than a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lindley.acquisition.checks import checks_its_values
from lindley.apps.console import PlainConsole
from lindley.apps.progress import STATUS_EVERY
from lindley.contracts import Predictions
from lindley.shapes import LogProbs, Positions

PATIENCE = 1.0
"""Seconds before anything is shown."""

Told = Callable[[int, int], None]
"""Called with the pass over the rows (from 1) and how many of them it has read."""


@final
class WatchedPredictions:
    """The predictions, telling of every chunk that is read."""

    def __init__(self, predictions: Predictions, told: Told) -> None:
        self.rows, self.draws_id = predictions.rows, predictions.draws_id
        self.values_checked = checks_its_values(predictions)
        self._predictions, self._told = predictions, told
        self._passes = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return self._predictions.shape

    def chunks(self) -> Iterator[LogProbs]:
        """[n, K, C] in the order of rows."""
        self._passes += 1
        number, count = self._passes, 0
        for chunk in self._predictions.chunks():
            count += len(chunk)
            self._told(number, count)
            yield chunk

    def take(self, positions: Positions) -> LogProbs:
        """[b] -> [b, K, C], in that order."""
        return self._predictions.take(positions)


@contextmanager
def showing_rows(num_rows: int, console: PlainConsole) -> Iterator[Told]:
    """A callable for WatchedPredictions; what it is told is shown, from PATIENCE seconds on, while the block lasts."""
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
