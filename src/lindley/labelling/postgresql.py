"""A project's database in PostgreSQL, for storage that machines share; the driver is pg8000 (extra `postgres`).

A project has a schema of its own. One transaction writes at a time, of all processes, as in SQLite: else an event could
become visible after one of a larger number, and whoever reads on from there would miss it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from platform import node
from typing import Any, final

from lindley.errors import HeldError, InputError, JournalError
from lindley.labelling.sql import sa, translate_errors
from lindley.text import is_line

SCHEMA = "lindley"
"""The schema of a project whose address names none."""
_DRIVER = "postgresql+pg8000"
_LOCK_CODE = "55P03"
_TEXT_CODES = ("22021", "22P05")
_CONSTRAINTS = "23"
"""The class of the codes of broken constraints."""


@final
class PostgresqlDatabase:
    """A schema of a PostgreSQL database that holds a project.

    Args:
        url: The address, as `check_url` returns it.
        path: The name beside which locks and backups lie, in the project's folder.
    """

    def __init__(self, url: str, path: Path) -> None:
        self.path, self._name = path.absolute(), url
        parsed = sa.make_url(url)
        self._schema = str(parsed.query.get("schema", SCHEMA))
        self._url = parsed.set(drivername=_DRIVER, query={}, password=find_password(parsed))

    def check(self) -> None:
        """Do nothing: a database that is not there is found when it is opened."""

    def open_engine(
        self, *, writes: bool = False, busy_seconds: float = 5.0, max_pages: int | None = None
    ) -> sa.Engine:
        """See `Storage`. A transaction that reads sees one moment, and changes nothing."""
        try:
            engine = sa.create_engine(
                self._url,
                pool_pre_ping=True,
                use_insertmanyvalues=True,
                isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
                connect_args={"application_name": "lindley"},
            )
        except ModuleNotFoundError:
            raise InputError(
                'A project in PostgreSQL requires pg8000, which is not installed: pip install "lindley[postgres]"',
                argument="database",
            ) from None

        def set_up(connection: Any, _: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SET search_path TO {_quote(self._schema)}")
            cursor.execute(f"SET lock_timeout = {busy_seconds * 1000:.0f}")
            cursor.close()
            connection.commit()

        sa.event.listen(engine, "connect", set_up, insert=True)
        if writes:
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(_TAKE_TURN))
        return engine

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Hold the schema while a project is made in it; see `Storage`. A process that is killed holds it no longer."""
        from lindley.labelling.tables import metadata

        engine = self.open_engine()
        try:
            with translate_errors(self), engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")  # a lock of the session, not a transaction's
                self._take(connection)
                try:
                    yield
                except Exception:
                    metadata.drop_all(connection)
                    raise
                connection.execute(_reservation.update().values(is_made=True))
        finally:
            engine.dispose()  # ends the session, and with it the lock

    def _take(self, connection: sa.Connection) -> None:
        """Take the schema for this project. Raise InputError where it is another's."""
        is_ours = connection.scalar(_TRY_RESERVE, {"schema": self._schema})
        if is_ours:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_quote(self._schema)}")
            _reservation.create(connection, checkfirst=True)
        owner = (
            connection.execute(_OWNER).one_or_none() if sa.inspect(connection).has_table(_reservation.name) else None
        )
        is_made = _has_items(connection) if owner is None else owner.is_made
        if is_made or not is_ours:
            found = "holds" if is_made else "is being filled with"
            project = "a project" if owner is None else f"the project {owner.project}"
            raise InputError(
                f"{self._name} {found} the labels of {project} already. Name a schema of its own: ?schema=NAME at the "
                "end of the address.",
                argument="database",
                got=self._name,
            )
        connection.execute(_reservation.delete())
        connection.execute(_reservation.insert(), {"project": f"{self.path.parent} on {node()}", "is_made": False})

    def begin_anew(self, connection: sa.Connection) -> None:
        """Make the schema, and remove what an interrupted init left in it."""
        from lindley.labelling.tables import metadata

        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_quote(self._schema)}")
        reserved = sa.inspect(connection).has_table(_reservation.name)
        is_unfinished = reserved and connection.scalar(sa.select(sa.func.count()).where(~_reservation.c.is_made))
        if is_unfinished or not _has_items(connection):
            metadata.drop_all(connection)
        has_icu = connection.exec_driver_sql("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'").scalar()
        text = '$1 COLLATE "und-x-icu"' if has_icu else "$1"
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION unicode_lower(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT "
            f"AS 'SELECT lower({text})'"
        )

    def back_up(self, engine: sa.Engine, path: Path) -> None:
        """Write a whole copy to an SQLite file; see `Storage`."""
        from lindley.labelling.table_copy import copy_to_sqlite

        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
            copy_to_sqlite(connection, path)

    def explain(self, error: sa.exc.DBAPIError) -> Exception:
        """Return an error as lindley's own; a broken constraint as an IntegrityError."""
        details = error.orig.args[0] if error.orig is not None and error.orig.args else {}
        code, reason = (details.get("C", ""), details.get("M", "")) if isinstance(details, dict) else ("", str(details))
        if code.startswith(_CONSTRAINTS):
            return sa.exc.IntegrityError(error.statement, error.params, error.orig or error)
        if code == _LOCK_CODE:
            return HeldError(
                f"{self._name}: another process has been writing for too long. Nothing was stored; try again.",
                path=self._name,
            )
        if code in _TEXT_CODES:
            return InputError("A text holds a NUL character, which PostgreSQL cannot store.")
        return JournalError(
            f"{self._name} cannot be used ({reason}); it stands as before. See whether the server runs, and whether "
            "PGPASSWORD or ~/.pgpass holds the password.",
            path=self._name,
        )

    def describe(self) -> str:
        """Return the address, which holds no password."""
        return self._name


