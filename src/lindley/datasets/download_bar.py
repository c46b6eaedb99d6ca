"""The progress bar of a download, drawn by rich on standard error."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from lindley.errors import DataError


@final
class DownloadBar:
    """The progress of one download, which ends above a limit of bytes."""

    def __init__(self, title: str, address: str, part: Path, *, limit: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._console = Console(stderr=True)
        self._progress = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        )
        self._task = self._progress.add_task(title, total=None)
        self._address, self._part, self._limit = address, part, limit

    def __enter__(self) -> DownloadBar:
        self._console.print(f"fetching {self._address}", soft_wrap=True, highlight=False, markup=False)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def total(self) -> int:
        """The number of bytes that the server announced; 0 where unknown."""
        return int(self._progress.tasks[0].total or 0)

    @total.setter
    def total(self, num_bytes: int) -> None:
        self._progress.update(self._task, total=num_bytes or None)

    def update(self, num_bytes: int) -> None:
        received = self._part.stat().st_size
        if received > self._limit:
            raise DataError(
                f"{self._address} sends more than {self._limit:,} bytes, which cannot be the file", path=self._part
            )
        self._progress.update(self._task, completed=received)
