"""Claims: which items a person is served, and for how long. Every function runs within a transaction of the writer.

A claim takes one from `item.open` in the statement that finds the item, and nothing else decides who gets it. Counting
leases beside the item would let two transactions count the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lindley.labelling.records import Stream
from lindley.labelling.sql import Row, parameter, sa, select_in, select_rows
from lindley.labelling.tables import is_asked_again, is_begun, is_fresh, item, lease, queue, tally, touched


@dataclass(frozen=True)
class StreamCounts:
    """The number of labels of each stream, with those that are on their way: items that somebody holds."""

    train: int = 0
    test: int = 0
    audit: int = 0
    excluded: int = 0


CHOICE = ("epoch", "chosen_by", "chosen_prob", "model_version")
"""The record of how an item was chosen, which a lease holds and an answer copies."""
WantTest = bool | Callable[[StreamCounts], bool]
"""Whether the next item comes from the test stream, or what decides that from the counts."""


@dataclass(frozen=True)
class Moment:
    """The values that a transaction reads at its beginning: the time on the store's clock, and the table meta."""

    now: float
    meta: Mapping[str, Any]


def claim_items(
    connection: sa.Connection, person: str, count: int, *, want_test: WantTest, moment: Moment, seconds: float
) -> list[dict[str, Any]]:
    """Lease items to a person until they hold `count`, and return the leases that they hold, the oldest first.

    Args:
        connection: A transaction of the writer.
        person: The name of the person.
        count: The number of items that the person shall hold; what they hold already counts, and comes first.
        want_test: Whether an item comes from the test stream.
        moment: The time, and the epoch and the model of the queue.
        seconds: How long a lease lasts; those that the person holds begin anew.
    """
    until = moment.now + seconds
    end_expired(connection, moment.now)
    renewed = connection.execute(_RENEW, {"who": person, "new_until": until})
    held = sorted((row._asdict() for row in renewed), key=lambda row: int(row["number"]))
    served = {"person": person, "until": until, **{name: moment.meta[name] for name in ("epoch", "model_version")}}
    while len(held) < count and (found := _take_item(connection, person, want_test, moment.meta)) is not None:
        number = held[-1]["number"] + 1 if held else 1
        held.append(add_lease(connection, {**served, **found, "number": number}))
    return held[:count]


def claim_picked(
    connection: sa.Connection, person: str, items: Sequence[int], *, picked_by: str, moment: Moment, seconds: float
) -> list[dict[str, Any]]:
    """Lease items that a person picked, before all that they hold, and return the leases in this order.

    Only items of the training stream can be picked: a picked item is none of a random sample. Those that need nobody
    else, or that the person has answered, are left out.

    Args:
        connection: A transaction of the writer.
        person: The name of the person.
        items: The items; the person may hold some already.
        picked_by: How the items were picked, such as "search"; "grid": they are shown together.
        moment: The time, and the epoch and the model of the queue.
        seconds: How long a lease lasts.
    """
    end_expired(connection, moment.now)
    view = "grid" if picked_by == "grid" else "single"
    first = (connection.scalar(_FIRST, {"who": person}) or 1) - len(items)
    taken = []
    for number, each in enumerate(dict.fromkeys(items), first):
        values = {"until": moment.now + seconds, "number": number, "view": view}
        moved = connection.execute(_MOVE, {f"new_{name}": value for name, value in values.items()} | _key(each, person))
        if (row := moved.one_or_none()) is not None:
            taken.append(row._asdict())
        elif connection.scalar(_TAKE_PICKED, {**_key(each, person), "from_stream": "train"}) is not None:
            queue_of = {name: moment.meta[name] for name in ("epoch", "model_version")}
            chosen = {"item": each, "person": person, "chosen_by": picked_by, "chosen_prob": None}
            taken.append(add_lease(connection, {**values, **queue_of, **chosen}))
    return taken


