"""Where the database of a project lies: in its folder, or where its settings say."""

from __future__ import annotations

from pathlib import Path

from lindley.labelling.postgresql import PostgresqlDatabase
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sql import Storage
from lindley.labelling.sqlite import SqliteFile

DATABASE = "project.db"
"""The name of the file of the database."""


def find_storage(folder: Path, settings: ProjectSettings) -> Storage:
    """Return the database of a project.

    Args:
        folder: The project's folder.
        settings: Its settings.
    """
    path = folder / DATABASE
    return PostgresqlDatabase(settings.database, path) if settings.database else SqliteFile(path)
