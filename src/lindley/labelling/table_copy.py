"""All tables of a project copied from one database into another: a backup is an SQLite file, also of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from lindley.files import sync_folder
from lindley.labelling.migrations import migrate
from lindley.labelling.sql import Storage, sa, translate_errors
from lindley.labelling.sqlite import SqliteFile
from lindley.labelling.tables import class_, metadata

_BLOCK = 1000


def copy_to_sqlite(connection: sa.Connection, path: Path) -> None:
    """Copy all tables into an SQLite file that does not exist, whole or not at all.

    Args:
        connection: A transaction that sees one moment.
        path: The file.
    """
    temporary = path.with_name(path.name + ".partial")
    temporary.unlink(missing_ok=True)
    engine = SqliteFile(temporary).open_engine(writes=True)
    try:
        with engine.begin() as target:
            metadata.create_all(target)
            copy_tables(connection, target)
    except BaseException:
        engine.dispose()
        temporary.unlink(missing_ok=True)
        raise
    engine.dispose()
    temporary.replace(path)
    sync_folder(path.parent)


def copy_from_sqlite(path: Path, storage: Storage) -> None:
    """Copy all tables of an SQLite file into a new database, whole or not at all.

    Args:
        path: The file; its tables are brought up to date first.
        storage: The database, which the caller has reserved.

    Raises:
        JournalError: If the file is of a newer version, or the database cannot be reached.
    """
    given, taken = SqliteFile(path).open_engine(writes=True), storage.open_engine(writes=True)
    try:
        migrate(given, SqliteFile(path))
        with translate_errors(storage), given.begin() as source, taken.begin() as target:
            storage.begin_anew(target)
            metadata.create_all(target)
            copy_tables(source, target)
    finally:
        given.dispose()
        taken.dispose()


def copy_tables(source: sa.Connection, target: sa.Connection) -> None:
    """Copy the rows of all tables into tables that are there and empty.

    Args:
        source: A transaction that sees one moment.
        target: A transaction that may write.
    """
    for table in metadata.sorted_tables:
        rows = _rows(source, table)
        while block := list(islice(rows, _BLOCK)):
            target.execute(table.insert(), block)
    merged = source.execute(sa.select(class_.c.id, class_.c.merged_into).where(class_.c.merged_into.is_not(None)))
    for number, into in merged:  # a class may be merged into one that comes later
        target.execute(class_.update().where(class_.c.id == number).values(merged_into=into))
    if target.dialect.name == "postgresql":
        _continue_numbers(target)


def _rows(source: sa.Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    order = [*table.primary_key.columns]
    with source.execution_options(yield_per=_BLOCK).execute(sa.select(table).order_by(*order)) as found:
        for row in found:
            yield {**row._mapping, **({"merged_into": None} if table is class_ else {})}


def _continue_numbers(target: sa.Connection) -> None:
    """Have the numbers that a database gives go on behind those that were copied."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            last = sa.select(sa.func.max(column)).scalar_subquery()
            target.execute(sa.select(sa.func.setval(sequence, last)).where(last.is_not(None)))