def find_free(connection: sa.Connection, person: str, items: Iterable[int]) -> set[int]:
    """Return those of these items that a person may pick.

    Args:
        connection: Any transaction.
        person: The name of the person.
        items: The items.
    """
    return {*select_in(connection, _FREE_PICKED, items, {"who": person, "from_stream": "train"})}


def release_grid(connection: sa.Connection, person: str) -> None:
    """End the leases of what a person was shown together."""
    change_open(connection, Counter(connection.scalars(_RELEASE_GRID, {"who": person})))


def add_lease(connection: sa.Connection, values: dict[str, Any]) -> dict[str, Any]:
    """Store a lease of an item whose `open` has paid for it, and return it with its token."""
    values = {"token": uuid4().hex, "view": "single", **values}
    connection.execute(lease.insert(), values)
    return values


def end_expired(connection: sa.Connection, now: float) -> None:
    """End the leases whose time is over: their items are open again."""
    change_open(connection, Counter(connection.scalars(_END_EXPIRED, {"now": now})))


def release(connection: sa.Connection, person: str, tokens: Iterable[str]) -> int:
    """End leases that a person gives back, and return how many there were.

    Args:
        connection: A transaction of the writer.
        person: The name of the person.
        tokens: The tokens of the leases; those of others, and those that are over, are left out.
    """
    given = [*connection.scalars(_RELEASE, {"who": person, "tokens": list(tokens)})]
    change_open(connection, Counter(given))
    return len(given)


def end_leases(connection: sa.Connection, answered: Collection[tuple[int, str]]) -> dict[tuple[int, str], Row]:
    """End the leases of items that people answer, and return them by item and person; `open` is left to the caller.

    Args:
        connection: A transaction of the writer.
        answered: Each item with the name of the person.
    """
    return {(row.item, row.person): row for row in select_rows(connection, _END, answered)}


def change_open(connection: sa.Connection, changes: Mapping[int, int]) -> None:
    """Add to the number of people who may still be served an item.

    Args:
        connection: A transaction of the writer.
        changes: By item what to add; it may be below zero.
    """
    if values := [{"which": number, "change": change} for number, change in changes.items() if change]:
        connection.execute(_CHANGE_OPEN, values)


