"""SQLAlchemy, and all that is SQLite's own: how its connections are opened, its triggers, its backup, its errors.

This is the one place that imports SQLAlchemy (extra `label`); others take `sa` from here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lindley.errors import HeldError, InputError, JournalError
from lindley.files import sync_folder

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    raise InputError(
        'A labelling project requires SQLAlchemy, which is not installed: pip install "lindley[label]"',
        argument="sqlalchemy",
    ) from None

__all__ = [
    "Row",
    "add_triggers",
    "back_up",
    "contains_word",
    "open_engine",
    "parameter",
    "sa",
    "select_in",
    "select_rows",
    "translate_errors",
    "wal_is_safe",
]

if TYPE_CHECKING:
    Row = sa.Row[Any]
else:
    Row = object  # a generic class of SQLAlchemy that a check of types at run time stumbles over

_BLOCK = 500
_SAFE_PATCHES = {(3, 44): 6, (3, 50): 7}


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite has no race of two connections that corrupts a database in WAL mode.

    It was mended in 3.51.3, and in 3.50.7 and 3.44.6 of the older lines.

    >>> wal_is_safe((3, 40, 1)), wal_is_safe((3, 44, 6)), wal_is_safe((3, 51, 2)), wal_is_safe((3, 52, 0))
    (False, True, False, True)
    """
    return version >= (3, 51, 3) or version[2] >= _SAFE_PATCHES.get(version[:2], version[2] + 1)


def open_engine(
    path: Path,
    *,
    writes: bool = False,
    version: tuple[int, int, int] = sqlite3.sqlite_version_info[:3],
    busy_seconds: float = 5.0,
    max_pages: int | None = None,
) -> sa.Engine:
    """Return an engine for the database file: each of its connections is set up, and each transaction begins itself.

    Args:
        path: The file.
        writes: Whether transactions take the right to write when they begin, and not at the first change: a
            transaction that reads first could not wait for another writer.
        version: The version of SQLite, which decides on the journal mode.
        busy_seconds: How long to wait for another process that writes.
        max_pages: The largest size of the file in pages; None: any.
    """
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    mode, synchronous = ("wal", "FULL") if wal_is_safe(version) else ("delete", "EXTRA")

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
                f"{path} is open in another process whose SQLite uses another journal mode. End that process first.",
                path=path,
            )
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    sa.event.listen(engine, "connect", set_up)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def contains_word(column: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text contains a word, which is in small letters, whatever its own case.

    SQLite's function is fast and knows ASCII only; ours calls Python for each row.
    """
    lower = sa.func.lower if word.isascii() else sa.func.unicode_lower
    return lower(column).contains(word, autoescape=True)


def add_triggers(table: sa.Table) -> None:
    """Have a table refuse UPDATE and DELETE, from its creation on."""
    for change in ("UPDATE", "DELETE"):
        trigger = (
            f"CREATE TRIGGER {table.name}_refuses_{change.lower()} BEFORE {change} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
        )
        ddl = sa.DDL(trigger).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]
        sa.event.listen(table, "after_create", ddl)


def back_up(engine: sa.Engine, path: Path) -> None:
    """Write a whole copy of the database to a file that does not exist, as one moment has it.

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


def parameter(name: str, *, many: bool = False) -> sa.BindParameter[Any]:
    """Return a parameter of a statement: one value, or `many` of them for IN."""
    return sa.bindparam(name, expanding=many)


def select_in(
    connection: sa.Connection,
    statement: sa.Select[Any],
    values: Iterable[object],
    others: Mapping[str, object] = MappingProxyType({}),
) -> dict[Any, Row]:
    """Return the rows by their first column, of a statement that has a parameter `values` for that column.

    Args:
        connection: Any transaction.
        statement: The statement.
        values: The values, as many as there are: a database takes only some at a time.
        others: The other parameters.
    """
    return {row[0]: row for row in select_rows(connection, statement, values, others)}


def select_rows(
    connection: sa.Connection,
    statement: sa.Select[Any],
    values: Iterable[object],
    others: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[Row]:
    """Yield the rows of a statement that has a parameter `values`, those of one value together.

    Args:
        connection: Any transaction.
        statement: The statement.
        values: The values, as many as there are: a database takes only some at a time.
        others: The other parameters.
    """
    wanted = list(dict.fromkeys(values))
    for start in range(0, len(wanted), _BLOCK):
        yield from connection.execute(statement, {**others, "values": wanted[start : start + _BLOCK]})


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise errors of the database as lindley's own: HeldError where another process writes, JournalError for the rest.

    Text that holds half of a character is an InputError.
    """
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except UnicodeEncodeError as error:
        raise InputError(f"A text holds half of a character, and cannot be stored: {error.object!r}.") from None
    except sa.exc.DBAPIError as error:
        reason = str(error.orig)
        if "locked" in reason:
            raise HeldError(
                f"{path}: another process has been writing for too long. Nothing was stored; try again.",
                path=path,
            ) from error
        remedy = "Free space on the disk." if "full" in reason else "Restore a backup if it stays so."
        raise JournalError(f"{path} cannot be used ({reason}); it stands as before. {remedy}", path=path) from error


def _lower(text: str) -> str:
    return text.lower()


def _journal_mode(connection: sqlite3.Connection, change: str) -> str:
    try:
        return str(connection.execute(f"PRAGMA journal_mode{change}").fetchone()[0])
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return "locked"
