"""The desk in this process: leases that end, classes that change, and what a person is told."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vector_projects import add_vectors, answer, make_vectors

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project
from lindley.labelling.settings import read_settings
from lindley.labelling.storages import DATABASE
from lindley.labelling.store import ProjectStore


class Hand:
    """A clock that is moved by hand."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Hand()


@pytest.fixture
def project(tmp_path, clock):
    folder = make_vectors(tmp_path, rows=40, batch_size=100)
    store = ProjectStore.open(folder / DATABASE, clock=clock, lease_seconds=60.0)
    with Project(folder, read_settings(folder), store) as project:
        for name in ("ann", "bob"):
            store.add_person(name)
        project.train()
        yield project


@pytest.fixture
def desk(project):
    """In lockstep, so that no trainer is started before a round is due."""
    with Desk(project, lockstep=True) as desk:
        yield desk


def test_the_items_of_who_stays_away_go_to_others_and_a_late_answer_is_kept(desk, clock):
    slow = [each.item for each in desk.hand_out("ann", 3).items]
    others = [each.item for each in desk.hand_out("bob", 37).items]
    assert not {*slow} & {*others}
    assert len(others) == 37
    clock.seconds += 61.0
    assert {*slow} <= {each.item for each in desk.hand_out("bob", 40).items}
    assert desk.take("bob", [answer(slow[0])], 0)[0] == ["stored"]
    assert desk.take("ann", [answer(slow[0])], 0)[0] == ["stored"]
    events = [each for each in desk.store.events() if each.item == slow[0]]
    assert [each.person for each in events] == ["bob", "ann"]


def test_an_answer_in_time_keeps_the_rest(desk, clock):
    held = [each.item for each in desk.hand_out("ann", 3).items]
    clock.seconds += 59.0
    desk.take("ann", [answer(held[0])], 2)
    clock.seconds += 59.0
    assert not {*held} & {each.item for each in desk.hand_out("bob", 40).items}


def test_a_person_is_told_when_nothing_is_left(desk):
    items = [each.item for each in desk.hand_out("ann", 40).items]
    assert len(items) == 40
    _, served = desk.take("ann", [answer(item) for item in items[:-1]], 0)
    assert (served.items, served.finished) == ((), False)  # none was asked for
    _, served = desk.take("ann", [], 1)
    assert [each.item for each in served.items] == items[-1:]


def test_items_that_are_added_are_served_by_the_desk_that_runs(desk, project, tmp_path):
    items = [each.item for each in desk.hand_out("ann", 40).items]
    with Project.open(project.folder) as other:
        add_vectors(other, tmp_path, 5)
    served = desk.hand_out("ann", 45).items
    assert [each.item for each in served[:40]] == items
    assert sorted(each.item for each in served[40:]) == [40, 41, 42, 43, 44]
    assert {each.place for each in served[40:]} == {f"more-1.npy, row {row}" for row in range(5)}


def test_classes_that_change_elsewhere_are_offered_at_once(desk, project):
    desk.take("ann", [answer(2)], 0)
    with Project.open(project.folder) as other:
        snake = other.store.add_class("snake")
        other.store.change_class(0, "rename", "west")
    assert [each["name"] for each in desk.classes()] == ["west", "right", "snake"]
    assert desk.history("ann", "", 10)[0]["class"] == "west"
    event = answer(3)
    assert desk.take("ann", [type(event)(event.uuid, "label", item=3, class_id=snake)], 0)[0] == ["stored"]


def test_in_lockstep_nothing_is_handed_out_while_a_round_is_due(tmp_path):
    folder = make_vectors(tmp_path, rows=40, batch_size=2)
    with Project.open(folder) as project:
        project.store.add_person("ann")
        project.train()
        with Desk(project, lockstep=True) as desk:
            train = [item for item, stream in enumerate(project.store.streams()) if stream == "train"]
            receipts, served = desk.take("ann", [answer(item) for item in train[:2]], 1)
            assert receipts == ["stored", "stored"]
            assert (served.items, served.finished) == ((), False)
