"""Items on which people disagree, so that somebody decides: an event of kind "adjudicate" settles one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lindley.labelling.class_changes import read_classes
from lindley.labelling.class_events import resolve_class
from lindley.labelling.consensus import majority_class
from lindley.labelling.reads import read_served
from lindley.labelling.records import ClassRecord
from lindley.labelling.sql import parameter, sa, select_rows
from lindley.labelling.tables import event, has_all_labels, item, touched

_PAGE = 10_000
"""The number of items that are read at once: a writer waits for a page at most."""


@dataclass(frozen=True)
class Vote:
    """The label of a person, through merges, and what they remarked."""

    person: str
    class_id: int
    note: str


@dataclass(frozen=True)
class Dispute:
    """An item without a label that counts, since people disagree."""

    item: int
    place: str
    content: str
    votes: tuple[Vote, ...]


def find_disputes(read: Callable[[Callable[[sa.Connection], Any]], Any], person: str, limit: int) -> list[Dispute]:
    """Return the items on which people disagree, but those that the person is still to label blind.

    Args:
        read: Runs a function in a transaction that reads.
        person: The name of the person who looks.
        limit: The largest number of items.
    """
    last = read(lambda connection: connection.scalar(sa.select(sa.func.max(touched.c.item))))
    found: list[Dispute] = []
    for start in range(0, -1 if last is None else last + 1, _PAGE):
        found += read(lambda connection: _read_page(connection, person, start))  # noqa: B023
        if len(found) >= limit:
            break
    return found[:limit]


def read_disputed(connection: sa.Connection, start: int, end: int) -> dict[int, dict[str, int]]:
    """Return by item the class of each person, for the items of a range on which people disagree.

    Args:
        connection: Any transaction.
        start: The first item of the range.
        end: The item after the last one.
    """
    classes = read_classes(connection)
    votes: dict[int, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_VOTES, {"first": start, "end": end}):
        if (class_id := resolve_class(classes, row.class_id)) is not None:
            votes[row.item][row.person] = class_id
    split = {each: given for each, given in votes.items() if majority_class(each, [*given.values()]) is None}
    settled = _read_settled(connection, classes, split)
    return {each: given for each, given in split.items() if each not in settled}


def _read_page(connection: sa.Connection, person: str, start: int) -> list[Dispute]:
    disputed = read_disputed(connection, start, start + _PAGE)
    shown = [row.id for row in select_rows(connection, _SHOWN, disputed, {"who": person})]
    rows, notes = read_served(connection, shown), _read_notes(connection, shown)
    return [
        Dispute(
            each,
            rows[each].place,
            rows[each].content,
            tuple(Vote(name, number, notes.get((each, name), "")) for name, number in sorted(disputed[each].items())),
        )
        for each in sorted(shown)
    ]


def _read_settled(connection: sa.Connection, classes: Sequence[ClassRecord], items: Collection[int]) -> set[int]:
    """Return those of these items whose last adjudication counts."""
    last = {row.item: row.class_id for row in select_rows(connection, _DECIDED, items)}
    return {each for each, class_id in last.items() if resolve_class(classes, class_id) is not None}


def _read_notes(connection: sa.Connection, items: Sequence[int]) -> Mapping[tuple[int, str], str]:
    """Return what each person remarked on each item."""
    texts: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in select_rows(connection, _NOTES, items):
        texts[row.item, row.person].append(row.note)
    return {key: "\n".join(found) for key, found in texts.items()}


_values = parameter("values", many=True)
_labelled = touched.alias("labelled")
_VOTES = sa.select(touched.c.item, touched.c.person, touched.c.class_id).where(
    touched.c.kind == "label",
    touched.c.item.in_(
        sa.select(_labelled.c.item)
        .where(_labelled.c.item >= parameter("first"), _labelled.c.item < parameter("end"))
        .where(_labelled.c.kind == "label")
        .group_by(_labelled.c.item)
        .having(sa.func.min(_labelled.c.class_id) < sa.func.max(_labelled.c.class_id))
    ),
)
_undo = event.alias("undo")
_is_undone = sa.exists().where(
    _undo.c.kind == "undo", _undo.c.target_uuid == event.c.uuid, _undo.c.person == event.c.person
)
_STANDING = sa.select(event).where(event.c.item.in_(_values), ~_is_undone).order_by(event.c.seq)
_DECIDED = _STANDING.where(event.c.kind == "adjudicate")
_NOTES = _STANDING.where(event.c.kind.in_(("label", "flag", "note")), event.c.note != "")
_has_answered = sa.exists().where(touched.c.item == item.c.id, touched.c.person == parameter("who"))
_SHOWN = sa.select(item.c.id).where(
    item.c.id.in_(_values), item.c.stream != "excluded", has_all_labels(item) | _has_answered
)