def take_back(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Lease an item to a person who has just undone their answer, before all that they hold; nothing if it is gone.

    Args:
        connection: A transaction of the writer.
        values: What the lease says: its item, person, until ...
    """
    if connection.execute(_TAKE_BACK, _key(values["item"], values["person"])).one_or_none() is not None:
        first = connection.scalar(_FIRST, {"who": values["person"]})
        add_lease(connection, {**values, "number": (1 if first is None else first) - 1})


def count_streams(connection: sa.Connection) -> StreamCounts:
    """Return the labels of each stream with the leases."""
    return StreamCounts(**{row.stream: int(row.total) for row in connection.execute(_COUNTS)})


def _key(item: int, person: str) -> dict[str, object]:
    return {"which": item, "who": person}


def _take_item(
    connection: sa.Connection, person: str, want_test: WantTest, meta: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Take one from the `open` of the next item for the person, and return what the lease says of it."""
    wanted = want_test if isinstance(want_test, bool) else want_test(count_streams(connection))
    streams: tuple[Stream, ...] = ("test", "train") if wanted else ("train", "test")
    streams = ("audit", *streams) if meta["audit"] else streams
    ways = [(each, way) for each in streams for way in _ways(each, several=meta["most_need"] > 1)]
    if meta["split"]:
        ways = [*((each, ("split" if each == "train" else each, _TAKE_AGAIN)) for each in streams), *ways]
    for stream, (name, statement) in ways:
        number = connection.scalar(statement, {"who": person, "from_stream": stream})
        if number is None:
            continue
        if name == "queue":
            return {"item": number, **connection.execute(_CHOSEN, {"which": number}).one()._mapping}
        return {"item": number, "chosen_by": name, "chosen_prob": None}
    return None


def _ways(stream: str, *, several: bool) -> Iterator[tuple[str, sa.UpdateBase]]:
    """Yield the ways to find an item of a stream, each with its name; `several` people may be needed for one."""
    if several:  # what others have answered comes first, so that it is done
        yield "overlap" if stream == "train" else stream, _TAKE_BEGUN
    if stream == "train":
        yield "queue", _TAKE_QUEUED
    yield "random" if stream == "train" else stream, _TAKE_FRESH


def _take_statement(found: sa.Select[tuple[int]]) -> sa.UpdateBase:
    """Return the statement that takes one from `open` of the first item found, and returns the item."""
    here = item.c.id == found.limit(1).with_for_update(of=_other, skip_locked=True).scalar_subquery()
    return item.update().where(here, item.c.open > 0).values(open=item.c.open - 1).returning(item.c.id)


_other = item.alias("candidate")
_who, _which = parameter("who"), parameter("which")
_FREE = sa.select(_other.c.id).where(
    _other.c.stream == parameter("from_stream"),
    ~sa.exists().where(touched.c.item == _other.c.id, touched.c.person == _who),
    ~sa.exists().where(lease.c.item == _other.c.id, lease.c.person == _who),
)
_TAKE_AGAIN = _take_statement(_FREE.where(is_asked_again(_other)).order_by(_other.c.order_key))
_TAKE_BEGUN = _take_statement(_FREE.where(is_begun(_other)).order_by(_other.c.order_key))
_TAKE_QUEUED = _take_statement(
    _FREE.where(_other.c.open > 0).join(queue, queue.c.item == _other.c.id).order_by(queue.c.rank)
)
_TAKE_FRESH = _take_statement(_FREE.where(is_fresh(_other)).order_by(_other.c.order_key))
_FREE_PICKED = _FREE.where(_other.c.id.in_(parameter("values", many=True)), _other.c.open > 0)
_TAKE_PICKED = _take_statement(_FREE.where(_other.c.id == _which, _other.c.open > 0))
_is_held = sa.exists().where(lease.c.item == item.c.id, lease.c.person == _who)
_TAKE_BACK = (
    item.update()
    .where(item.c.id == _which, item.c.open > 0, ~_is_held)
    .values(open=item.c.open - 1)
    .returning(item.c.id)
)
_CHANGE_OPEN = item.update().where(item.c.id == _which).values(open=item.c.open + parameter("change"))

_FIRST = sa.select(sa.func.min(lease.c.number)).where(lease.c.person == _who)
_RENEW = (
    lease.update()
    .where(lease.c.person == _who, lease.c.view == "single")
    .values(until=parameter("new_until"))
    .returning(lease)
)
_MOVE = (
    lease.update()
    .where(lease.c.item == _which, lease.c.person == _who)
    .values(until=parameter("new_until"), number=parameter("new_number"), view=parameter("new_view"))
    .returning(lease)
)
_RELEASE_GRID = lease.delete().where(lease.c.person == _who, lease.c.view == "grid").returning(lease.c.item)
_END_EXPIRED = lease.delete().where(lease.c.until <= parameter("now")).returning(lease.c.item)
_RELEASE = (
    lease.delete()
    .where(lease.c.person == _who, lease.c.token.in_(parameter("tokens", many=True)))
    .returning(lease.c.item)
)
_END = (
    lease.delete().where(sa.tuple_(lease.c.item, lease.c.person).in_(parameter("values", many=True))).returning(lease)
)
_CHOSEN = sa.select(queue.c.chosen_by, queue.c.prob.label("chosen_prob")).where(queue.c.item == _which)
_leased = (
    sa.select(item.c.stream, sa.literal(1).label("labels"))
    .join(lease, lease.c.item == item.c.id)
    .union_all(sa.select(tally.c.stream, tally.c.labels))
).subquery()
_COUNTS = sa.select(_leased.c.stream, sa.func.sum(_leased.c.labels).label("total")).group_by(_leased.c.stream)
