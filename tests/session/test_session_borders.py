"""What a session refuses, and what must not damage its journal: interrupts, threads, forks, stores that refuse."""

from __future__ import annotations

import ast
import os
import re
import threading
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

import lindley
from lindley.contracts import Classification, Selection
from lindley.errors import InputError, JournalError
from lindley.session.event_store import MemoryStore, Refused
from lindley.session.events import Answer
from lindley.session.journal_file import read_events
from lindley.session.rounds import Observation
from lindley.session.session import Session
from lindley.session.state import fold_events

TASK = Classification(("a", "b", "c"))


@pytest.fixture(autouse=True)
def as_in_use(monkeypatch):
    """Types are checked by nobody but the code itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def begin(pool, learner):
    def session(store=None, acquisition="random", **more):
        settings = {"task": TASK, "num_draws": 3, "batch_size": 4, **more}
        return Session(pool, learner, acquisition, store=store, **settings)

    return session


def resolved(folder):
    return set(fold_events(read_events(folder)).answers)


def test_an_interrupt_while_an_answer_is_written_leaves_the_journal_whole(begin, tmp_path, monkeypatch):
    session = begin(tmp_path)
    with monkeypatch.context() as patch:

        def interrupt(descriptor):
            raise KeyboardInterrupt

        patch.setattr("os.fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.tell({1: 0})
    session.tell({2: 0})
    session.close()
    assert resolved(tmp_path) == {2}


def test_threads_may_tell_at_the_same_time(begin, tmp_path):
    session = begin(tmp_path)
    threads = [
        threading.Thread(target=lambda first: [session.tell({row: 1}) for row in range(first, 40, 4)], args=(first,))
        for first in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.close()
    assert resolved(tmp_path) == set(range(40))


def test_what_cannot_follow_is_refused_and_not_stored(begin, tmp_path):
    session = begin(tmp_path, initial_labels=3)
    rows = session.ask().rows.tolist()
    session.tell(dict.fromkeys(rows, 0))
    before = (tmp_path / "journal.jsonl").read_bytes()
    for wrong in (
        lambda: session.query([3, 3], "test"),
        lambda: session.query([rows[0]], "test"),
        lambda: session.query([7], "train"),
        lambda: session.step(batch_size=-1),
    ):
        with pytest.raises(InputError):
            wrong()
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    session.close()
    assert resolved(tmp_path) == set(rows)


def test_rows_that_were_answered_before_are_not_queried_at_the_beginning(begin, tmp_path):
    with begin(tmp_path) as session:
        session.tell(dict.fromkeys(range(50), 0))
    with begin(tmp_path, initial_labels=5, validation_labels=5) as session:
        assert not set(session.ask().rows.tolist()) & set(range(50))


def test_two_sessions_on_one_store_know_the_same(begin):
    store = MemoryStore()
    first, second = begin(store, initial_labels=4), begin(store)
    second.tell({59: 1})
    first.tell(dict.fromkeys(first.ask().rows.tolist(), 0))
    assert first.step().num_labels == 5


def test_answers_cannot_be_given_by_what_a_step_observes(begin):
    def telling(view):
        session.tell({59: 1})
        return Observation()

    session = begin(initial_labels=4, observers={"telling": telling})
    session.tell(dict.fromkeys(session.ask().rows.tolist(), 0))
    with pytest.raises(InputError) as caught:
        session.step()
    assert caught.value.argument == "answers"
    assert 59 not in session.state.answers


def test_keys_that_are_numbers_are_read_as_they_were_written(begin, tmp_path):
    def choose(context, batch_size, *, seed):
        rows = context.candidates.rows[:batch_size]
        return Selection(rows, torch.zeros(batch_size), {"weights": {2: 1.0, 10: 0.5}})

    with begin(tmp_path, choose, initial_labels=4) as session:
        session.tell(dict.fromkeys(session.ask().rows.tolist(), 0))
        session.step()
    with begin(tmp_path, choose) as session:
        assert len(session.state.rounds) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_cannot_write_into_its_parents_journal(begin, tmp_path):
    session = begin(tmp_path)
    child = os.fork()
    if child == 0:
        try:
            session.tell({1: 0})
        except JournalError:
            os._exit(7)
        os._exit(0)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    session.tell({2: 0})
    session.close()
    assert resolved(tmp_path) == {2}


def test_the_reason_of_a_store_that_refuses_is_reported(begin):
    class ReadOnly:
        def append(self, events):
            return [Refused("it is read only")]

        def read(self, since=0):
            return iter(())

        def save_arrays(self, name, arrays):
            raise AssertionError

    with pytest.raises(InputError) as caught:
        begin(ReadOnly())
    assert (caught.value.argument, caught.value.got) == ("store", "it is read only")


def test_a_second_first_batch_is_the_one_that_waits(begin):
    session = begin()
    first = session.step().selection.rows.tolist()
    assert session.step().selection.rows.tolist() == session.ask().rows.tolist() == first


def test_too_many_validation_rows_leave_no_half_session(begin, tmp_path):
    with pytest.raises(InputError):
        begin(tmp_path, initial_labels=5, validation_labels=1000)
    with begin(tmp_path, initial_labels=5, validation_labels=6) as session:
        assert len(session.ask().rows) == 11


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial_labels": -1},
        {"validation_labels": -1},
        {"candidates": -1},
        {"initial_labels": True},
        {"initial_labels": 2.5},
        {"num_draws": 2.5},
        {"seed": None},
        {"seed": "a"},
    ],
    ids=str,
)
def test_wrong_numbers_are_refused_by_name(begin, wrong):
    with pytest.raises(InputError) as caught:
        begin(**wrong)
    assert {caught.value.argument: caught.value.got} == wrong


@pytest.mark.parametrize(
    "made",
    [
        lambda: Answer(True, 1),
        lambda: Answer("7", 1),
        lambda: Answer(4, "cat"),
        lambda: Answer(4, 1, outcome="foo"),
        lambda: Answer(4, 1, annotator=None),
        lambda: Answer(4, 1, confidence=5),
        lambda: Answer(4, 1, confidence=float("nan")),
    ],
)
def test_wrong_answers_are_refused_where_they_are_made(made):
    with pytest.raises(InputError):
        made()


def test_numbers_of_numpy_are_taken(begin):
    session = begin(seed=np.int64(0))
    session.tell([Answer(np.int64(2), np.int32(1))])
    session.tell({np.int64(3): np.uint8(2)})
    assert [answer.value for answer in session.state.answers.values()] == [1, 2]


def test_a_file_in_the_place_of_the_folder_is_named(begin, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError) as caught:
        begin(tmp_path / "file")
    assert caught.value.path == tmp_path / "file"


def test_a_long_text_is_read_back_from_its_spreadsheet(begin, tmp_path):
    session = begin(initial_labels=2)
    session.export(tmp_path / "ask.csv", items=["x" * 200_000] * 60)
    assert session.tell_csv(tmp_path / "ask.csv") == 0


def messages(path):
    """The texts of a module that are no docstrings, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_messages_of_a_session_speak_of_no_trial_and_no_study():
    """Those of trial.py, its manifest and import paths, which stand in studies, may."""
    folder = Path(lindley.__file__).parent / "session"
    modules = sorted(
        set(folder.glob("*.py")) - {folder / f"{name}.py" for name in ("trial", "manifest", "import_paths")}
    )
    spoken = [(path.name, *found) for path in modules for found in messages(path)]
    assert len(spoken) > 100
    of_trials = re.compile(r"\btrial|\bstud(y|ies)\b|max_labels", re.IGNORECASE)
    paths = ("environment.py", "schedule.py")  # patterns of files
    assert [each for each in spoken if of_trials.search(each[2]) and each[0] not in paths] == []


def test_one_answer_may_be_told_without_a_list(begin):
    session = begin()
    session.tell(Answer(1, 1))
    assert set(session.state.answers) == {1}


def test_two_observers_cannot_measure_one_metric(begin):
    observers = {name: lambda view: Observation({"same": 1.0}) for name in ("one", "two")}
    session = begin(initial_labels=4, observers=observers)
    session.tell(dict.fromkeys(session.ask().rows.tolist(), 0))
    with pytest.raises(InputError) as caught:
        session.step()
    assert (caught.value.argument, caught.value.got) == ("observers", "same")
