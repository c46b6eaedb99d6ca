"""Events: stored once, in any order, refused one by one; and what follows from an answer, an undo and a skip."""

from __future__ import annotations

import math

import pytest
import sqlalchemy as sa
from small_projects import label, open_counts

from lindley.errors import InputError
from lindley.labelling.records import ProjectEvent
from lindley.session.event_store import Refused


def undo(uuid, target):
    return ProjectEvent(uuid, "undo", target_uuid=target)


def ill_typed(event, **values):
    """The event with values that its types forbid, as a program without checks may make it."""
    for name, value in values.items():
        object.__setattr__(event, name, value)
    return event


def skip(uuid, item):
    return ProjectEvent(uuid, "skip", item=item)


def opens(store, item):
    is_now, must_be = open_counts(store)[item]
    assert is_now == must_be
    return is_now


def holds(store, person):
    return [each.item for each in store.claim(person, 0)] or store.read(
        lambda c: [row.item for row in c.exec_driver_sql(f"SELECT item FROM lease WHERE person = '{person}'")]
    )


def test_events_come_back_with_their_place_their_person_and_their_time(store, clock):
    event = label("a", 3, 1, shown_ms=900, prediction_shown=True, note="Ünï\n😀", predicted=0, predicted_prob=0.1 + 0.2)
    last = [*store.events()][-1].seq
    assert store.append("ann", [event]) == ["stored"]
    (stored,) = store.events(last)
    assert (stored.seq, stored.person, stored.server_time) == (last + 1, "ann", "2026-03-01T00:00:00.000+00:00")
    assert stored.note == event.note
    assert (stored.predicted_prob, stored.shown_ms, stored.prediction_shown) == (0.1 + 0.2, 900, True)


def test_the_same_event_is_stored_once_and_has_one_effect(store):
    event = label("a", 3)
    assert store.append("ann", [event, event]) == ["stored", "known"]
    assert store.append("ann", [event]) == ["known"]
    assert [each.uuid for each in store.events() if each.kind == "label"] == ["a"]
    assert opens(store, 3) == 0


def test_a_uuid_of_another_event_is_refused(store):
    store.append("ann", [label("a", 3)])
    for person, event in (("bob", label("a", 3)), ("ann", label("a", 4)), ("ann", skip("a", 3))):
        (receipt,) = store.append(person, [event])
        assert isinstance(receipt, Refused)
        assert "new uuid" in receipt.reason


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (label("x", 99), "item 99"),
        (label("x", 3, 7), "class 7"),
        (label("x", 3, None), "class_id"),
        (label("", 3), "uuid"),
        (label("x", 3, person="bob"), "'bob'"),
        (ProjectEvent("x", "undo"), "target_uuid"),
        (ill_typed(label("x", 3), kind="paint"), "'paint'"),
        (ill_typed(label("x", 3), item="3"), "item"),
        (ill_typed(label("x", 3), shown_ms=1.5), "shown_ms"),
        (ill_typed(label("x", 3), prediction_shown=1), "prediction_shown"),
        (ProjectEvent("x", "config"), "payload"),
        (ProjectEvent("x", "guideline", payload={"txt": ""}), "text"),
        (label("x", 3, predicted_prob=math.nan), "predicted_prob"),
        (label("x", 3, chosen_prob=math.inf), "chosen_prob"),
        (label("x", 3, shown_ms=2**63), "shown_ms"),
        (label("x", 3, note="\ud800"), "note"),
        (label("x", 3, note="a\0b"), "NUL"),
        (label("\ud800", 3), "uuid"),
        (label("x", 2**70), "item"),
        (label("x", 3, payload={"a": math.nan}), "payload"),
        (ill_typed(label("x", 3), payload={1: 2}), "payload"),
        (label("x", 3, payload={"a": object()}), "payload"),
    ],
)
def test_one_refused_event_leaves_those_beside_it(store, event, reason):
    receipts = store.append("ann", [label("a", 1), event, label("b", 2)])
    assert receipts[::2] == ["stored", "stored"]
    assert isinstance(receipts[1], Refused)
    assert reason in receipts[1].reason
    assert [each.uuid for each in store.events() if each.kind == "label"] == ["a", "b"]


