"""A project's database in an SQLite file: how its connections are opened, its triggers, its backup, its errors."""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import final

from lindley.errors import HeldError, InputError, JournalError
from lindley.files import sync_folder
from lindley.labelling.sql import sa

_SAFE_PATCHES = {(3, 44): 6, (3, 50): 7}
_VERSION = sqlite3.sqlite_version_info[:3]


@final
class SqliteFile:
    """A file that holds a project.

    Args:
        path: The file.
        version: The version of SQLite, which decides on the journal mode.
    """

    def __init__(self, path: Path, *, version: tuple[int, int, int] = _VERSION) -> None:
        self.path, self._version = path.absolute(), version

    def check(self) -> None:
        """Raise InputError where the file is missing."""
        if not self.path.is_file():
            raise InputError(
                f"{self.path} is missing, which holds the labels of a project. "
                "Restore a backup: lindley restore FILE DIR",
                argument="path",
                got=str(self.path),
            )

    def open_engine(
        self, *, writes: bool = False, busy_seconds: float = 5.0, max_pages: int | None = None
    ) -> sa.Engine:
        """See `Storage`. A writer's turn is taken at once: who reads first could not wait for another writer."""
        path, begin = self.path, "BEGIN IMMEDIATE" if writes else "BEGIN"
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
        mode, synchronous = ("wal", "FULL") if wal_is_safe(self._version) else ("delete", "EXTRA")

        def set_up(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None  # sqlite3 begins no transactions of its own
            connection.execute(f"PRAGMA busy_timeout = {busy_seconds * 1000:.0f}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.create_function("unicode_lower", 1, _lower, deterministic=True)
            connection.execute("PRAGMA recursive_triggers = ON")  # else INSERT OR REPLACE deletes without a trigger
            if max_pages is not None:
                connection.execute(f"PRAGMA max_page_count = {max_pages}")
            if _journal_mode(connection, "") != mode and _journal_mode(connection, f" = {mode}") != mode:
                raise HeldError(
                    f"{path} is open in another process whose SQLite uses another journal mode. End that process "
                    "first.",
                    path=path,
                )
            connection.execute(f"PRAGMA synchronous = {synchronous}")

        sa.event.listen(engine, "connect", set_up)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def reserve(self) -> AbstractContextManager[None]:
        """Do nothing: whoever makes a project holds its folder, and the file is in it."""
        return nullcontext()

    def begin_anew(self, connection: sa.Connection) -> None:
        """Do nothing: a new file is empty."""

    def back_up(self, engine: sa.Engine, path: Path) -> None:
        """Write a whole copy; see `Storage`.

        The file itself is never opened beside SQLite: its locks are lost where one process closes the file.
        """
        temporary = path.with_name(path.name + ".partial")
        temporary.unlink(missing_ok=True)
        connection = engine.raw_connection()  # without a transaction, which every other connection begins with
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(temporary),))
        except sqlite3.DatabaseError as error:
            temporary.unlink(missing_ok=True)
            raise sa.exc.OperationalError("VACUUM INTO", None, error) from error
        finally:
            connection.close()
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)

    def explain(self, error: sa.exc.DBAPIError) -> Exception:
        """Return an error as lindley's own: HeldError where another process writes, else JournalError."""
        reason = str(error.orig)
        if "locked" in reason:
            return HeldError(
                f"{self.path}: another process has been writing for too long. Nothing was stored; try again.",
                path=self.path,
            )
        remedy = "Free space on the disk." if "full" in reason else "Restore a backup if it stays so."
        return JournalError(f"{self.path} cannot be used ({reason}); it stands as before. {remedy}", path=self.path)

    def describe(self) -> str:
        """Return the path of the file."""
        return str(self.path)


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite has no race of two connections that corrupts a database in WAL mode.

    It was mended in 3.51.3, and in 3.50.7 and 3.44.6 of the older lines.

    >>> wal_is_safe((3, 40, 1)), wal_is_safe((3, 44, 6)), wal_is_safe((3, 51, 2)), wal_is_safe((3, 52, 0))
    (False, True, False, True)
    """
    return version >= (3, 51, 3) or version[2] >= _SAFE_PATCHES.get(version[:2], version[2] + 1)


def append_only_triggers(table: str) -> list[str]:
    """Return the statements that have a table refuse UPDATE and DELETE."""
    return [
        f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for change in ("UPDATE", "DELETE")
    ]


def _lower(text: str) -> str:
    return text.lower()


def _journal_mode(connection: sqlite3.Connection, change: str) -> str:
    try:
        return str(connection.execute(f"PRAGMA journal_mode{change}").fetchone()[0])
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return "locked"
