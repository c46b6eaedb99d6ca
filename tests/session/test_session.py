"""A session: people answer in part, out of order and at odds, are interrupted and undo, on each store alike."""

from __future__ import annotations

import csv
import gc
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lindley.acquisition.catalogue import acquisition_named
from lindley.contracts import Classification, Regression
from lindley.errors import HeldError, InputError, InputWarning, JournalError
from lindley.labelling.session_store import SessionStore
from lindley.labelling.store import ProjectStore
from lindley.session import locks
from lindley.session.event_store import MemoryStore
from lindley.session.events import Answer
from lindley.session.journal_file import JournalStore
from lindley.session.session import Session
from lindley.session.state import fold_events

TASK = Classification(("a", "b", "c"))
KILLS = max(30, int(os.environ.get("LINDLEY_FUZZ", "0")) // 2)


@pytest.fixture(params=["memory", "folder", "database"])
def reopen(request, tmp_path, pool, learner):
    """Begin the session, or go on with it; a memory is the same object, a folder or a database is opened again."""
    opened = []
    memory, databases = MemoryStore(), []

    def open_store():
        if request.param == "database":
            for database in databases:
                database.close()
            databases.append(ProjectStore.create(tmp_path / "project.db"))
            return SessionStore(databases[-1])
        return memory if request.param == "memory" else tmp_path / "session"

    def begin(acquisition="bald", **more):
        for session in opened:
            session.close()
        store = open_store()
        settings = {"task": TASK, "num_draws": 6, "batch_size": 4, "seed": 3, "initial_labels": 6, **more}
        session = Session(pool, learner, acquisition, store=store, **settings)
        opened.append(session)
        return session

    yield begin
    for each in (*opened, *databases):
        each.close()


def answer(session, classes, rows=None):
    rows = session.ask().rows.tolist() if rows is None else rows
    session.tell({row: int(classes[row]) for row in rows})


def test_the_whole_loop(reopen, classes):
    session = reopen()
    answer(session, classes)
    for labels in (6, 10, 14):
        result = session.step()
        assert result.num_labels == labels
        assert session.ask().rows.tolist() == result.selection.rows.tolist()
        assert torch.equal(session.ask().scores, result.selection.scores.double())
        answer(session, classes)
    assert len(session.labels) == 18
    assert torch.equal(session.labels.values, classes[session.labels.rows])
    assert len(session.state.rounds) == 3


def test_disagreement_parts_disorder_undo_and_a_spreadsheet_end_where_an_undisturbed_session_ends(
    reopen, classes, tmp_path, pool, learner
):
    calm = Session(pool, learner, "bald", task=TASK, num_draws=6, batch_size=4, seed=3, initial_labels=6)
    for _ in range(2):
        answer(calm, classes)
        calm.step()

    session = reopen()
    rows = session.ask().rows.tolist()
    answer(session, classes, rows[3:5])  # in part, out of order
    session = reopen()
    assert session.ask().rows.tolist() == rows[:3] + rows[5:]
    answer(session, classes, rows[:3][::-1])
    last, wrong = rows[5], (int(classes[rows[5]]) + 1) % 3
    session.tell([Answer(last, wrong, annotator="ann"), Answer(last, int(classes[last]), annotator="bob")])
    assert session.ask().rows.tolist() == [last]  # they disagree
    session.tell([Answer(last, int(classes[last]), annotator="cem")])
    assert session.ask().rows.numel() == 0
    session.withdraw([rows[0]])
    assert session.ask().rows.tolist() == [rows[0]]
    session = reopen()
    path = tmp_path / "ask.csv"
    assert session.export(path, items=[f"item {row}" for row in range(60)]) == 1
    with path.open(encoding="utf-8-sig") as file:
        (line,) = csv.DictReader(file)
    assert line == {"row": str(rows[0]), "label": "", "reason": "", "item": f"item {rows[0]}"}
    path.write_text(f"row,label\n{rows[0]},{TASK.class_names[classes[rows[0]]]}\n")
    assert (session.tell_csv(path), session.tell_csv(path)) == (1, 0)
    session.step()
    answer(session, classes)
    session = reopen()
    session.step()
    assert session.ask().rows.tolist() == calm.ask().rows.tolist()
    assert session.labels.rows.tolist() == calm.labels.rows.tolist()


def test_ask_returns_the_same_twice_and_a_step_on_the_same_labels_repeats_itself(reopen, classes):
    session = reopen()
    answer(session, classes)
    first = session.step().selection.rows.tolist()
    assert session.ask().rows.tolist() == session.ask().rows.tolist() == first
    session = reopen()
    assert session.step().selection.rows.tolist() == first
    assert len(session.state.rounds) == 1


def test_a_step_supersedes_what_was_not_answered(reopen, classes):
    session = reopen()
    answer(session, classes)
    first = session.step().selection.rows.tolist()
    answer(session, classes, first[:1])
    second = session.step().selection.rows.tolist()
    assert session.ask().rows.tolist() == second
    assert first[0] not in second
    assert len(session.state.rounds) == 2


def test_excluded_and_skipped_rows_are_not_chosen(reopen, classes):
    session = reopen()
    answer(session, classes)
    first = session.step().selection.rows.tolist()
    session.tell([Answer(first[0], outcome="skip", reason="broken")])
    second = session.step(excluded=first[1:2]).selection.rows.tolist()
    assert not set(first[:2]) & set(second)
    assert session.state.skipped == (first[0],)
    assert session.state.num_labels == 6


def test_rows_of_none_of_the_classes_are_counted_and_no_model_learns_from_them(reopen, classes):
    session = reopen()
    rows = session.ask().rows.tolist()
    answer(session, classes, rows[1:])
    session.tell([Answer(rows[0], outcome="none_of_the_classes")])
    result = session.step()
    assert (result.num_labels, len(session.labels)) == (6, 5)
    assert rows[0] not in result.selection.rows.tolist()


def test_answers_to_rows_that_were_never_queried_count(reopen, classes):
    session = reopen(initial_labels=0)
    with pytest.raises(InputError) as caught:
        session.step()
    assert caught.value.argument == "labels"
    session.tell({row: TASK.class_names[classes[row]] for row in range(9)}, annotator="ann")
    assert session.step().num_labels == 9
    assert 4 not in session.state.purposes


def test_validation_and_test_rows_are_queried_first_and_no_candidates(reopen, classes):
    session = reopen(validation_labels=5)
    session.query([50, 51], "test")
    rows = session.ask().rows.tolist()
    assert len(rows) == 13
    answer(session, classes)
    result = session.step(batch_size=47)
    assert not set(rows) & set(result.selection.rows.tolist())
    assert len(session.labels) == 6


def test_a_first_batch_that_reads_no_predictions_needs_no_fit(reopen, classes):
    session = reopen("random", initial_labels=0)
    result = session.step()
    assert (result.posterior, len(result.selection.rows)) == (None, 4)
    answer(session, classes)
    assert session.step().posterior is not None


def test_features_may_come_from_elsewhere(reopen, classes):
    class Encoder:
        def features(self, inputs):
            return inputs * 2

    session = reopen("coreset", initial_labels=0, features=Encoder())
    assert session.step().posterior is None
    answer(session, classes)
    assert len(session.step().selection.rows) == 4


def test_the_same_answer_sent_again_is_taken_once(reopen):
    session = reopen()
    row = session.ask().rows.tolist()[0]
    answers_given = [Answer(row, 1, annotator="ann", uuid="u")]
    session.tell(answers_given)
    session.tell([Answer(row, 0, annotator="ann")])
    session.tell(answers_given)  # a late repetition does not undo the correction
    assert session.state.answers[row].value == 0


def test_an_answer_that_comes_again_after_a_withdrawal_is_named_and_not_lost_in_silence(reopen):
    session = reopen()
    rows = session.ask().rows.tolist()[:2]
    answers_given = [Answer(row, 1, annotator="ann", uuid=f"u{row}") for row in rows]
    session.tell(answers_given)
    session.withdraw(rows[:1])
    session = reopen()
    with pytest.warns(InputWarning, match=rf"\[{rows[0]}\]"):
        session.tell(answers_given)
    assert rows[0] in session.state.pending
    session.tell([replace(answers_given[0], uuid="new")])
    session.tell(answers_given)  # its row has an answer: a repetition, and nothing is lost
    assert session.state.answers[rows[0]].value == 1


def test_a_session_is_opened_with_the_consensus_that_began_it(pool, learner, tmp_path):
    def last(answers):
        return answers[-1]

    settings = {"task": TASK, "store": tmp_path}
    with Session(pool, learner, "bald", **settings, consensus=last) as session:
        session.tell([Answer(3, 0, annotator="ann"), Answer(3, 1, annotator="bob")])
        assert session.state.answers[3].value == 1
        session.restart()
    with pytest.raises(JournalError) as caught:
        Session(pool, learner, "bald", **settings)
    assert caught.value.entry == "consensus"
    assert caught.value.path == tmp_path / "journal.jsonl"
    Session(pool, learner, "bald", **settings, consensus=last).close()


@pytest.mark.parametrize(
    ("answers", "argument", "row", "got"),
    [
        ({60: 0}, "answers", 60, [60]),
        ({0: 3}, "value", 0, 3),
        ({0: "A"}, "value", 0, "A"),
        ({0: 1.5}, "value", 0, 1.5),
        ([Answer(2, 9)], "value", 2, 9),
    ],
)
def test_a_wrong_answer_is_named_and_none_of_those_beside_it_is_taken(reopen, answers, argument, row, got):
    session = reopen()
    good = {1: 0} | answers if isinstance(answers, dict) else [Answer(1, 0), *answers]
    with pytest.raises(InputError) as caught:
        session.tell(good)
    assert (caught.value.argument, caught.value.rows, caught.value.got) == (argument, (row,), got)
    assert session.state.answers == {}


def test_nothing_can_be_withdrawn_that_was_not_answered(reopen):
    with pytest.raises(InputError) as caught:
        reopen().withdraw([3])
    assert (caught.value.argument, caught.value.rows) == ("rows", (3,))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("row,class\n1,a\n", "'label'"),
        ("row,label\n1,a\n1,b\n", "line 3: row 1"),
        ("row,label\n99,a\n", "line 2"),
        ("row,label\n1,A\n", "line 2"),
        ("row,label,label\n1,a,b\n", "'label'"),
        ("row,label,item,item\n1,a,,\n", "'item'"),
        ("row,label\n1,a, b\n", "line 2"),
    ],
)
def test_a_wrong_cell_is_named_by_its_line_and_nothing_is_taken(reopen, tmp_path, text, place):
    session = reopen()
    (tmp_path / "answers.csv").write_text(text)
    with pytest.raises(InputError, match=place):  # golden message: the line
        session.tell_csv(tmp_path / "answers.csv")
    assert session.state.answers == {}


