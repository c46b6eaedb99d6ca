"""The fold of a journal."""

import json

import pytest

from lindley.errors import JournalError
from lindley.session.journal import Journal
from lindley.session.state import fold, trial_is_complete

START = {"event": "start", "rows": [0, 1, 2, 3, 4], "classes": [0, 1, 0, 1, 0]}


def a_round(index, labels, mark=""):
    """Five rows are asked for in every round."""
    rows = list(range(labels, labels + 5))
    selection = {"rows": rows, "classes": [0] * 5, "scores": [0.5] * 5, "diagnostics": {}}
    told = {"round": index, "labels": labels, "metrics": {}, "selection": selection, "arrays": {}}
    return {"event": "round", **told, "mark": mark}


def test_no_events_are_no_state():
    assert fold([]).start is None
    assert fold([]).rounds == ()


def test_a_later_event_of_a_round_supersedes_it_and_what_came_after():
    events = [START, a_round(0, 5), a_round(1, 10), a_round(2, 15), a_round(1, 10, "again")]
    assert [(each["round"], each["mark"]) for each in fold(events).rounds] == [(0, ""), (1, "again")]


def test_events_of_other_kinds_are_no_rounds():
    events = [START, a_round(0, 5), {"event": "resumed", "round": 1, "changes": {}}]
    assert len(fold(events).rounds) == 1


@pytest.mark.parametrize(
    ("events", "missing"),
    [([a_round(0, 5)], "the start"), ([START, a_round(0, 5), a_round(2, 15)], "round 1")],
)
def test_an_event_that_is_missing_is_named(events, missing):
    with pytest.raises(JournalError, match=f"but {missing} is missing"):
        fold(events)


def test_a_trial_is_complete_when_a_model_saw_all_labels(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append(START)
        journal.append(a_round(0, 5))
        journal.append(a_round(1, 10))
    with pytest.raises(JournalError, match=r"manifest\.json is missing"):
        trial_is_complete(tmp_path, 10)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "key": "a", "versions": {}, "data_hashes": {}}))
    assert trial_is_complete(tmp_path, 10)
    assert trial_is_complete(tmp_path, 7)
    assert not trial_is_complete(tmp_path, 11)
    assert not trial_is_complete(tmp_path / "nowhere", 1)
