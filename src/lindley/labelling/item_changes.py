"""Changes of items that are there: how many people they need."""

from __future__ import annotations

from collections.abc import Sequence

from lindley.errors import InputError, format_rows
from lindley.labelling.sql import parameter, sa, select_in
from lindley.labelling.tables import item, read_meta, write_meta


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
    wanted = check_known(connection, items)
    if wanted:
        connection.execute(change.where(item.c.id == parameter("which")), [{"which": each} for each in wanted])


def check_known(connection: sa.Connection, items: Sequence[int]) -> Sequence[int]:
    """Return the items. Raise InputError where one is not known."""
    known = select_in(connection, _READY, items)
    if unknown := [each for each in items if each not in known]:
        raise InputError(f"The items {format_rows(unknown)} are not known.", argument="items", rows=unknown)
    return items


_values = parameter("values", many=True)
_READY = sa.select(item.c.id).where(item.c.id.in_(_values), item.c.ready)