def check_url(url: str) -> str:
    """Return the address of a database.

    Raises:
        InputError: If it is none of PostgreSQL, names no database, or holds a password; the message does not show it.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is not None and parsed.password is not None:
        raise InputError(
            "The address holds a password, which would stand in project.toml. Leave it out, and put it into the "
            "variable PGPASSWORD or the file ~/.pgpass.",
            argument="database",
        )
    known = parsed is not None and parsed.drivername in ("postgresql", "postgres") and {*parsed.query} <= {"schema"}
    if parsed is None or not known or not parsed.database or not is_line(url) or len(_schema_of(parsed)) > 60:
        raise InputError(
            argument="database", expected="an address such as postgresql://user@host/database?schema=name", got=url
        )
    return parsed.set(drivername="postgresql").render_as_string()


def append_only_triggers(table: str) -> list[str]:
    """Return the statements that have a table refuse UPDATE, DELETE and TRUNCATE."""
    function = f"{table}_is_append_only"
    return [
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        f"'{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {function} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    ]


def find_password(url: sa.URL) -> str | None:
    """Return the password of an address, as PostgreSQL's own programs find it; None where there is none."""
    if (found := os.environ.get("PGPASSWORD")) is not None:
        return found
    path = Path(os.environ.get("PGPASSFILE", Path.home() / ".pgpass"))
    try:
        if os.name != "nt" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return None  # others may read it: PostgreSQL's programs leave it alone too
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    wanted = (url.host or "localhost", str(url.port or 5432), url.database, url.username)
    for line in lines:
        fields = _split_passfile(line)
        if len(fields) == 5 and all(given in ("*", value) for given, value in zip(fields, wanted, strict=False)):
            return fields[4]
    return None


def _split_passfile(line: str) -> list[str]:
    r"""Return the fields of a line of .pgpass, in which a backslash keeps a colon.

    >>> _split_passfile(r"host:5432:*:me:a\:b")
    ['host', '5432', '*', 'me', 'a:b']
    """
    fields, escaped = [""], False
    for each in line:
        if each == ":" and not escaped and len(fields) < 5:
            fields.append("")
        elif each == "\\" and not escaped:
            escaped = True
            continue
        else:
            fields[-1] += each
        escaped = False
    return fields


def _has_items(connection: sa.Connection) -> bool:
    """Return whether a project was made here: its first items came."""
    from lindley.labelling.tables import item

    has_table = sa.inspect(connection).has_table(item.name)
    return has_table and connection.scalar(sa.select(item.c.id).where(item.c.ready).limit(1)) is not None


def _schema_of(url: sa.URL) -> str:
    return str(url.query.get("schema", SCHEMA))


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_reservation = sa.Table(
    "reservation",
    sa.MetaData(),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("is_made", sa.Boolean, nullable=False),
)
"""The project of a schema: its folder, and whether it is whole."""
_OWNER = sa.select(_reservation)
_TRY_RESERVE = sa.text("SELECT pg_try_advisory_lock(hashtext('lindley init'), hashtext(:schema))")
_TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('lindley'), hashtext(current_schema()))"
