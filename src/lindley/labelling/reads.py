"""Reads of a store, page by page, so that no reader makes a writer wait for long; and its people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lindley.errors import InputError, format_rows
from lindley.labelling.audit_records import count_answered
from lindley.labelling.records import Entry, Item, ProjectEvent
from lindley.labelling.sql import Row, parameter, sa, select_in
from lindley.labelling.tables import (
    IS_OF_CLASS,
    audit,
    entry,
    event,
    item,
    lease,
    person,
    round_,
    select_meta,
    tally,
    touched,
)

Read = Callable[[Callable[[sa.Connection], Any]], Any]
_PAGE = 5000
LEARNED = ("label", "import", "adjudicate")
"""The kinds of events that give a label to learn from."""
SHOWN_REASONS = 10
"""The number of unreadable entries that a status lists."""


def read_items(read: Read, rows: Iterable[int] | None) -> Iterator[Item]:
    """Yield the items of these rows, in this order; None: all. Raises InputError for rows that are not there."""
    if rows is None:
        for row in _pages(read, _ITEMS, "id"):
            yield Item(**row._mapping)
        return
    iterator = iter(rows)
    while block := list(islice(iterator, _PAGE)):
        found = read(lambda connection: select_in(connection, _ITEMS_OF, block))
        if missing := [each for each in block if each not in found]:
            raise InputError(f"The items {format_rows(missing)} are not known.", argument="rows", rows=missing)
        for each in block:
            yield Item(**found[each]._mapping)


def read_column(read: Read, name: str) -> Iterator[tuple[int, Any]]:
    """Yield each item's id, in order, with its value of a column of the table."""
    statement = (
        sa.select(item.c.id, item.c[name].label("value"))
        .where(item.c.id > _after, item.c.ready)
        .order_by(item.c.id)
        .limit(_PAGE)
    )
    for row in _pages(read, statement, "id"):
        yield row.id, row.value


def read_other_streams(read: Read) -> Iterator[tuple[int, str]]:
    """Yield each item, in order, that is not of the training stream, with its stream: a third of all at most."""
    for row in _pages(read, _OTHER_STREAMS, "id"):
        yield row.id, row.stream


def read_entries(read: Read) -> Iterator[Entry]:
    """Yield one line for each thing found in the sources, in order."""
    for row in _pages(read, _ENTRIES, "id"):
        yield Entry(row.place, row.item, row.reason)


def read_events(read: Read, since_seq: int) -> Iterator[ProjectEvent]:
    """Yield the events after a place in their order."""
    for row in _pages(read, _EVENTS, "seq", since_seq):
        yield ProjectEvent(**{**row._mapping, "person": row.person or ""})


def count_entries(connection: sa.Connection) -> tuple[int, int, list[Entry]]:
    """Return the numbers of entries and of unreadable ones, and the first of the latter."""
    total, unreadable = connection.execute(_ENTRY_COUNTS).one()
    return total, unreadable, [Entry(row.place, None, row.reason) for row in connection.execute(_UNREADABLE)]


def read_leased(connection: sa.Connection) -> list[int]:
    """Return the items that somebody holds."""
    return list(connection.scalars(sa.select(lease.c.item).distinct().order_by(lease.c.item)))


def count_items(connection: sa.Connection) -> int:
    """Return the number of items."""
    last = connection.scalar(_LAST_ITEM)
    return 0 if last is None else last + 1


def read_last_seq(connection: sa.Connection) -> int:
    """Return the place of the last event; 0 before the first."""
    return connection.scalar(_LAST_SEQ) or 0


def read_streams_key(connection: sa.Connection) -> tuple[int, int]:
    """Return what changes whenever the stream of an item does: the numbers of items and of audits."""
    return count_items(connection), connection.scalar(_AUDITS) or 0


