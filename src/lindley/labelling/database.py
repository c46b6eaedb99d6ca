"""A project's database: one thread writes, and every reader has a connection of its own."""

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
from lindley.labelling.sql import Storage, sa, translate_errors
from lindley.labelling.sqlite import SqliteFile
from lindley.labelling.tables import item, read_all_meta, read_meta
from lindley.labelling.writer import Writer

T = TypeVar("T")


def create_database(place: Path | Storage, *, seed: int = 0) -> None:
    """Make the database of a new project. One whose first items never came is taken over.

    Args:
        place: Its file, or where else it lies.
        seed: Seed of the order of items.

    Raises:
        InputError: If there is a project with items.
    """
    storage = _storage_of(place)
    storage.path.parent.mkdir(parents=True, exist_ok=True)
    engine = storage.open_engine(writes=True)
    try:
        with translate_errors(storage), engine.begin() as connection:
            storage.begin_anew(connection)
            create_tables(connection, seed=seed)
            if connection.scalar(sa.select(item.c.id).where(item.c.ready).limit(1)) is not None:
                raise InputError(
                    f"There is a labelling project at {storage.describe()} already. Name another one.", argument="path"
                )
    finally:
        engine.dispose()


class Database:
    """An open database; several processes may have it open.

    Args:
        place: Its file, or where else it lies.
        clock: Monotonic seconds, for leases.
        busy_seconds: How long to wait for another process that writes.
        max_pages: The largest size of an SQLite file in pages of the database; None: any.

    Raises:
        InputError: If there is no such file.
        JournalError: If it is no database of a project, is of a newer version, or cannot be reached.
        HeldError: If another process writes for longer than the store waits.
    """

    def __init__(
        self,
        place: Path | Storage,
        *,
        clock: Callable[[], float] = time.monotonic,
        busy_seconds: float = 5.0,
        max_pages: int | None = None,
    ) -> None:
        self._storage = storage = _storage_of(place)
        storage.check()
        self.path = storage.path
        writes = storage.open_engine(writes=True, busy_seconds=busy_seconds, max_pages=max_pages)
        try:
            with translate_errors(storage):
                migrate(writes, storage)
        except BaseException:
            writes.dispose()
            raise
        self._engine = storage.open_engine(busy_seconds=busy_seconds)
        self._clock = StoreClock(clock, self.read(lambda connection: float(read_meta(connection, "clock"))))
        self.writer = Writer(writes, storage)

    def read(self, function: Callable[[sa.Connection], T]) -> T:
        """Run a function in a transaction that reads one moment of the database. Keep it short: writers wait."""
        with translate_errors(self._storage), self._engine.begin() as connection:
            return function(connection)

    def moment(self, connection: sa.Connection) -> Moment:
        """Return what a transaction of the writer knows at its beginning."""
        meta = read_all_meta(connection)
        return Moment(self._clock.read(connection, float(meta["clock"])), meta)

    def back_up(self, path: Path) -> None:
        """Write a copy of the database, as one moment has it, to a file that does not exist."""
        with translate_errors(self._storage):
            self._storage.back_up(self._engine, path)

    def close(self) -> None:
        """Finish what was asked for, and close the database."""
        with suppress(JournalError):  # it is closed already, or cannot be written: then some time is not counted

            def save_time(connection: sa.Connection) -> None:
                self.moment(connection)
                self._clock.save(connection)

            self.writer.run(save_time)
        self.writer.close()
        self._engine.dispose()


def _storage_of(place: Path | Storage) -> Storage:
    return SqliteFile(place) if isinstance(place, Path) else place
