"""Changes of items that are there: how many people they need, and which of them are for an audit."""

from __future__ import annotations

from collections.abc import Sequence

from lindley.errors import InputError, format_rows
from lindley.labelling.sql import parameter, sa, select_in
from lindley.labelling.tables import item, lease, queue, read_meta, touched, write_meta


def change_need(connection: sa.Connection, need: int, items: Sequence[int] | None) -> None:
    """Set the number of people who shall label each of these items.

    Args:
        connection: A transaction of the writer.
        need: The number, at least 1.
        items: The items; None: all.
    """
    if need < 1:
        raise InputError(argument="need", expected="at least 1", got=need)
    write_meta(connection, "most_need", max(need, read_meta(connection, "most_need")))
    change = (
        item.update().where(item.c.need != need, item.c.ready).values(open=item.c.open + need - item.c.need, need=need)
    )
    if items is None:
        connection.execute(change)
        return
    wanted = _check_known(connection, items)
    if wanted:
        connection.execute(change.where(item.c.id == parameter("which")), [{"which": each} for each in wanted])


def move_to_audit(connection: sa.Connection, items: Sequence[int]) -> list[int]:
    """Move items into the audit stream, in this order, and return those that were fresh: never answered or held."""
    _check_known(connection, items)
    used = select_in(connection, _USED, items)
    fresh = [each for each in dict.fromkeys(items) if each not in used]
    if fresh:
        write_meta(connection, "audit", True)
        last = connection.scalar(sa.select(sa.func.max(item.c.order_key)).where(item.c.stream == "audit"))
        places = [{"which": each, "place": place} for place, each in enumerate(fresh, 0 if last is None else last + 1)]
        connection.execute(_MOVE, places)
        connection.execute(queue.delete().where(queue.c.item == parameter("which")), places)
    return fresh


def _check_known(connection: sa.Connection, items: Sequence[int]) -> Sequence[int]:
    known = select_in(connection, _READY, items)
    if unknown := [each for each in items if each not in known]:
        raise InputError(f"The items {format_rows(unknown)} are not known.", argument="items", rows=unknown)
    return items


_values = parameter("values", many=True)
_READY = sa.select(item.c.id).where(item.c.id.in_(_values), item.c.ready)
_USED = sa.select(item.c.id).where(
    item.c.id.in_(_values),
    (item.c.stream == "audit")
    | sa.exists().where(touched.c.item == item.c.id)
    | sa.exists().where(lease.c.item == item.c.id),
)
_MOVE = (
    item.update()
    .where(item.c.id == parameter("which"))
    .values(stream="audit", order_key=sa.bindparam("place", type_=sa.BigInteger))
)