def test_a_name_that_is_no_text_is_refused(store):
    with pytest.raises(InputError):
        store.add_person("\ud800")


def test_events_of_nobody_known_are_refused(store):
    assert isinstance(store.append("eve", [label("a", 3)])[0], Refused)
    assert isinstance(store.append("", [label("a", 3)])[0], Refused)


def test_an_answer_takes_what_its_lease_says_where_it_does_not_say_it(store):
    first, second = store.claim("ann", 2)
    store.append("ann", [label("a", first.item), label("b", second.item, chosen_by="search")])
    stored = {each.uuid: each for each in store.events()}
    assert (stored["a"].chosen_by, stored["a"].epoch) == ("random", 0)
    assert stored["b"].chosen_by == "search"
    assert holds(store, "ann") == []


def test_an_answer_that_comes_after_its_lease_is_kept_as_overlap(begin, clock):
    store = begin(items=1, test_every=0)
    store.claim("ann", 1)
    clock.advance(61)
    store.claim("bob", 1)
    assert store.append("ann", [label("a", 0, 0)]) == ["stored"]
    assert opens(store, 0) == -1
    assert store.append("bob", [label("b", 0, 1)]) == ["stored"]
    assert opens(store, 0) == -1
    assert [each.uuid for each in store.events() if each.kind == "label"] == ["a", "b"]
    assert store.claim("cem", 1) == []


def test_an_answer_after_its_lease_that_nobody_took_since_is_no_overlap(begin, clock):
    store = begin(items=1, test_every=0)
    store.claim("ann", 1)
    clock.advance(61)
    store.append("ann", [label("a", 0)])
    assert opens(store, 0) == 0
    assert store.claim("bob", 1) == []


def test_another_label_of_the_same_person_replaces_the_first_and_takes_no_more(store):
    store.append("ann", [label("a", 3, 0), label("b", 3, 1)])
    assert opens(store, 3) == 0


def test_a_skip_gives_the_item_to_others_and_never_to_the_same_person(begin):
    store = begin(items=2, test_every=0)
    (lease,) = store.claim("ann", 1)
    store.append("ann", [skip("a", lease.item)])
    assert opens(store, lease.item) == 1
    (other,) = store.claim("ann", 2)
    assert other.item != lease.item
    assert [each.item for each in store.claim("bob", 2)] == [lease.item]


def test_an_undo_brings_the_item_back_to_the_same_person_first(store):
    leases = store.claim("ann", 3)
    store.append("ann", [label("a", leases[0].item, 0)])
    _, after = store.append_and_claim("ann", [undo("u", "a")], 3)
    assert [each.item for each in after] == [each.item for each in leases]
    assert (after[0].chosen_by, after[0].epoch) == (leases[0].chosen_by, leases[0].epoch)
    assert opens(store, leases[0].item) == 0
    store.append("ann", [label("b", leases[0].item, 1)])
    assert opens(store, leases[0].item) == 0


def test_five_undos_bring_five_items_back_the_last_undone_first(store):
    items = [each.item for each in store.claim("ann", 5)]
    store.append("ann", [label(f"a{item}", item) for item in items])
    for item in reversed(items):
        store.append("ann", [undo(f"u{item}", f"a{item}")])
    assert [each.item for each in store.claim("ann", 5)] == items


def test_an_undone_item_goes_to_others_when_its_lease_is_over(begin, clock):
    store = begin(items=1, test_every=0)
    store.claim("ann", 1)
    store.append("ann", [label("a", 0), undo("u", "a")])
    assert store.claim("bob", 1) == []
    clock.advance(61)
    assert [each.item for each in store.claim("bob", 1)] == [0]


