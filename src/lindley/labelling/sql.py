"""SQLAlchemy, statements for many values, and the border to a database: `sqlite.py` and `postgresql.py` are behind it.

This is the one place that imports SQLAlchemy (extra `label`); others take `sa` from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lindley.errors import InputError

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    raise InputError(
        'A labelling project requires SQLAlchemy, which is not installed: pip install "lindley[label]"',
        argument="sqlalchemy",
    ) from None

__all__ = [
    "Row",
    "Storage",
    "contains_word",
    "parameter",
    "sa",
    "select_in",
    "select_rows",
    "translate_errors",
]

if TYPE_CHECKING:
    Row = sa.Row[Any]
else:
    Row = object  # a generic class of SQLAlchemy that a check of types at run time stumbles over

_BLOCK = 500


@runtime_checkable
class Storage(Protocol):
    """A database that holds a project, and all that only its kind does."""

    @property
    def path(self) -> Path:
        """The file of the database, or the name beside which its files would lie: locks and backups."""
        ...

    def check(self) -> None:
        """Raise InputError where there is no database."""
        ...

    def open_engine(
        self, *, writes: bool = False, busy_seconds: float = 5.0, max_pages: int | None = None
    ) -> sa.Engine:
        """Return an engine whose connections are set up, and whose transactions read one moment.

        Args:
            writes: Whether transactions take the right to write when they begin: then one at a time runs, of all
                processes, so that events are seen in the order of their numbers.
            busy_seconds: How long to wait for another process that writes.
            max_pages: The largest size of the database in pages, where its kind has any; None: any.
        """
        ...

    def reserve(self) -> AbstractContextManager[None]:
        """Hold the database while a project is made in it; after an error nothing of that is left.

        Raises InputError if it holds a project already, or another process makes one in it.
        """
        ...

    def begin_anew(self, connection: sa.Connection) -> None:
        """Prepare an empty database, where its kind must be prepared; what an interrupted init left is removed."""
        ...

    def back_up(self, engine: sa.Engine, path: Path) -> None:
        """Write a whole copy of the database to an SQLite file that does not exist, as one moment has it."""
        ...

    def explain(self, error: sa.exc.DBAPIError) -> Exception:
        """Return an error of the database as lindley's own; a broken constraint as an IntegrityError."""
        ...

    def describe(self) -> str:
        """Return the name of the database for messages."""
        ...


def contains_word(column: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text contains a word, which is in small letters, whatever its own case.

    The database's own function is fast and may know ASCII only; `unicode_lower` is made for each kind of database.
    """
    lower = sa.func.lower if word.isascii() else sa.func.unicode_lower
    return lower(column).contains(word, autoescape=True)


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
    statement: sa.Executable,
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
def translate_errors(storage: Storage) -> Iterator[None]:
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
        raise storage.explain(error) from error
