"""A clock that stands until it is moved, items, events, and what a store must always be."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from lindley.labelling.records import Entry, Item, ProjectEvent


class FakeClock:
    """Monotonic seconds and a clock on the wall, each moved by hand."""

    def __init__(self):
        self.seconds, self.wall = 1000.0, datetime(2026, 3, 1, tzinfo=UTC)

    def monotonic(self):
        return self.seconds

    def utc(self):
        return self.wall

    def advance(self, seconds):
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


def found(count, *, first=0, test_every=0):
    """Entries and items as a source gives them; every `test_every`-th item is for tests."""
    for row in range(first, first + count):
        stream = "test" if test_every and row % test_every == 0 else "train"
        yield Entry(f"line {row}", row), Item(row, f"hash {row}", f"text {row}", "a.csv", row, stream)


def label(uuid, item, class_id=0, **more):
    return ProjectEvent(uuid, "label", item=item, class_id=class_id, **more)


def open_counts(store):
    """By item: `open`, and what it must be by the events and the leases, counted anew."""
    leases = Counter(row.item for row in store.read(lambda c: c.exec_driver_sql("SELECT item FROM lease").all()))
    undone = {(each.target_uuid, each.person) for each in store.events() if each.kind == "undo"}
    last, streams = {}, store.streams()
    for each in store.events():
        answers = ("label", "skip", "import") if streams[each.item or 0] == "train" else ("label", "skip")
        if each.kind in answers and (each.uuid, each.person) not in undone:
            last[each.item, each.person] = each
    split = {each.id for each in store.classes() if each.split}
    labels = Counter(key[0] for key, each in last.items() if each.kind != "skip" and each.class_id not in split)
    rows = store.read(lambda c: c.exec_driver_sql("SELECT id, open, need FROM item").all())
    return {row.id: (row.open, row.need - labels[row.id] - leases[row.id]) for row in rows}
