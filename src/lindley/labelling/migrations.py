"""The version of a database's tables: made anew, brought up to date after a backup, or refused where it is newer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from lindley.errors import JournalError
from lindley.labelling.records import Stream
from lindley.labelling.sql import Storage, sa
from lindley.labelling.tables import meta, metadata, read_meta, tally, write_meta

Migration = Callable[[sa.Connection], None]

MIGRATIONS: Sequence[Migration] = ()
"""The changes of tables since version 1, in order: the first makes version 2 of version 1."""


def create_tables(connection: sa.Connection, *, seed: int) -> None:
    """Make the tables of the newest version in an empty database; nothing where they are there already."""
    if sa.inspect(connection).has_table(meta.name):
        return
    metadata.create_all(connection)
    values = {"schema_version": 1 + len(MIGRATIONS), "seed": seed, "clock": 0.0, "epoch": 0, "model_version": None}
    values |= {"most_need": 1, "audit": False, "split": False}
    connection.execute(meta.insert(), [{"key": key, "value": value} for key, value in values.items()])
    connection.execute(tally.insert(), [{"stream": stream, "labels": 0, "labelled": 0} for stream in get_args(Stream)])


def migrate(engine: sa.Engine, storage: Storage, migrations: Sequence[Migration] = MIGRATIONS) -> Path | None:
    """Bring a database up to date, all in one transaction, after a backup beside it.

    Args:
        engine: Opens the database for writing.
        storage: The database.
        migrations: The changes since version 1.

    Returns:
        The backup; None where nothing was to be done.

    Raises:
        JournalError: If the file is no labelling project, or of a newer version.
    """
    newest = 1 + len(migrations)
    with engine.begin() as connection:
        found = read_version(connection, storage)
    if found > newest:
        raise JournalError(
            f"{storage.describe()} was written by a newer version of lindley (tables {found}; this one knows "
            f"{newest}): pip install --upgrade lindley, or open a backup of the older version.",
            path=storage.path,
            entry="schema_version",
        )
    if found == newest:
        return None
    backup = storage.path.with_name(f"{storage.path.name}.version-{found}")
    storage.back_up(engine, backup)
    with engine.begin() as connection:
        for change in migrations[read_version(connection, storage) - 1 :]:  # another process may have been faster
            change(connection)
        write_meta(connection, "schema_version", newest)
    return backup


def read_version(connection: sa.Connection, storage: Storage) -> int:
    """Return the version of the tables. Raise JournalError where there is none."""
    if sa.inspect(connection).has_table(meta.name):
        version = read_meta(connection, "schema_version")
        if isinstance(version, int):
            return version
    raise JournalError(
        f"{storage.describe()} is no database of a labelling project. Name the folder that init made.",
        path=storage.path,
    )