def count_new_answers(connection: sa.Connection, since_seq: int, kinds: Iterable[str]) -> int:
    """Return the number of events after a place from which a model learns: none is of an item that measures it.

    Args:
        connection: Any transaction.
        since_seq: The place.
        kinds: The kinds of these events.
    """
    return connection.scalar(_NEW_ANSWERS, {"after": since_seq, "kinds": list(kinds)}) or 0


def read_guideline(connection: sa.Connection) -> tuple[int, str]:
    """Return the version of the guideline and its text; 0 and "" where there is none."""
    row = connection.execute(_GUIDELINE).one_or_none()
    return (0, "") if row is None else (row.guideline_version, row.payload["text"])


@dataclass(frozen=True)
class Progress:
    """How far the labelling is, and the newest model."""

    labelled: int
    """The number of items that have a label."""
    items: int
    epoch: int
    version: str | None
    """The version of the model; None before the first."""
    labels_behind: int
    """The number of training labels that the newest round did not know."""
    audit: tuple[int, int] | None
    """The number of answered items of the audit that is under way, and of all its items; None without one."""
    classes_version: int
    """The place of the newest event of a class; 0 before the first."""


def read_progress(connection: sa.Connection) -> Progress:
    """Return how far the labelling is."""
    found = connection.execute(_PROGRESS, {"kinds": [*LEARNED]}).one()
    num_items = 0 if found.last is None else found.last + 1
    return Progress(
        labelled=int(found.labelled or 0),
        items=num_items,
        epoch=found.epoch,
        version=found.model_version,
        labels_behind=int(found.behind),
        audit=count_answered(connection) if found.audit else None,
        classes_version=found.classes_version or 0,
    )


def count_labels(connection: sa.Connection, person: str) -> int:
    """Return the number of items that a person has labelled, imported labels left out."""
    return connection.scalar(_LABELS, {"who": person}) or 0


def read_places(connection: sa.Connection, rows: Iterable[int]) -> dict[int, str]:
    """Return by item where it was found first."""
    return {number: row.place for number, row in select_in(connection, _PLACES, rows).items()}


def read_served(connection: sa.Connection, rows: Iterable[int]) -> dict[int, Row]:
    """Return by item its `content`, and the `place` where it was found first."""
    return select_in(connection, _SERVED, rows)


def read_history(connection: sa.Connection, person: str, before: int, kinds: Iterable[str]) -> list[Row]:
    """Return what a person did before a place in the order of events, newest first: a page of rows.

    Args:
        connection: Any transaction.
        person: The name of the person.
        before: The place.
        kinds: The kinds of the events.
    """
    return list(connection.execute(_HISTORY, {"who": person, "before": before, "kinds": list(kinds)}))


def put_person(connection: sa.Connection, name: str, token_hash: str | None, created: str) -> None:
    """Add a person, or give one another token.

    Args:
        connection: A transaction of the writer.
        name: The name of the person.
        token_hash: The hash of the token by which a request is known as theirs; None: they have none.
        created: The time, UTC.
    """
    known = connection.scalar(_PERSON, {"who": name}) is not None
    change = (
        person.update().where(person.c.name == name) if known else person.insert().values(name=name, created=created)
    )
    connection.execute(change.values(token_hash=token_hash))


def _pages(read: Read, statement: sa.Select[Any], key: str, after: int = -1) -> Iterator[Row]:
    """Yield the rows of a statement that has a parameter `after`, and orders by a key."""
    while page := read(lambda connection: connection.execute(statement, {"after": after}).all()):  # noqa: B023
        yield from page
        after = getattr(page[-1], key)


