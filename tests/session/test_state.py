"""The fold of a session's events."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.errors import JournalError
from lindley.session.consensus import consensus_name, majority
from lindley.session.events import Answer, Answered, Fitted, Queried, Resumed, Started, Withdrawn, from_json, to_json
from lindley.session.state import fold_events

START = [Started(key="a"), Queried(round=0, purpose="initial", rows=[4, 2, 0])]


def labelled(*rows, value=0, annotator=""):
    return Answered.from_answers([Answer(row, value, annotator=annotator) for row in rows])


def a_round(index, labels, *rows, **more):
    """A fit and the rows queried after it."""
    return [Fitted(round=index, labels=labels, **more), Queried(round=index, purpose="train", rows=list(rows))]


BEGUN = [*START, labelled(4, 2, 0)]


def test_no_events_are_no_state():
    assert fold_events([]).key is None
    assert fold_events([]).rounds == ()


def test_labels_stand_in_the_order_of_the_queries_whatever_order_they_came_in():
    events = [*START, labelled(0), labelled(9), labelled(2, 4), *a_round(0, 4, 7, 6), labelled(6), labelled(7)]
    assert list(fold_events(events).answers) == [4, 2, 0, 7, 6, 9]


@settings(max_examples=60, deadline=None)
@given(st.permutations([7, 6, 5, 3, 8]), st.lists(st.integers(1, 4), max_size=4, unique=True))
def test_the_order_of_labels_does_not_depend_on_the_order_of_answers_whatever_was_superseded(late, cuts):
    """Rows of the query that stands come first, then those of the superseded query, each in the order queried."""
    parts = [late[start:end] for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), 5], strict=True)]
    superseded, standing = a_round(0, 3, 7, 6, 5), a_round(0, 3, 3, 6, 8)
    state = fold_events([*BEGUN, *superseded, *standing, *(labelled(*rows) for rows in parts)])
    assert list(state.answers) == [4, 2, 0, 3, 6, 8, 7, 5]
    assert state.pending == ()


def test_a_second_answer_leaves_a_row_in_its_place():
    events = [Started(key="a"), labelled(8), labelled(9), labelled(8, annotator="bob")]
    assert list(fold_events(events).answers) == [8, 9]


def test_pending_are_the_rows_without_an_answer_of_the_last_query():
    assert fold_events(START).pending == (4, 2, 0)
    assert fold_events([*START, labelled(2)]).pending == (4, 0)
    events = [*BEGUN, *a_round(0, 3, 7, 6), labelled(7)]
    assert fold_events(events).pending == (6,)
    assert fold_events([*events, *a_round(1, 4, 5)]).pending == (5,)  # superseded: 6 is wanted no longer


def test_the_last_answer_of_an_annotator_counts():
    events = [*START, labelled(4, value=0, annotator="ann"), labelled(4, value=1, annotator="ann")]
    assert fold_events(events).answers[4].value == 1


def test_without_a_majority_a_row_waits_for_another_opinion():
    events = [*START, labelled(4, value=0, annotator="ann"), labelled(4, value=1, annotator="bob")]
    state = fold_events(events)
    assert 4 in state.pending
    assert [answer.annotator for answer in state.disputed[4]] == ["ann", "bob"]
    state = fold_events([*events, labelled(4, value=1, annotator="cem")])
    assert (state.answers[4].value, dict(state.disputed)) == (1, {})


def test_majority_counts_outcomes_and_values_apart():
    skip = Answer(1, outcome="skip", annotator="ann")
    assert majority([skip]) is skip
    assert majority([skip, Answer(1, 0)]) is None
    assert majority([skip, Answer(1, 0), Answer(1, 1), Answer(1, 1)]).value == 1


def test_what_is_withdrawn_waits_again():
    state = fold_events([*BEGUN, Withdrawn(rows=[2])])
    assert state.pending == (2,)
    assert list(state.answers) == [4, 0]


def test_outcomes_other_than_labels_are_kept_apart():
    other = Answered.from_answers([Answer(2, outcome="skip"), Answer(0, outcome="none_of_the_classes")])
    state = fold_events([*START, labelled(4), other])
    assert (state.skipped, state.none_of_the_classes, state.num_labels, state.pending) == ((2,), (0,), 2, ())


def test_purposes_are_those_of_the_queries():
    events = [*START, Queried(round=0, purpose="validation", rows=[5]), labelled(4, 2, 0, 5, 9)]
    state = fold_events(events)
    assert [answer.row for answer in state.answers_for("initial", "train")] == [4, 2, 0, 9]
    assert [answer.row for answer in state.answers_for("validation")] == [5]


def test_a_later_fit_supersedes_its_round_and_those_after_it():
    first = [*BEGUN, *a_round(0, 3, 7), labelled(7), *a_round(1, 4, 6)]
    undone = [*first, Withdrawn(rows=[7]), *a_round(0, 3, 7, 8, metrics={"nll": 1.0})]
    assert [each.metrics for each in fold_events(undone).rounds] == [{"nll": 1.0}]
    assert fold_events(undone).pending == (7, 8)


def test_a_fit_on_the_same_labels_is_the_same_round():
    events = [*BEGUN, *a_round(0, 3, 7)]
    assert fold_events(BEGUN).next_round == 0
    assert fold_events(events).next_round == 0
    events.append(labelled(7))
    assert fold_events(events).next_round == 1
    assert fold_events([*events, Withdrawn(rows=[7])]).next_round == 0
    assert fold_events([*events, Withdrawn(rows=[7]), labelled(7, value=1)]).next_round == 1


def test_a_second_start_begins_anew():
    state = fold_events([*BEGUN, *a_round(0, 3, 7), Started(key="b")])
    assert (state.key, state.rounds, dict(state.answers)) == ("b", (), {})


def test_a_state_reaches_the_labels_that_a_model_saw():
    state = fold_events([*BEGUN, *a_round(0, 3, 7), labelled(7)])
    assert (state.is_complete(3), state.is_complete(4)) == (True, False)


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (a_round(0, 0), 1),
        ([*BEGUN, *a_round(1, 3)], 4),
        ([*BEGUN, *a_round(0, 5)], 4),
        ([*BEGUN, *a_round(0, 3, 2)], 5),
        ([*BEGUN, Queried(round=0, purpose="train", rows=[7])], 4),
    ],
)
def test_an_event_that_cannot_follow_is_damage_at_its_line(events, line, tmp_path):
    with pytest.raises(JournalError) as caught:
        fold_events(events, path=tmp_path)
    assert (caught.value.path, caught.value.line) == (tmp_path, line)


def first(answers):
    return answers[0]


CONSENSUSES = [majority, first, partial(first), lambda answers: answers[0], max]


@pytest.mark.parametrize("written", CONSENSUSES, ids=consensus_name)
@pytest.mark.parametrize("opened", CONSENSUSES, ids=consensus_name)
def test_events_are_folded_with_the_consensus_that_they_were_written_with(written, opened, tmp_path):
    events = [Started(key="a", consensus=consensus_name(written))]
    if consensus_name(written) == consensus_name(opened):
        assert fold_events(events, opened).key == "a"
    else:
        with pytest.raises(JournalError) as caught:
            fold_events(events, opened, path=tmp_path)
        assert caught.value.entry == "consensus"
        assert (caught.value.path, caught.value.line) == (tmp_path, 1)


def test_a_start_without_a_consensus_means_the_majority():
    assert fold_events([from_json({"event": "started", "key": "a"})]).key == "a"
    assert to_json(Started(key="a", consensus=consensus_name(majority))) == {"event": "started", "key": "a"}


def test_resumptions_are_kept():
    assert len(fold_events([*BEGUN, Resumed(round=0, changes={"torch": ["1", "2"]})]).resumptions) == 1