def test_an_undo_of_a_skip_gives_the_item_back_only_if_it_is_still_there(begin):
    store = begin(items=1, test_every=0)
    store.claim("ann", 1)
    store.append("ann", [skip("a", 0)])
    store.claim("bob", 1)
    store.append("ann", [undo("u", "a")])
    assert holds(store, "ann") == []
    assert opens(store, 0) == 0


def test_an_undo_of_a_correction_lets_the_first_label_count_again(store):
    store.append("ann", [label("a", 3, 0), label("b", 3, 1), undo("u", "b")])
    assert opens(store, 3) == 0
    assert holds(store, "ann") == []
    store.append("ann", [undo("v", "a")])
    assert holds(store, "ann") == [3]


def test_events_may_arrive_in_any_order(store):
    assert store.append("ann", [undo("u", "a")]) == ["stored"]
    assert store.append("ann", [label("a", 3)]) == ["stored"]
    assert opens(store, 3) == 1
    assert 3 in [each.item for each in store.claim("ann", 20)]


def test_an_undo_that_comes_before_an_answer_of_somebody_else_undoes_nothing(store):
    store.append("bob", [undo("u", "a")])
    store.append("ann", [label("a", 3)])
    assert opens(store, 3) == 0


def test_an_undo_twice_has_the_effect_of_one(store):
    store.append("ann", [label("a", 3), undo("u", "a"), undo("v", "a")])
    assert holds(store, "ann") == [3]
    assert opens(store, 3) == 0


def test_nobody_undoes_what_is_not_theirs_or_no_answer(store):
    store.append("ann", [label("a", 3), undo("u", "a"), label("b", 4)])
    classes = next(each.uuid for each in store.events() if each.kind == "class")
    for person, target in (("bob", "b"), ("ann", "u"), ("ann", classes)):
        assert isinstance(store.append(person, [undo(f"{person} {target}", target)])[0], Refused)
    assert opens(store, 4) == 0


def test_flags_notes_and_reveals_answer_nothing(store):
    (lease,) = store.claim("ann", 1)
    events = [ProjectEvent(kind, kind, item=lease.item, note="odd") for kind in ("flag", "note", "reveal")]
    assert store.append("ann", [*events, undo("u", "flag")]) == ["stored"] * 4
    assert holds(store, "ann") == [lease.item]


def test_imported_labels_keep_the_people_of_their_source_and_need_no_more_answers(store):
    events = [
        ProjectEvent("a", "import", item=3, class_id=0),
        ProjectEvent("b", "import", item=4, class_id=1, person="dora", server_time="2020-01-01T00:00:00+00:00"),
    ]
    assert store.append("", events) == ["stored", "stored"]
    assert [(each.person, each.server_time[:4]) for each in store.events() if each.kind == "import"] == [
        ("", "2026"),
        ("dora", "2020"),
    ]
    assert "dora" in store.people()
    assert (opens(store, 3), opens(store, 4)) == (0, 0)
    assert not {3, 4} & {each.item for each in store.claim("ann", 20)}


def test_guidelines_are_numbered(store):
    events = [ProjectEvent(uuid, "guideline", payload={"text": uuid}) for uuid in "ab"]
    store.append("", events)
    assert [each.guideline_version for each in store.events() if each.kind == "guideline"] == [1, 2]


@pytest.mark.parametrize("change", ["UPDATE event SET class_id = 1", "DELETE FROM event", "REPLACE INTO event "])
def test_the_database_refuses_to_change_events(store, change):
    store.append("ann", [label("a", 3, 0)])
    before = [*store.events()]
    if change.startswith("REPLACE"):
        change += (
            "SELECT seq, 'other', kind, "
            + ", ".join(column.name for column in list(store_columns())[3:])
            + " FROM event WHERE uuid = 'a'"
        )
        if store.read(lambda connection: connection.dialect.name) == "postgresql":
            change = "TRUNCATE event"
    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        store.write(lambda connection: connection.exec_driver_sql(change))
    assert [*store.events()] == before


