"""The store beside a model of a few lines: any order of claims, answers, undos, skips, releases, time and restarts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from small_projects import FakeClock, found, label, open_counts

from lindley.labelling.records import ProjectEvent
from lindley.labelling.store import ProjectStore

PEOPLE = ("ann", "bob", "cem")
ITEMS = 6
LEASE = 60.0
EXAMPLES = max(12, int(os.environ.get("LINDLEY_FUZZ", "0")) // 10)
people, numbers = st.sampled_from(PEOPLE), st.integers(0, 10**6)


# A failure is shown as it was found: to make it small takes minutes, since every step waits for the disk.
class StoreMachine(RuleBasedStateMachine):
    """Leases by (item, person) until when; answers by (item, person) as [uuid, kind], the last counts."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.leases, self.answers, self.sent, self.late, self.undone = {}, {}, {}, Counter(), set()

    @initialize(need=st.integers(1, 3))
    def begin(self, need):
        self.need = need
        self.store = ProjectStore.create(self.folder / "project.db")
        self.store.add_items(found(ITEMS), need=need)
        for name in PEOPLE:
            self.store.add_person(name)
        self.class_id = self.store.add_class("cat")
        self.reopen()

    @rule()
    def reopen(self):
        self.store.close()
        options = {"clock": self.clock.monotonic, "utc": self.clock.utc, "lease_seconds": LEASE}
        self.store = ProjectStore.open(self.folder / "project.db", **options)

    def labels(self, item):
        return sum(bool(given) and given[-1][1] == "label" for (one, _), given in self.answers.items() if one == item)

    def has_answered(self, item, person):
        given = self.answers.get((item, person))
        return bool(given) and given[-1][1] != "split"

    def open(self, item):
        return self.need - self.labels(item) - sum(one == item for one, _ in self.leases)

    def end_expired(self):
        self.leases = {key: until for key, until in self.leases.items() if until > self.clock.seconds}

    @rule(person=people, count=st.integers(0, 4))
    def claim(self, person, count):
        self.end_expired()
        held = {item for item, one in self.leases if one == person}
        free = {
            item
            for item in range(ITEMS)
            if self.open(item) > 0 and item not in held and not self.has_answered(item, person)
        }
        items = [each.item for each in self.store.claim(person, count)]
        assert len(items) == len({*items}) == min(count, len(held) + len(free))
        assert {*items[: len(held)]} <= held
        assert {*items[len(held) :]} <= free
        for item in held | {*items}:
            self.leases[item, person] = self.clock.seconds + LEASE

    def send(self, event, person):
        assert self.store.append(person, [event]) == ["stored"]
        self.sent[event.uuid] = (event, person)

    @rule(person=people, item=st.integers(0, ITEMS - 1), skips=st.booleans(), twice=st.booleans())
    def answer(self, person, item, skips, twice):
        """Whoever answers may hold the item, may have lost it, or never had it."""
        uuid = str(len(self.sent))
        event = ProjectEvent(uuid, "skip", item=item) if skips else label(uuid, item, self.class_id)
        if self.leases.pop((item, person), None) is None and not skips:
            self.late[item] += 1
        self.send(event, person)
        if twice:
            assert self.store.append(person, [event]) == ["known"]
        self.answers.setdefault((item, person), []).append((uuid, event.kind))

    @rule(person=people, count=st.integers(1, 3))
    def answer_what_is_held(self, person, count):
        for item in [item for item, one in self.leases if one == person][:count]:
            self.answer(person, item, False, False)

    @precondition(lambda self: self.sent)
    @rule(which=numbers)
    def send_again(self, which):
        event, person = [*self.sent.values()][which % len(self.sent)]
        assert self.store.append(person, [event]) == ["known"]

    @precondition(lambda self: any(self.answers.values()))
    @rule(which=numbers)
    def undo(self, which):
        """The person gets the item again if it is open then."""
        given = [(key, uuid) for key, answers in self.answers.items() for uuid, _ in answers]
        (item, person), uuid = given[which % len(given)]
        self.send(ProjectEvent(f"undo {uuid}", "undo", target_uuid=uuid), person)
        left = [each for each in self.answers[item, person] if each[0] != uuid]
        self.answers[item, person] = left
        holds = (item, person) in self.leases
        if not self.has_answered(item, person) and not holds and self.open(item) > 0:
            self.leases[item, person] = self.clock.seconds + LEASE

    @rule()
    def split(self):
        """Labels until now count no longer, and later ones are of a class that took the place of theirs."""
        number = len(self.store.classes())
        self.store.change_class(self.class_id, "split", [f"class {number}", f"class {number + 1}"])
        self.class_id = number
        for key, given in self.answers.items():
            self.answers[key] = [(uuid, "split" if kind == "label" else kind) for uuid, kind in given]

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(person=people, count=st.integers(0, 3))
    def release(self, person, count):
        rows = self.store.read(lambda c: c.exec_driver_sql("SELECT item, person, token FROM lease").all())
        mine = [row for row in rows if row.person == person][:count]
        assert self.store.release(person, [row.token for row in mine]) == len(mine)
        for row in mine:
            del self.leases[row.item, person]

    @invariant()
    def counters_leases_and_answers_are_those_of_the_model(self):
        if not hasattr(self, "need"):
            return
        rows = self.store.read(lambda c: c.exec_driver_sql("SELECT item, person FROM lease").all())
        held = {(row.item, row.person) for row in rows}
        assert held == {*self.leases}
        counts = open_counts(self.store)
        for item in range(ITEMS):
            assert counts[item] == (self.open(item), self.open(item))
            assert -self.open(item) <= self.late[item]  # labels and leases beyond the need: answers without a lease
        stored = Counter(each.uuid for each in self.store.events() if each.kind != "class")
        assert stored == Counter([*self.sent])
        total = sum(map(self.labels, range(ITEMS)))
        assert self.store.read(lambda c: c.exec_driver_sql("SELECT sum(labels) FROM tally").scalar()) == total

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
        shutil.rmtree(self.folder)


TestStoreModel = StoreMachine.TestCase
TestStoreModel.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    database=None,
    phases=(Phase.generate,),
)
