"""Audits in the database: their items, what the newest model predicts of these, and the moment that judges them.

An audit is judged by the model that was the newest when its last item was answered, and by the answers until then: its
predictions follow each new model until that moment, and never change afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lindley.errors import InputError
from lindley.labelling.item_changes import check_known
from lindley.labelling.sql import parameter, sa, select_in, select_rows
from lindley.labelling.tables import audit, audit_item, event, item, lease, queue, read_meta, touched, write_meta


@dataclass(frozen=True)
class AuditRecord:
    """One audit."""

    number: int
    """From 1: each is another look at the accuracy."""
    items: tuple[int, ...]
    predicted: Mapping[int, int]
    """By item the class that the model of the audit predicts; empty while there is none."""
    model_version: str | None
    closed_seq: int | None
    """The last event that counts; None while answers are missing, or a model."""


def start_audit(connection: sa.Connection, items: Sequence[int], *, count: int, need: int) -> list[int]:
    """Begin an audit of fresh items, in this order, and return them; the rest of their groups is excluded.

    An item is fresh where no event is of its group, and nobody holds an item of it. Of a group the first item counts.

    Args:
        connection: A transaction of the writer.
        items: The items; those that are not fresh are left out.
        count: The largest number of items that are taken, the first ones.
        need: The number of people who shall label each of them, also those that others would label twice.

    Raises:
        InputError: If an audit is under way, or an item is unknown.
    """
    check_known(connection, items)
    check_no_audit(connection)
    groups = {row.id: row.grp for row in select_rows(connection, _GROUPS, items)}
    members = {row.id: row.grp for row in select_rows(connection, _MEMBERS, groups.values())}
    used = {members[each] for each in select_in(connection, _USED, members)}
    first = {group: each for each in reversed(items) if (group := groups[each]) not in used}
    fresh = [each for each in dict.fromkeys(items) if first.get(groups[each]) == each][:count]
    taken = {groups[each] for each in fresh}
    if fresh:
        _move(
            connection, fresh, need, [each for each, group in members.items() if group in taken and each not in fresh]
        )
    return fresh


def check_no_audit(connection: sa.Connection) -> None:
    """Raise InputError if an audit is under way."""
    if (running := connection.execute(_RUNNING).one_or_none()) is not None:
        left = connection.scalar(_COUNT_LEFT, {"number": running.number})
        raise InputError(
            f"Audit {running.number} is under way: {left} of its items are to be answered. Nothing was added to it.",
            argument="labels",
        )


def predict_audit(connection: sa.Connection, epoch: int, model_version: str | None, predicted: Sequence[int]) -> None:
    """Keep what a model predicts of the audit that is under way; nothing where it is not the newest model.

    Args:
        connection: A transaction of the writer.
        epoch: The number of its epoch.
        model_version: Its version.
        predicted: By item the class that it predicts; items that came later have none.
    """
    running = connection.execute(_RUNNING).one_or_none()
    if running is None or model_version is None or epoch != read_meta(connection, "epoch"):
        return
    items = [*connection.scalars(_ITEMS, {"number": running.number})]
    if max(items) >= len(predicted):
        return
    connection.execute(_PREDICT, [{"which": each, "class": int(predicted[each])} for each in items])
    connection.execute(_NAME_MODEL, {"which": running.number, "version": model_version})
    close_audit(connection)


def close_audit(connection: sa.Connection) -> None:
    """End the audit that is under way, where a model has predicted its items and as many people as needed answered."""
    running = connection.execute(_RUNNING).one_or_none()
    if running is None or running.model_version is None:
        return
    if not connection.scalar(_COUNT_LEFT, {"number": running.number}):
        connection.execute(_CLOSE, {"which": running.number})


def count_answered(connection: sa.Connection) -> tuple[int, int] | None:
    """Return the number of answered items of the audit that is under way, and of all its items; None without one."""
    running = connection.execute(_RUNNING).one_or_none()
    if running is None:
        return None
    given = {"number": running.number}
    total, left = connection.scalar(_COUNT_ALL, given) or 0, connection.scalar(_COUNT_LEFT, given) or 0
    return total - left, total


def read_audits(connection: sa.Connection) -> list[AuditRecord]:
    """Return the audits in their order."""
    found = []
    for each in connection.execute(sa.select(audit).order_by(audit.c.number)).all():
        rows = connection.execute(_PREDICTED, {"number": each.number}).all()
        predicted = {row.item: row.predicted for row in rows if row.predicted is not None}
        items = tuple(row.item for row in rows)
        found.append(AuditRecord(each.number, items, predicted, each.model_version, each.closed_seq))
    return found


def _move(connection: sa.Connection, fresh: Sequence[int], need: int, others: Sequence[int]) -> None:
    number = 1 + (connection.scalar(sa.select(sa.func.count()).select_from(audit)) or 0)
    connection.execute(audit.insert(), {"number": number})
    connection.execute(audit_item.insert(), [{"item": each, "audit": number} for each in fresh])
    write_meta(connection, "audit", True)
    connection.execute(_SERVE, [{"which": each, "place": place, "new": need} for place, each in enumerate(fresh)])
    if others:
        connection.execute(_EXCLUDE, [{"which": each} for each in others])
    connection.execute(_UNQUEUE, [{"which": each} for each in (*fresh, *others)])


_values, _which, _number = parameter("values", many=True), parameter("which"), parameter("number")
_RUNNING = sa.select(audit).where(audit.c.closed_seq.is_(None))
_GROUPS = sa.select(item.c.id, item.c.grp).where(item.c.id.in_(_values))
_MEMBERS = sa.select(item.c.id, item.c.grp).where(item.c.grp.in_(_values), item.c.ready)
_USED = sa.select(item.c.id).where(
    item.c.id.in_(_values),
    item.c.stream.in_(("audit", "excluded"))
    | sa.exists().where(event.c.item == item.c.id)
    | sa.exists().where(lease.c.item == item.c.id),
)
_place = sa.bindparam("place", type_=sa.BigInteger)
_SERVE = (
    item.update()
    .where(item.c.id == _which)
    .values(stream="audit", order_key=_place, need=parameter("new"), open=parameter("new"))
)
_EXCLUDE = item.update().where(item.c.id == _which).values(stream="excluded")
_UNQUEUE = queue.delete().where(queue.c.item == _which)

_COUNT_ALL = sa.select(sa.func.count()).where(audit_item.c.audit == _number)
_ITEMS = sa.select(audit_item.c.item).where(audit_item.c.audit == _number)
_PREDICTED = (
    sa.select(audit_item.c.item, audit_item.c.predicted)
    .where(audit_item.c.audit == _number)
    .order_by(audit_item.c.item)
)
_answers = sa.select(sa.func.count()).where(touched.c.item == item.c.id).scalar_subquery()
_COUNT_LEFT = (
    sa.select(sa.func.count())
    .select_from(audit_item.join(item, item.c.id == audit_item.c.item))
    .where(audit_item.c.audit == _number, _answers < item.c.need)
)
_PREDICT = audit_item.update().where(audit_item.c.item == _which).values(predicted=parameter("class"))
_NAME_MODEL = audit.update().where(audit.c.number == _which).values(model_version=parameter("version"))
_last = sa.select(sa.func.max(event.c.seq)).scalar_subquery()
_CLOSE = audit.update().where(audit.c.number == _which).values(closed_seq=_last)