def store_columns():
    from lindley.labelling.tables import event

    return event.columns


def test_the_database_refuses_classes_items_and_people_that_are_not_there(store):
    for column, value in (("class_id", 9), ("item", 99), ("person", "eve")):
        values = {"uuid": "x", "kind": "note", "server_time": "", "note": "", "payload": {}, "prediction_shown": False}
        insert = store_columns()["uuid"].table.insert().values({**values, column: value})
        with pytest.raises(sa.exc.IntegrityError):
            store.write(lambda connection, insert=insert: connection.execute(insert))


def test_classes_are_added_renamed_merged_and_retired_as_events(store):
    snake = store.add_class("snake", hotkey="k", description="long", by="ann")
    store.change_class(0, "rename", "kitten")
    store.change_class(1, "hotkey", "d")
    store.change_class(1, "describe", "barks")
    puppy = store.add_class("puppy")
    store.change_class(puppy, "merge", 1, by="bob")
    store.change_class(snake, "retire")
    classes = store.classes()
    assert [each.id for each in classes] == [0, 1, 2, 3]
    assert [each.name for each in classes] == ["kitten", "dog", "snake", "puppy"]
    assert [(each.retired, each.merged_into) for each in classes] == [(False, None)] * 2 + [(True, None), (True, 1)]
    assert (classes[1].hotkey, classes[1].description) == ("d", "barks")
    assert store.append("ann", [label("a", 3, puppy)]) == ["stored"]  # labels keep the id that they were told
    events = [each for each in store.events() if each.kind == "class"]
    assert [each.payload["action"] for each in events][2:] == [
        "add",
        "rename",
        "hotkey",
        "describe",
        "add",
        "merge",
        "retire",
    ]
    assert store.add_class("cat") == 4  # the name is free, the id is new


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.add_class("cat"),
        lambda store: store.add_class(" "),
        lambda store: store.add_class("x", hotkey="1"),
        lambda store: store.change_class(1, "rename", "cat"),
        lambda store: store.change_class(1, "rename", None),
        lambda store: store.change_class(7, "retire"),
        lambda store: store.change_class(0, "merge", 0),
        lambda store: store.change_class(0, "merge", 7),
        lambda store: store.change_class(2, "rename", "back"),
        lambda store: store.change_class(0, "merge", 2),
        lambda store: store.add_class("x", by="eve"),
    ],
)
def test_wrong_changes_of_classes_are_refused_and_nothing_is_stored(store, change):
    store.change_class(0, "hotkey", "1")
    store.add_class("old")
    store.change_class(2, "retire")
    before = ([*store.events()], store.classes())
    with pytest.raises(InputError):
        change(store)
    assert ([*store.events()], store.classes()) == before


def test_a_class_event_with_an_id_that_is_not_the_next_is_refused(store):
    event = ProjectEvent("x", "class", class_id=5, payload={"action": "add", "name": "x"})
    assert isinstance(store.append("", [event])[0], Refused)
    assert store.append("", [ProjectEvent("x", "class", class_id=2, payload={"action": "add", "name": "x"})]) == [
        "stored"
    ]


@pytest.mark.parametrize("kind", ["label", "import"])
def test_many_answers_take_as_many_statements_as_few(begin, kind):
    store, statements = begin(items=400, test_every=3), []

    def count(*given):
        statements.append(given[2])

    def append(numbers):
        statements.clear()
        events = [ProjectEvent(f"{kind}-{number}", kind, item=number, class_id=number % 2) for number in numbers]
        assert {*store.append("ann" if kind == "label" else "", events)} == {"stored"}
        return len(statements)

    store.claim("ann", 20)
    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        assert append(range(20)) >= append(range(20, 320))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert all(is_now == must_be for is_now, must_be in open_counts(store).values())
