"""Adding items: block by block, each in a transaction of its own, and visible only once all are there.

An addition that was killed leaves rows that are not ready; the next addition deletes them and begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lindley.errors import InputError
from lindley.labelling.records import Entry, Item, Stream
from lindley.labelling.sql import sa
from lindley.labelling.tables import entry, item, read_meta, write_meta
from lindley.labelling.writer import Writer
from lindley.seeds import derive_seed
from lindley.session.locks import FileLock

_BLOCK = 2000
_other = item.alias("other")
T = TypeVar("T")


class Addition:
    """Adds what was found in a source to a project (a context manager): all of it once `finish` returns, else nothing.

    Args:
        writer: The writer of the store.
        path: The database. One process at a time may add to it.
        need: The number of people who shall label each item.
        double_share: The share of the items, drawn at random, that one more person shall label.

    Raises:
        HeldError: If another process adds items.
    """

    def __init__(self, writer: Writer, path: Path, *, need: int = 1, double_share: float = 0.0) -> None:
        if need < 1:
            raise InputError(argument="need", expected="at least 1", got=need)
        self._writer, self._need, self._double_share = writer, need, double_share
        self._lock = FileLock(path.with_name(path.name + ".adding"), timeout=0.0)
        try:
            self._next, self._seed = writer.run(_begin)
        except BaseException:
            self._lock.release()
            raise

    def add(self, found: Iterable[tuple[Entry, Item | None]]) -> None:
        """Store each entry, with its item where that is new; an item's id is the next row.

        Raises:
            InputError: If an id of an item is not the next row; blocks before it are stored, and do not count.
        """
        for block in _blocks(found, _BLOCK):
            new = [each for _, each in block if each is not None]
            if [each.id for each in new] != [*range(self._next, self._next + len(new))]:
                raise InputError(
                    argument="items", expected=f"numbered from {self._next} on", got=[each.id for each in new][:10]
                )
            items = [self._item_row(each) for each in new]
            entries = [{"place": e.place, "item": e.item, "reason": e.reason, "ready": False} for e, _ in block]
            self._writer.run(lambda connection, rows=(items, entries): _insert(connection, *rows))  # type: ignore[misc]
            self._next += len(new)

    def finish(self, placements: Mapping[int, tuple[int, Stream]] | None = None) -> int:
        """Make all that was added visible at once, and return the number of items of the project.

        Args:
            placements: By new item its group and its stream, where they were not known when it was added.
        """
        places = [{"which": each, "group": group, "to": to} for each, (group, to) in (placements or {}).items()]
        self._writer.run(lambda connection: _finish(connection, places))
        return self._next

    def close(self) -> None:
        """Let others add; what was not finished does not count."""
        self._lock.release()

    def __enter__(self) -> Addition:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _item_row(self, each: Item) -> dict[str, Any]:
        order_key = derive_seed(self._seed, "order", each.hash)
        values = {"id": each.id, "hash": each.hash, "content": each.content, "source": each.source}
        values |= {"meta": dict(each.meta), "grp": each.group, "stream": each.stream, "order_key": order_key}
        is_double = derive_seed(self._seed, "double", each.hash) < self._double_share * 2**63
        return {**values, "need": self._need + is_double, "open": 0, "ready": False}


def _begin(connection: sa.Connection) -> tuple[int, int]:
    """Delete what a killed addition left; return the next id of an item, and the project's seed."""
    connection.execute(entry.delete().where(~entry.c.ready))
    connection.execute(item.delete().where(~item.c.ready))
    last = connection.scalar(sa.select(sa.func.max(item.c.id)))
    return 0 if last is None else last + 1, int(read_meta(connection, "seed"))


def _insert(connection: sa.Connection, items: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    if items:
        connection.execute(item.insert(), items)
    connection.execute(entry.insert(), entries)


def _finish(connection: sa.Connection, places: list[dict[str, Any]]) -> None:
    need = connection.scalar(sa.select(sa.func.max(item.c.need)).where(~item.c.ready))
    write_meta(connection, "most_need", max(need or 1, read_meta(connection, "most_need")))
    if places:
        new = item.update().where(item.c.id == sa.bindparam("which"), ~item.c.ready)
        connection.execute(new.values(grp=sa.bindparam("group"), stream=sa.bindparam("to")), places)
    audited = sa.select(_other.c.grp).where(_other.c.stream == "audit")  # one may have begun since it was placed
    connection.execute(item.update().where(~item.c.ready, item.c.grp.in_(audited)).values(stream="excluded"))
    connection.execute(item.update().where(~item.c.ready).values(ready=True, open=item.c.need))
    connection.execute(entry.update().where(~entry.c.ready).values(ready=True))


def _blocks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while block := list(islice(iterator, size)):
        yield block
