"""What is left of a study, whoever else works on it."""

import pytest
from journal_fakes import experiment_table, make_study, write_study

from lindley.session.failures import record_failure
from lindley.session.journal_file import JournalStore
from lindley.study.running.trial_queue import TrialQueue
from lindley.study.trials import trials_of

STUDY = make_study(experiment_table("digits", ["random"], seeds=3))
TRIALS = trials_of(STUDY)
FIRST, SECOND, THIRD = (trial.folder for trial in TRIALS)
HOW_FAR = {"round": 2, "labels": 40, "accuracy": 0.5}
"""Of the second, in the folder below."""


@pytest.fixture
def out(tmp_path):
    """A folder in which the first trial is finished, the second has two rounds, the third nothing."""
    done = {FIRST: None, SECOND: 2, THIRD: 0}
    return write_study(tmp_path, STUDY, accuracy=lambda ask: 0.5, rounds_done=lambda trial: done[trial.folder])


def remaining(out):
    told = []
    return TrialQueue(TRIALS, out, told.append), told


def test_what_is_finished_is_told_and_not_left(out):
    left, told = remaining(out)
    assert told == [{"trial": FIRST, "stage": "complete"}, {"trial": SECOND, "stage": "waiting", **HOW_FAR}]
    assert [left.take().folder, left.take().folder, left.take()] == [SECOND, THIRD, None]
    assert left.trials == []


def test_what_another_holds_is_left_out_told_with_its_progress_and_taken_when_it_is_free(out):
    with JournalStore(out / SECOND, process=7):
        left, told = remaining(out)
        assert left.take().folder == THIRD
        assert left.take() is None
        assert [trial.folder for trial in left.trials] == [SECOND]
        assert told[-1] == {"trial": SECOND, "stage": "held", "holder": "process 7", **HOW_FAR}
    assert left.take().folder == SECOND


def test_what_another_has_finished_is_told_and_not_left(out, tmp_path):
    left, told = remaining(out)
    write_study(tmp_path / "other", STUDY, accuracy=lambda ask: 0.5)
    content = (tmp_path / "other" / SECOND / "journal.jsonl").read_bytes()
    (out / SECOND / "journal.jsonl").write_bytes(content)
    assert left.take().folder == THIRD
    assert told[-1] == {"trial": SECOND, "stage": "complete"}


def test_what_failed_before_is_tried_again_and_what_failed_elsewhere_since_is_not(out):
    record_failure(out / SECOND, "diverged")
    left, told = remaining(out)
    record_failure(out / THIRD, "no such data")
    assert [left.take().folder, left.take()] == [SECOND, None]
    assert told[-1] == {"trial": THIRD, "stage": "failed", "message": "no such data"}


def test_a_trial_that_is_put_back_is_the_next(out):
    left, _ = remaining(out)
    left.put_back(left.take())
    assert left.take().folder == SECOND


def test_a_damaged_journal_is_told_and_not_left(out):
    (out / SECOND / "journal.jsonl").write_bytes(b"{}\n")
    left, told = remaining(out)
    assert [trial.folder for trial in left.trials] == [THIRD]
    assert "line 1 is damaged" in told[-1]["message"]
