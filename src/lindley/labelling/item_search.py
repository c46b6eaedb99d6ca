"""Items that a person looks for, and what may be shown of them.

An item that measures the model is shown to those who have answered it, and to nobody else. Answers of others are shown
where the item needs nobody else: whoever is still to label it labels it blind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lindley.labelling.class_changes import read_classes
from lindley.labelling.class_events import resolve_class
from lindley.labelling.records import ClassRecord
from lindley.labelling.sql import contains_word, parameter, sa, select_in, select_rows
from lindley.labelling.tables import entry, event, has_all_labels, item, lease, touched

_PAGE = 4000
"""The number of items that are searched at once: a writer waits for a page at most."""
MAX_WORDS = 8


@dataclass(frozen=True)
class FoundAnswer:
    """The answer of a person that counts."""

    uuid: str
    kind: str
    class_id: int | None
    """The class that it counts for now, through merges; None for a skip, or where the class is retired."""
    person: str
    time: str
    mine: bool
    """Whether it is the answer of the person who looks."""


@dataclass(frozen=True)
class FoundItem:
    """An item as it is shown to a person who looks for it."""

    item: int
    place: str
    content: str
    open: bool
    """Whether the person may label it now."""
    answers: tuple[FoundAnswer, ...]


def search_items(
    read: Callable[[Callable[[sa.Connection], Any]], Any], person: str, text: str, limit: int
) -> list[FoundItem]:
    """Return the items in which each word stands: in the content, in a place, or in the name of a class of an answer.

    Args:
        read: Runs a function in a transaction that reads.
        person: The name of the person who looks.
        text: The words, in any case.
        limit: The largest number of items.
    """
    words = text.lower().split()[:MAX_WORDS]
    classes: list[ClassRecord] = read(read_classes)
    statement = _search_statement(words, classes)
    last = read(lambda connection: connection.scalar(sa.select(sa.func.max(item.c.id)))) if words else None
    found: list[FoundItem] = []
    for start in range(0, -1 if last is None else last + 1, _PAGE):
        given = {"who": person, "first": start, "end": start + _PAGE, "most": limit - len(found)}
        if ids := read(lambda connection: [*connection.scalars(statement, given)]):  # noqa: B023
            found += read(lambda connection: describe_items(connection, person, ids))
        if len(found) >= limit:
            break
    return found


def describe_items(connection: sa.Connection, person: str, items: Sequence[int]) -> list[FoundItem]:
    """Return what may be shown of items to a person, in this order; those that are hidden are left out.

    Args:
        connection: Any transaction.
        person: The name of the person.
        items: The items.
    """
    who = {"who": person}
    rows = select_in(connection, _ITEMS, items, who)
    classes = read_classes(connection)
    answers: dict[int, list[FoundAnswer]] = {}
    for row in select_rows(connection, _ANSWERS, rows, who):
        class_id = None if row.class_id is None else resolve_class(classes, row.class_id)
        mine = row.person == person
        answer = FoundAnswer(row.uuid, row.kind, class_id, row.person, row.server_time, mine)
        answers.setdefault(row.item, []).append(answer)
    return [
        FoundItem(each, rows[each].place, rows[each].content, rows[each].may_label, tuple(answers.get(each, ())))
        for each in items
        if each in rows
    ]


def _search_statement(words: Iterable[str], classes: Sequence[ClassRecord]) -> sa.Select[Any]:
    """Return the statement that finds the items of a page in which each word stands."""
    statement = sa.select(item.c.id).where(item.c.id >= parameter("first"), item.c.id < parameter("end"))
    for word in words:
        ids = [each.id for each in classes if word in _final_name(classes, each)]
        of_class = sa.exists().where(touched.c.item == item.c.id, touched.c.class_id.in_(ids), _may_see_answer)
        at_place = sa.exists().where(entry.c.item == item.c.id, contains_word(entry.c.place, word))
        statement = statement.where(contains_word(item.c.content, word) | at_place | (of_class if ids else sa.false()))
    return statement.where(item.c.ready, _is_visible).order_by(item.c.id).limit(parameter("most"))


def _final_name(classes: Sequence[ClassRecord], each: ClassRecord) -> str:
    final = resolve_class(classes, each.id)
    return "" if final is None else classes[final].name.lower()


_who, _values = parameter("who"), parameter("values", many=True)
_has_answered = sa.exists().where(touched.c.item == item.c.id, touched.c.person == _who).correlate(item)
_holds = sa.exists().where(lease.c.item == item.c.id, lease.c.person == _who).correlate(item)
_is_visible = (item.c.stream == "train") | _has_answered
_may_see_answer = (touched.c.person == _who) | ((item.c.stream == "train") & has_all_labels(item))
_of_entry = entry.alias("of_entry")
_first = (
    sa.select(sa.func.min(_of_entry.c.id))
    .where(_of_entry.c.item == item.c.id, _of_entry.c.ready)
    .correlate(item)
    .scalar_subquery()
)
_ITEMS = (
    sa.select(
        item.c.id,
        item.c.content,
        entry.c.place,
        ((item.c.stream == "train") & ~_has_answered & ((item.c.open > 0) | _holds)).label("may_label"),
    )
    .select_from(item.join(entry, entry.c.id == _first))
    .where(item.c.id.in_(_values), item.c.ready, _is_visible)
)
_ANSWERS = (
    sa.select(touched.c.item, touched.c.person, touched.c.kind, event.c.uuid, event.c.class_id, event.c.server_time)
    .select_from(touched.join(event, event.c.uuid == touched.c.uuid).join(item, item.c.id == touched.c.item))
    .where(touched.c.item.in_(_values), _may_see_answer)
    .order_by(event.c.seq)
)
