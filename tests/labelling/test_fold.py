"""The state of a project is the fold of its events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.labelling.fold import ProjectState, fold, refusal
from lindley.labelling.records import ProjectEvent

NAMES = ("cat", "dog", "puppy")


def added(class_id: int, name: str, **more: Any) -> ProjectEvent:
    return ProjectEvent(
        f"class {class_id}", "class", class_id=class_id, payload={"action": "add", "name": name, **more}
    )


def changed(class_id: int, action: str, **more: Any) -> ProjectEvent:
    uuid = f"{action} {class_id} {sorted(more.items())}"
    return ProjectEvent(uuid, "class", class_id=class_id, payload={"action": action, **more})


def label(uuid: str, item: int, class_id: int, person: str = "ann") -> ProjectEvent:
    return ProjectEvent(uuid, "label", item, person, class_id)


def undo(uuid: str, target: str, person: str = "ann") -> ProjectEvent:
    return ProjectEvent(uuid, "undo", person=person, target_uuid=target)


CLASSES = [added(index, name) for index, name in enumerate(NAMES)]


def test_the_last_answer_of_a_person_counts() -> None:
    state = fold([*CLASSES, label("a", 5, 0), label("b", 5, 1), label("c", 5, 2, "bob")])
    assert state.votes(5) == {"ann": 1, "bob": 2}


def test_an_undo_brings_back_the_answer_before() -> None:
    events = [*CLASSES, label("a", 5, 0), label("b", 5, 1), undo("u", "b")]
    assert fold(events).votes(5) == {"ann": 0}
    assert fold([*events, undo("v", "a")]).votes(5) == {}
    assert 5 not in fold([*events, undo("v", "a")]).standing


def test_what_is_undone_twice_is_undone_once() -> None:
    events = [*CLASSES, label("a", 5, 0), label("b", 5, 1), undo("u", "b")]
    assert fold([*events, undo("v", "b")]).votes(5) == fold(events).votes(5)


def test_an_undo_that_arrives_first_still_counts() -> None:
    assert fold([*CLASSES, undo("u", "b"), label("a", 5, 0), label("b", 5, 1)]).votes(5) == {"ann": 0}


def test_nobody_undoes_what_another_person_said() -> None:
    assert fold([*CLASSES, label("a", 5, 0, "bob"), undo("u", "a", "ann")]).votes(5) == {"bob": 0}


@pytest.mark.parametrize("target", ["class 0", "u"])
def test_an_undo_of_a_class_or_of_an_undo_does_nothing(target: str) -> None:
    events = [*CLASSES, label("a", 5, 0), undo("u", "a")]
    before, after = fold(events), fold([*events, undo("v", target)])
    assert (after.classes, after.standing) == (before.classes, before.standing)


def test_an_event_that_comes_twice_counts_once() -> None:
    events = [*CLASSES, label("a", 5, 0)]
    assert fold([*events, label("a", 5, 1)]) == fold(events)


def test_a_skip_replaces_a_label_and_a_label_a_skip() -> None:
    skipped = fold([*CLASSES, label("a", 5, 0), ProjectEvent("s", "skip", 5, "ann")])
    assert (skipped.votes(5), skipped.skipped) == ({}, [5])
    labelled = fold([label("b", 5, 2)], skipped)
    assert (labelled.votes(5), labelled.skipped) == ({"ann": 2}, [])


def test_an_item_that_one_skips_and_another_labels_is_not_skipped() -> None:
    assert fold([*CLASSES, ProjectEvent("s", "skip", 5, "ann"), label("b", 5, 2, "bob")]).skipped == []


def test_flags_and_notes_stay_until_they_are_undone() -> None:
    flag, note = ProjectEvent("f", "flag", 3, "ann", note="blurred"), ProjectEvent("n", "note", 3, "ann", note="hm")
    state = fold([flag, note, undo("u", "f")])
    assert (state.events_of(3, "flag"), state.events_of(3, "note")) == ([], [note])


def test_labels_keep_their_class_and_count_for_what_it_was_merged_into() -> None:
    labels = [label("a", 5, 2), label("b", 6, 1, "bob")]
    merged = fold([*CLASSES, *labels, changed(2, "merge", into=1), changed(1, "merge", into=0)])
    assert (merged.votes(5), merged.votes(6)) == ({"ann": 0}, {"bob": 0})
    assert merged.answers(5)["ann"].class_id == 2
    assert [each.retired for each in merged.classes] == [False, True, True]


def test_labels_of_a_retired_class_do_not_count() -> None:
    state = fold([*CLASSES, label("a", 5, 2), changed(2, "merge", into=1), changed(1, "retire")])
    assert state.votes(5) == {}


def test_a_class_is_renamed_described_and_given_a_key() -> None:
    changes = [
        changed(0, "rename", name="kitten"),
        changed(0, "describe", description="a small one"),
        changed(0, "hotkey", hotkey="k"),
    ]
    found = fold([*CLASSES, *changes]).classes[0]
    assert (found.name, found.description, found.hotkey, found.id) == ("kitten", "a small one", "k", 0)


MERGED = [*CLASSES, changed(2, "merge", into=1)]


@pytest.mark.parametrize(
    ("events", "event"),
    [
        (CLASSES, added(7, "snake")),
        (CLASSES, added(3, "dog")),
        (CLASSES, added(3, "  ")),
        (CLASSES, added(3, "snake", hotkey=5)),
        (CLASSES, added(3, "snake", description=5)),
        ([*CLASSES, changed(0, "hotkey", hotkey="c")], added(3, "snake", hotkey="c")),
        (CLASSES, changed(0, "rename", name="dog")),
        (CLASSES, changed(0, "describe", description=None)),
        (CLASSES, changed(0, "merge", into=0)),
        (CLASSES, changed(0, "merge", into=9)),
        (CLASSES, changed(9, "merge", into=0)),
        (CLASSES, changed(0, "explode")),
        (MERGED, changed(1, "merge", into=2)),
        (MERGED, changed(0, "merge", into=2)),
        (MERGED, changed(2, "merge", into=0)),
        (MERGED, changed(2, "rename", name="x")),
        (MERGED, added(3, "puppy")),
        (CLASSES, label("x", 1, 3)),
        (CLASSES, ProjectEvent("x", "label", 1, "ann")),
        (CLASSES, ProjectEvent("x", "skip", None, "ann")),
        (CLASSES, ProjectEvent("x", "undo", person="ann")),
        (CLASSES, ProjectEvent("x", "guideline", guideline_version=2, payload={"text": "…"})),
        (CLASSES, ProjectEvent("x", "guideline", guideline_version=1)),
    ],
)
def test_what_cannot_follow_is_refused_and_counts_for_nothing(events: list[ProjectEvent], event: ProjectEvent) -> None:
    before = fold(events)
    after = fold([event], before)
    assert refusal(before, event)
    assert after.refused == {event.uuid: refusal(before, event)}
    assert (after.classes, after.standing, after.guideline) == (before.classes, before.standing, before.guideline)


def test_a_merge_into_a_merged_class_names_the_class_that_is_left() -> None:
    assert "'dog'" in refusal(fold(MERGED), changed(0, "merge", into=2))


def test_guidelines_and_options_are_the_last_ones() -> None:
    events = [
        ProjectEvent("g", "guideline", guideline_version=1, payload={"text": "old"}),
        ProjectEvent("h", "guideline", guideline_version=2, payload={"text": "new"}),
        ProjectEvent("c", "config", payload={"acquisition": "margin", "target": 0.9}),
        ProjectEvent("d", "config", payload={"acquisition": "random"}),
    ]
    state = fold(events)
    assert (state.guideline, state.guideline_version) == ("new", 2)
    assert state.config == {"acquisition": "random", "target": 0.9}


_uuids = st.sampled_from([f"e{index}" for index in range(12)])
_people = st.sampled_from(["ann", "bob", ""])
_items = st.integers(0, 3)
_ids = st.integers(0, 5)
_events = st.one_of(
    st.builds(
        lambda uuid, item, person, each: ProjectEvent(uuid, "label", item, person, each), _uuids, _items, _people, _ids
    ),
    st.builds(
        lambda uuid, kind, item, person: ProjectEvent(uuid, kind, item, person),
        _uuids,
        st.sampled_from(["skip", "flag", "note", "reveal"]),
        _items,
        _people,
    ),
    st.builds(
        lambda uuid, kind, item, person, each: ProjectEvent(uuid, kind, item, person, each),
        _uuids,
        st.sampled_from(["adjudicate", "import"]),
        _items,
        _people,
        _ids,
    ),
    st.builds(
        lambda uuid, target, person: ProjectEvent(uuid, "undo", person=person, target_uuid=target),
        _uuids,
        _uuids,
        _people,
    ),
    st.builds(
        lambda uuid, each, payload: ProjectEvent(uuid, "class", class_id=each, payload=payload),
        _uuids,
        _ids,
        st.one_of(
            st.builds(lambda name: {"action": "add", "name": name}, st.sampled_from("abcdef")),
            st.builds(lambda into: {"action": "merge", "into": into}, _ids),
            st.builds(lambda name: {"action": "rename", "name": name}, st.sampled_from("abcdef")),
            st.just({"action": "retire"}),
            st.just({"action": "split", "names": ["g", "h"]}),
        ),
    ),
)


@given(st.lists(_events, max_size=30), st.integers(0, 30))
@settings(deadline=None)
def test_the_fold_of_all_events_is_the_fold_of_the_later_onto_the_earlier(events: list[ProjectEvent], cut: int) -> None:
    earlier = fold([*CLASSES, *events[:cut]])
    copy = fold([*CLASSES, *events[:cut]])
    assert fold(events[cut:], earlier) == fold([*CLASSES, *events])
    assert earlier == copy


@given(st.lists(_events, max_size=40))
@settings(deadline=None)
def test_votes_are_those_of_the_events_that_nobody_undid(events: list[ProjectEvent]) -> None:
    state = fold([*CLASSES, *events])
    first = {event.uuid: event for event in reversed(events)}
    counted = [each for each in first.values() if each.uuid not in state.refused]
    undone = {(each.target_uuid, each.person) for each in counted if each.kind == "undo"}
    order = {event.uuid: place for place, event in reversed(list(enumerate(events)))}
    last: dict[tuple[int | None, str], ProjectEvent] = {}
    for event in sorted(counted, key=lambda each: order[each.uuid]):
        if event.kind in ("label", "skip") and (event.uuid, event.person) not in undone:
            last[event.item, event.person] = event
    found = {(item, person): event for item in state.standing for person, event in state.answers(item).items()}
    assert found == last


@given(st.lists(_events, max_size=40))
@settings(deadline=None)
def test_merges_never_form_a_circle(events: list[ProjectEvent]) -> None:
    classes = fold([*CLASSES, *events]).classes
    for each in classes:
        steps, place = 0, each
        while place.merged_into is not None:
            place, steps = classes[place.merged_into], steps + 1
            assert steps < len(classes)
    assert len({each.name for each in classes}) == len(classes)


def test_nothing_happened_at_the_beginning() -> None:
    assert fold([]) == ProjectState()
