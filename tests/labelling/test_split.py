"""A class that is split: its labels no longer count, and their items are labelled again, before all others."""

import json

import pytest
from small_projects import found, label, open_counts

from lindley.errors import InputError
from lindley.labelling.class_events import resolve_class
from lindley.labelling.fold import fold
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import ProjectEvent
from lindley.labelling.sql import sa
from lindley.labelling.store import ProjectStore
from lindley.labelling.tables import tally

TEST = (0, 4, 8)


@pytest.fixture
def store(tmp_path):
    """Twelve items, of which every fourth measures; ann has labelled five, two of them as dogs and one as a puppy."""
    with ProjectStore.create(tmp_path / "project.db") as store:
        store.add_items(found(12, test_every=4))
        for name in ("ann", "bob"):
            store.add_person(name)
        for name in ("cat", "dog", "puppy"):
            store.add_class(name)
        store.append("ann", [label("a", 1, 0), label("b", 2, 1), label("c", 3, 2), label("d", 4, 1), label("e", 5, 0)])
        store.change_class(2, "merge", 1)
        store.swap_queue(1, [QueueRow(7, "bald"), QueueRow(9, "bald")])
        yield store


def split(store, *names, class_id=1):
    store.change_class(class_id, "split", [*(names or ("old dog", "young dog"))], by="ann")


def served(store, person, count, **more):
    return [each.item for each in store.claim(person, count, **more)]


def counters_agree(store):
    return all(is_now == must_be for is_now, must_be in open_counts(store).values())


def num_labelled(store):
    return store.read(lambda connection: connection.scalar(sa.select(sa.func.sum(tally.c.labelled))))


def test_a_split_retires_the_class_and_adds_others_with_keys_of_their_own(store):
    split(store)
    classes = store.classes()
    assert [(each.id, each.name) for each in classes[3:]] == [(3, "old dog"), (4, "young dog")]
    assert [(each.retired, each.split) for each in classes] == [
        (False, False), (True, True), (True, True), (False, False), (False, False)
    ]  # fmt: skip
    keys = [each.hotkey for each in classes if not each.retired]
    assert None not in keys
    assert len({*keys}) == 3
    assert [resolve_class(classes, each) for each in range(5)] == [0, None, None, 3, 4]
    assert classes == [*fold(store.events()).classes]


def test_labels_of_a_split_class_and_of_those_merged_into_it_count_no_longer(store):
    before = [each for each in store.events() if each.kind == "label"]
    split(store)
    state = fold(store.events())
    assert {item: state.votes(item) for item in range(1, 6)} == {1: {"ann": 0}, 2: {}, 3: {}, 4: {}, 5: {"ann": 0}}
    assert [each for each in store.events() if each.kind == "label"] == before
    assert num_labelled(store) == 2
    assert counters_agree(store)


@pytest.mark.parametrize("want_test", [False, True])
def test_items_of_a_split_class_come_first_also_to_who_labelled_them(store, want_test):
    split(store)
    leases = store.claim("ann", 4, want_test=want_test)
    assert {each.item for each in leases[:3]} == {2, 3, 4}
    assert {each.item: each.chosen_by for each in leases[:3]} == {2: "split", 3: "split", 4: "test"}
    assert leases[3].item not in (1, 2, 3, 4, 5)
    assert store.streams()[4] == "test"
    assert counters_agree(store)


def test_an_item_that_is_labelled_again_is_done(store):
    split(store)
    assert {*served(store, "bob", 3)} == {2, 3, 4}
    store.append("bob", [label("x", 2, 3), label("y", 3, 4), label("z", 4, 3)])
    assert not {*served(store, "ann", 12)} & {1, 2, 3, 4, 5}
    assert num_labelled(store) == 5
    assert counters_agree(store)


def test_what_is_undone_after_a_split_does_not_bring_the_old_label_back(store):
    """Nor does it bring back what the person had said before that."""
    store.append("ann", [label("b0", 6, 0), label("b1", 6, 1)])
    split(store)
    store.append("ann", [label("x", 6, 3), ProjectEvent("u", "undo", target_uuid="x")])
    assert fold(store.events()).votes(6) == {}
    assert served(store, "ann", 1) == [6]
    assert counters_agree(store)


def test_a_label_of_a_split_class_that_comes_late_leaves_the_item_open(store):
    split(store)
    item = served(store, "bob", 1)[0]
    assert store.append("bob", [label("late", item, 1)]) == ["stored"]
    assert counters_agree(store)
    assert item in served(store, "bob", 12)


def test_answers_of_one_request_before_and_after_a_split_are_each_as_they_were_given(store):
    event = ProjectEvent("s", "class", class_id=1, payload={"action": "split", "names": ["x", "y"]})
    store.append("ann", [label("p", 6, 1), event, label("q", 7, 3)])
    assert counters_agree(store)
    state = fold(store.events())
    assert (state.votes(6), state.votes(7)) == ({}, {"ann": 3})


def test_an_audit_that_has_ended_is_not_labelled_again(store):
    from lindley.labelling.round_records import ModelRecord

    assert store.start_audit([10]) == [10]
    store.swap_queue(2, [], model=ModelRecord("m", "m", "", "", 0), predicted=[1] * 12)
    store.append("ann", [label("x", 10, 1)])
    split(store)
    assert 10 not in served(store, "bob", 12)


@pytest.mark.parametrize(
    "names",
    [[], ["x"], ["x", "x"], ["x", "X "], ["x", "cat"], ["x", "dog"], ["x", ""], "xy", None, ["x", "a\0b"]],
)
def test_a_split_that_cannot_be_is_refused(store, names):
    before = store.classes()
    with pytest.raises(InputError):
        store.change_class(1, "split", names)
    with pytest.raises(InputError):
        store.change_class(2, "split", ["x", "y"])
    assert store.classes() == before


def test_a_part_may_be_split_again(store):
    split(store)
    store.append("ann", [label("x", 2, 3)])
    split(store, "grey dog", "white dog", "black dog", class_id=3)
    assert [each.name for each in store.classes() if not each.retired] == [
        "cat", "young dog", "grey dog", "white dog", "black dog"
    ]  # fmt: skip
    assert {*served(store, "ann", 3)} == {2, 3, 4}
    assert counters_agree(store)


def test_events_as_json_say_what_was_split(store):
    split(store)
    (event,) = [each for each in store.events() if each.payload.get("action") == "split"]
    assert (event.class_id, event.person) == (1, "ann")
    assert json.loads(json.dumps(event.payload))["names"] == ["old dog", "young dog"]


def test_an_old_label_is_undone_while_the_person_holds_its_item_again(store):
    store.set_need(2)
    split(store)
    before = store.claim("ann", 3)
    assert store.append("ann", [ProjectEvent("u", "undo", target_uuid="b")]) == ["stored"]
    assert [each.token for each in store.claim("ann", 3)] == [each.token for each in before]
    assert counters_agree(store)