_after = parameter("after")
_COLUMNS = (
    item.c.id,
    item.c.hash,
    item.c.content,
    item.c.source,
    item.c.grp.label("group"),
    item.c.stream,
    item.c.meta,
)
_ITEMS = sa.select(*_COLUMNS).where(item.c.id > _after, item.c.ready).order_by(item.c.id).limit(_PAGE)
_OTHER_STREAMS = (
    sa.select(item.c.id, item.c.stream)
    .where(item.c.id > _after, item.c.ready, item.c.stream != "train")
    .order_by(item.c.id)
    .limit(_PAGE)
)
_ITEMS_OF = sa.select(*_COLUMNS).where(item.c.id.in_(parameter("values", many=True)), item.c.ready)
_ENTRIES = sa.select(entry).where(entry.c.id > _after, entry.c.ready).order_by(entry.c.id).limit(_PAGE)
_ENTRY_COUNTS = sa.select(sa.func.count(), sa.func.count(entry.c.reason)).where(entry.c.ready)
_UNREADABLE = (
    sa.select(entry.c.place, entry.c.reason)
    .where(entry.c.ready, entry.c.reason.is_not(None))
    .order_by(entry.c.id)
    .limit(SHOWN_REASONS)
)
_EVENTS = sa.select(event).where(event.c.seq > _after).order_by(event.c.seq).limit(_PAGE)
_LAST_SEQ = sa.select(sa.func.max(event.c.seq))
_LAST_ITEM = sa.select(item.c.id).where(item.c.ready).order_by(item.c.id.desc()).limit(1)
_AUDITS = sa.select(sa.func.count()).select_from(audit)


def _count_new(after: sa.ColumnElement[int]) -> sa.Select[int]:
    """Return the statement that counts the events after a place from which a model learns."""
    return (
        sa.select(sa.func.count())
        .select_from(event.outerjoin(item, item.c.id == event.c.item))
        .where(event.c.seq > after, event.c.kind.in_(parameter("kinds", many=True)))
        .where(event.c.item.is_(None) | (item.c.stream == "train"))
    )


_NEW_ANSWERS = _count_new(_after)
_upto = sa.select(sa.func.coalesce(sa.func.max(round_.c.upto_seq), 0)).where(round_.c.status == "done")
_CLASSES_VERSION = sa.select(sa.func.max(event.c.seq)).where(IS_OF_CLASS)
_PROGRESS = sa.select(
    sa.select(sa.func.sum(tally.c.labelled)).scalar_subquery().label("labelled"),
    _LAST_ITEM.scalar_subquery().label("last"),
    _count_new(_upto.scalar_subquery()).scalar_subquery().label("behind"),
    _CLASSES_VERSION.scalar_subquery().label("classes_version"),
    *(select_meta(name).scalar_subquery().label(name) for name in ("epoch", "model_version", "audit")),
)
_GUIDELINE = (
    sa.select(event.c.guideline_version, event.c.payload)
    .where(event.c.kind == "guideline")
    .order_by(event.c.seq.desc())
    .limit(1)
)
_LABELS = sa.select(sa.func.count()).where(touched.c.person == parameter("who"), touched.c.kind == "label")
_first = sa.select(sa.func.min(entry.c.id)).where(entry.c.item.in_(parameter("values", many=True)), entry.c.ready)
_PLACES = sa.select(entry.c.item, entry.c.place).where(entry.c.id.in_(_first.group_by(entry.c.item)))
_SERVED = (
    sa.select(item.c.id, item.c.content, entry.c.place)
    .join(entry, entry.c.item == item.c.id)
    .where(item.c.ready, entry.c.id.in_(_first.group_by(entry.c.item)))
)
_undo = event.alias("undo")
_HISTORY = (
    sa.select(
        event.c.seq,
        event.c.uuid,
        event.c.kind,
        event.c.item,
        event.c.class_id,
        event.c.note,
        event.c.payload,
        event.c.server_time,
        item.c.content,
        sa.exists()
        .where(_undo.c.kind == "undo", _undo.c.target_uuid == event.c.uuid, _undo.c.person == event.c.person)
        .label("undone"),
    )
    .join(item, item.c.id == event.c.item)
    .where(event.c.person == parameter("who"), event.c.seq < parameter("before"))
    .where(event.c.kind.in_(parameter("kinds", many=True)))
    .order_by(event.c.seq.desc())
    .limit(_PAGE)
)
_PERSON = sa.select(person.c.name).where(person.c.name == parameter("who"))
