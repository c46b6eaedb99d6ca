"""Events: what is written is read, and what is none is refused in words. A store takes each answer once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lindley.errors import InputError
from lindley.session.event_store import EventStore, MemoryStore
from lindley.session.events import Answer, Answered, Fitted, Queried, Started, from_json, to_json
from lindley.session.journal_file import JournalStore

TEXT = st.text(max_size=5)
ANSWERS = st.builds(
    lambda row, label, **more: Answer(row, label, "label" if label is not None else "skip", **more),
    st.integers(0, 2**40),
    st.none() | st.integers(0, 9) | st.floats(-10, 10),
    annotator=TEXT,
    uuid=TEXT,
    reason=TEXT,
    confidence=st.none() | st.floats(0, 1),
    cost=st.none() | st.floats(0, 9),
    at=TEXT,
    seconds=st.none() | st.floats(0, 9),
)


@given(st.lists(ANSWERS, min_size=1, max_size=6))
def test_answers_come_back_from_their_columns(answers):
    event = from_json(to_json(Answered.from_answers(answers)))
    assert event.answers == tuple(answers)


def test_what_stands_at_its_default_is_not_written():
    answers = [Answer(4, 1, uuid=""), Answer(2, 0, uuid="")]
    assert to_json(Answered.from_answers(answers)) == {"event": "answered", "row": [4, 2], "value": [1, 0]}
    assert to_json(Fitted(round=0, labels=3)) == {"event": "fitted", "round": 0, "labels": 3}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, "event"),
        ({"event": "round"}, "event"),
        ({"event": "started"}, "key"),
        ({"event": "started", "key": 3}, "key"),
        ({"event": "queried", "round": -1, "purpose": "train", "rows": []}, "round"),
        ({"event": "queried", "round": 0, "purpose": "fun", "rows": []}, "purpose"),
        ({"event": "queried", "round": 0, "purpose": "train", "rows": [1, 1]}, "twice"),
        ({"event": "queried", "round": 0, "purpose": "train", "rows": [1], "scores": [0.1, 0.2]}, "scores"),
        ({"event": "answered", "row": [1], "value": []}, "shorter"),
        ({"event": "answered", "row": [1], "value": [None]}, "value"),
        ({"event": "answered", "row": [1], "value": [True]}, "value"),
        ({"event": "fitted", "round": 0, "labels": 1, "seconds": {"fit": float("nan")}}, "seconds"),
        ({"event": "fitted", "round": 0, "labels": 1, "metrics": {"accuracy": 7}}, "accuracy"),
        ({"event": "fitted", "round": 0, "labels": 1, "mark": 1}, "mark"),
    ],
)
def test_what_is_no_event_is_refused_in_words(value, fault):
    with pytest.raises(ValueError, match=fault):
        from_json(value)


def test_a_label_has_a_value_and_no_other_outcome_has_one():
    for wrong in ((3,), (3, 1, "skip")):
        with pytest.raises(InputError) as caught:
            Answer(*wrong)
        assert (caught.value.argument, caught.value.rows) == ("value", (3,))


@pytest.fixture(params=["memory", "journal"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
    else:
        with JournalStore(tmp_path) as journal:
            yield journal


def test_a_store_takes_each_answer_once(store):
    assert isinstance(store, EventStore)
    first = Answered.from_answers([Answer(0, 1, uuid="a"), Answer(1, 1, uuid="b")])
    assert store.append([Started(key="k"), first]) == ["stored", "stored"]
    again = Answered.from_answers([Answer(1, 1, uuid="b"), Answer(2, 0, uuid="c"), Answer(2, 0, uuid="c")])
    assert store.append([first, again, again]) == ["known", "stored", "known"]
    rows = [answer.row for event in store.read(1) for answer in event.answers]
    assert rows == [0, 1, 2]


def test_answers_without_a_uuid_are_never_repetitions(store):
    same = Answered.from_answers([Answer(0, 1, uuid="")])
    assert store.append([Started(key="k"), same, same]) == ["stored"] * 3


def test_events_are_read_from_any_place(store):
    events = [Started(key="k"), Queried(round=0, purpose="test", rows=[3]), Queried(round=0, purpose="test", rows=[4])]
    store.append(events)
    assert [list(store.read(since)) for since in range(4)] == [events, events[1:], events[2:], []]
