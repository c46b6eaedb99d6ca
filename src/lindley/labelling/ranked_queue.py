"""The queue: the training items that a model queries, by rank; it is replaced as a whole when a round ends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lindley.errors import InputError, format_rows
from lindley.labelling.sql import parameter, sa, select_in
from lindley.labelling.tables import item, lease, queue, read_meta, touched, write_meta


@dataclass(frozen=True)
class QueueRow:
    """An item of the queue, and why it is there."""

    item: int
    chosen_by: str
    """The name of the acquisition, "random" ..."""
    score: float | None = None
    prob: float | None = None
    """The probability with which it was chosen, where it was chosen at random."""


def replace_queue(connection: sa.Connection, epoch: int, rows: Sequence[QueueRow], model_version: str | None) -> int:
    """Put these rows in the place of the queue, in this order, and return how many of them still need labels.

    What was answered, also after the model was fitted, what somebody holds, and what is not of the training stream
    is left out. An error leaves the old queue.

    Args:
        connection: A transaction of the writer.
        epoch: The number of the queue, larger than that of any before.
        rows: The ranking, best first.
        model_version: The version of the model that ranked.

    Raises:
        InputError: If the epoch is not new, or an item is unknown or ranked twice; `error.rows` lists the items.
    """
    before = read_epoch(connection)
    if epoch <= before:
        raise InputError(argument="epoch", expected=f"larger than {before}, the epoch of the queue", got=epoch)
    ids = [each.item for each in rows]
    known = select_in(connection, _KNOWN, ids)
    if unknown := [each for each in ids if each not in known]:
        raise InputError(f"The items {format_rows(unknown)} are not known.", argument="rows", rows=unknown)
    if twice := [each for each, count in Counter(ids).items() if count > 1]:
        raise InputError(f"The items {format_rows(twice)} are ranked twice.", argument="rows", rows=twice)
    if wrong := [each.item for each in rows if not all(map(math.isfinite, (each.score or 0, each.prob or 0)))]:
        raise InputError(argument="score and prob", expected="finite numbers or None", rows=wrong)
    connection.execute(queue.delete())
    if rows:
        connection.execute(queue.insert(), [{"rank": rank, **asdict(each)} for rank, each in enumerate(rows)])
    connection.execute(queue.delete().where(queue.c.item.not_in(_WANTED)))
    write_meta(connection, "epoch", epoch)
    write_meta(connection, "model_version", model_version)
    return len(read_queue(connection))


def read_epoch(connection: sa.Connection) -> int:
    """Return the number of the queue, 0 before the first."""
    return int(read_meta(connection, "epoch"))


def read_queue(connection: sa.Connection) -> list[QueueRow]:
    """Return the queue by rank."""
    columns = (queue.c.item, queue.c.chosen_by, queue.c.score, queue.c.prob)
    return [QueueRow(*row) for row in connection.execute(sa.select(*columns).order_by(queue.c.rank))]


_KNOWN = sa.select(item.c.id).where(item.c.ready, item.c.id.in_(parameter("values", many=True)))
_ranked = queue.alias("ranked")
_WANTED = (
    sa.select(_ranked.c.item)
    .join(item, item.c.id == _ranked.c.item)
    .where(item.c.stream == "train")
    .where(~sa.exists().where(touched.c.item == _ranked.c.item, touched.c.kind != "skip"))
    .where(~sa.exists().where(lease.c.item == _ranked.c.item))
)
