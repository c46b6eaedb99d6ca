"""The effects of many answers at once: who answered an item, how many people it needs, the labels of a stream.

A statement for each answer made an import of 100,000 labels hold the database for a minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from lindley.labelling import claims
from lindley.labelling.sql import Row, parameter, sa, select_rows
from lindley.labelling.tables import audit, audit_item, class_, event, item, tally, touched, write_meta

ANSWERS = ("label", "skip", "import")
"""The kinds of events that answer an item."""
LABELS = ("label", "import")
"""Those that count for what an item needs."""
Answered = tuple[int, str]
"""An item, and the name of the person who answered it."""


def settle(connection: sa.Connection, answered: Collection[Answered], freed: Collection[int] = ()) -> set[Answered]:
    """Bring what follows from people's answers up to date, and return those of which an answer counts.

    Args:
        connection: A transaction of the writer.
        answered: Whose answers to which items are new or undone.
        freed: The items of the leases that have just ended, one for each lease.
    """
    numbers = {number for number, _ in answered}
    rows_before = {(row.item, row.person): row for row in select_rows(connection, _TOUCHED, numbers)}
    last = {(row.item, row.person or ""): row for row in select_rows(connection, _STANDING, numbers)}
    rows_after = {key: row for key, row in last.items() if not row.split}
    _touch(connection, dict.fromkeys(answered), rows_before, rows_after)
    before, after = ({key: row.kind for key, row in rows.items()} for rows in (rows_before, rows_after))
    changed = [key for key in dict.fromkeys(answered) if before.get(key) != after.get(key)]
    opened, labels = Counter(freed), Counter[int]()
    for key in changed:
        was, now = before.get(key), after.get(key)
        opened[key[0]] += (was in LABELS) - (now in LABELS)
        labels[key[0]] += (now == "label") - (was == "label")
    claims.change_open(connection, opened)
    done = Counter({number: 1 for (number, _), kind in after.items() if kind in LABELS})
    done.subtract({number: 1 for (number, _), kind in before.items() if kind in LABELS})
    changes = [{"which": each, "change": labels[each], "done": done[each]} for each in numbers]
    if tallies := [each for each in changes if each["change"] or each["done"]]:
        connection.execute(_TALLY, tallies)
    return {*answered} & after.keys()


def ask_again(connection: sa.Connection) -> None:
    """Have the items labelled again whose labels are of a class that was split: before all others.

    Those of an audit that has ended stay as they are.
    """
    answered = [(row.item, row.person) for row in connection.execute(_OF_SPLIT)]
    if answered:
        write_meta(connection, "split", True)
        connection.execute(_ASK_AGAIN, [{"which": number} for number in {number for number, _ in answered}])
        settle(connection, answered)


def _touch(
    connection: sa.Connection, answered: Collection[Answered], before: dict[Answered, Row], after: dict[Answered, Row]
) -> None:
    """Store the answers that count now in the place of those that did."""
    was, now = ({key: row.uuid for key, row in rows.items()} for rows in (before, after))
    changed = [key for key in answered if was.get(key) != now.get(key)]
    if gone := [{"which": number, "who": name} for number, name in changed if (number, name) in before]:
        connection.execute(_UNTOUCH, gone)
    names = ("item", "kind", "uuid", "class_id")
    new = [{**{name: getattr(after[key], name) for name in names}, "person": key[1]} for key in changed if key in after]
    if new:
        connection.execute(touched.insert(), new)


_values, _which = parameter("values", many=True), parameter("which")
_TOUCHED = sa.select(touched).where(touched.c.item.in_(_values))
_UNTOUCH = touched.delete().where(touched.c.item == _which, touched.c.person == parameter("who"))
_OF_SPLIT = (
    sa.select(touched.c.item, touched.c.person)
    .join(class_, class_.c.id == touched.c.class_id)
    .where(class_.c.split)
    .where(
        ~sa.exists().where(
            audit_item.c.item == touched.c.item, audit.c.number == audit_item.c.audit, audit.c.closed_seq.is_not(None)
        )
    )
)
_ASK_AGAIN = item.update().where(item.c.id == _which).values(again=True)
_undo = event.alias("undo")
_is_imported = (event.c.kind == "import") | event.c.payload["imported"].as_string().is_not(None)
_STANDING = (
    sa.select(event.c.item, event.c.person, event.c.kind, event.c.uuid, event.c.class_id, class_.c.split)
    .join(item, item.c.id == event.c.item)
    .outerjoin(class_, class_.c.id == event.c.class_id)
    .where(event.c.item.in_(_values), event.c.kind.in_(ANSWERS))
    .where((item.c.stream == "train") | ~_is_imported)  # an item that measures is answered here alone
    .where(
        ~sa.exists().where(
            _undo.c.kind == "undo", _undo.c.target_uuid == event.c.uuid, _undo.c.person == event.c.person
        )
    )
    .order_by(event.c.seq)
)
_stream = sa.select(item.c.stream).where(item.c.id == _which).scalar_subquery()
_TALLY = (
    tally.update()
    .where(tally.c.stream == _stream)
    .values(labels=tally.c.labels + parameter("change"), labelled=tally.c.labelled + parameter("done"))
)
