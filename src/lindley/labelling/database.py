"""The file of a project's database: one thread writes, and every reader has a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from lindley.errors import InputError, JournalError
from lindley.labelling.claims import Moment
from lindley.labelling.clock import StoreClock
from lindley.labelling.migrations import create_tables, migrate
from lindley.labelling.sql import back_up, open_engine, sa, translate_errors
from lindley.labelling.tables import item, read_all_meta, read_meta
from lindley.labelling.writer import Writer

T = TypeVar("T")


def create_database(path: Path, *, seed: int = 0) -> None:
    """Make the database of a new project. One whose first items never came is taken over.

    Args:
        path: The file.
        seed: Seed of the order of items.

    Raises:
        InputError: If there is a project with items.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = open_engine(path, writes=True)
    try:
        with translate_errors(path), engine.begin() as connection:
            create_tables(connection, seed=seed)
            if connection.scalar(sa.select(item.c.id).where(item.c.ready).limit(1)) is not None:
                raise InputError(
                    f"There is a labelling project at {path} already. Name another folder.", argument="path"
                )
    finally:
        engine.dispose()


class Database:
    """An open database; several processes may have it open.

    Args:
        path: The file.
        clock: Monotonic seconds, for leases.
        busy_seconds: How long to wait for another process that writes.
        max_pages: The largest size of the file in pages of the database; None: any.

    Raises:
        InputError: If there is no such file.
        JournalError: If it is no database of a project, or is of a newer version.
        HeldError: If another process writes for longer than the store waits.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        busy_seconds: float = 5.0,
        max_pages: int | None = None,
    ) -> None:
        if not path.is_file():
            raise InputError(
                f"{path} is missing, which holds the labels of a project. Restore a backup: lindley restore FILE DIR",
                argument="path",
                got=str(path),
            )
        self.path = path.absolute()
        writes = open_engine(self.path, writes=True, busy_seconds=busy_seconds, max_pages=max_pages)
        try:
            with translate_errors(self.path):
                migrate(writes, self.path)
        except BaseException:
            writes.dispose()
            raise
        self._engine = open_engine(self.path, busy_seconds=busy_seconds)
        self._clock = StoreClock(clock, self.read(lambda connection: float(read_meta(connection, "clock"))))
        self.writer = Writer(writes, self.path)

    def read(self, function: Callable[[sa.Connection], T]) -> T:
        """Run a function in a transaction that reads one moment of the database. Keep it short: writers wait."""
        with translate_errors(self.path), self._engine.begin() as connection:
            return function(connection)

    def moment(self, connection: sa.Connection) -> Moment:
        """Return what a transaction of the writer knows at its beginning."""
        meta = read_all_meta(connection)
        return Moment(self._clock.read(connection, float(meta["clock"])), meta)

    def back_up(self, path: Path) -> None:
        """Write a copy of the database, as one moment has it, to a file that does not exist."""
        with translate_errors(self.path):
            back_up(self._engine, path)

    def close(self) -> None:
        """Finish what was asked for, and close the database."""
        with suppress(JournalError):  # it is closed already, or cannot be written: then some time is not counted

            def save_time(connection: sa.Connection) -> None:
                self.moment(connection)
                self._clock.save(connection)

            self.writer.run(save_time)
        self.writer.close()
        self._engine.dispose()