def test_spreadsheets_with_semicolons_skips_and_empty_lines_are_read(reopen, tmp_path):
    session = reopen()
    (tmp_path / "a.csv").write_text("row;label;reason\n1;skip;blurred\n2;none;\n3;;\n4;c;\n", encoding="utf-8-sig")
    assert session.tell_csv(tmp_path / "a.csv", annotator="ann") == 3
    assert session.state.skipped == (1,)
    assert session.state.none_of_the_classes == (2,)
    assert session.state.answers[1].reason == "blurred"
    assert session.state.answers[4].value == 2


def test_an_acquisition_of_ones_own_is_used(reopen, classes):
    session = reopen(acquisition_named("margin"))
    answer(session, classes)
    assert len(session.step().selection.rows) == 4


def test_wrong_arguments_are_refused(pool, learner):
    for wrong in ({"task": Regression("y")}, {"batch_size": 0}, {"num_draws": 0}, {"num_targets": 0}):
        with pytest.raises(InputError) as caught:
            Session(pool, learner, **{"acquisition": "bald", "task": TASK, **wrong})
        assert {caught.value.argument: caught.value.got} == wrong
    no_option = {"options": {"num_configurations": 3}}
    for wrong, named in ((no_option, "num_configurations"), ({"acquisition": "blad"}, "acquisition")):
        with pytest.raises(InputError) as caught:
            Session(pool, learner, **{"acquisition": "bald", "task": TASK, **wrong})
        assert caught.value.argument == named


def test_a_folder_of_another_session_or_one_in_use_is_refused(pool, learner, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_TIMEOUT_SECONDS", 0.0)
    with JournalStore(tmp_path), pytest.raises(HeldError):
        Session(pool, learner, "bald", task=TASK, store=tmp_path)
    Session(pool, learner, "bald", task=TASK, store=tmp_path).close()
    for wrong in ({"task": Classification(("a", "b"))}, {"task": TASK, "seed": 4}):
        with pytest.raises(JournalError) as caught:
            Session(pool, learner, "bald", store=tmp_path, **wrong)
        assert caught.value.path == tmp_path / "journal.jsonl"


def test_nothing_acknowledged_is_lost_by_kills_at_any_moment_and_the_end_is_that_without(tmp_path):
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_sessions.py"), str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr
    counts = json.loads(ran.stdout)
    assert counts["kills"] == KILLS
    assert counts["sessions"] >= 2
    assert (counts["lost"], counts["different"]) == (0, 0)


def test_a_folder_opened_again_in_the_same_process_is_taken_over(pool, learner, classes, tmp_path):
    first = Session(pool, learner, "bald", task=TASK, store=tmp_path, initial_labels=4)
    answer(first, classes)
    again = Session(pool, learner, "bald", task=TASK, store=tmp_path, initial_labels=4)  # a cell is run twice
    assert len(again.state.answers) == 4
    with pytest.raises(JournalError) as caught:
        first.tell({59: 0})
    assert caught.value.path == tmp_path / "journal.jsonl"
    again.tell({59: 0})
    del again
    gc.collect()
    with JournalStore(tmp_path) as store:  # what nobody refers to is closed by itself
        assert len(fold_events(store.read()).answers) == 5


def test_a_store_of_ones_own_is_used(pool, learner, classes, tmp_path):
    with JournalStore(tmp_path) as store:
        session = Session(pool, learner, "bald", task=TASK, store=store, initial_labels=4)
        answer(session, classes)
        session.close()  # leaves a store that it did not open
        assert len(session.state.answers) == 4
        session.tell({59: 0})
