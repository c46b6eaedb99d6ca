"""Every sink is shown every round once, over several runs; one that fails is left out, and the study goes on."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest
from journal_fakes import experiment_table, make_study, rising, write_study

from lindley.session.events import Fitted
from lindley.study import Trial, run_study, trials_of
from lindley.study.sinks.feed import Feed

STUDY = make_study(experiment_table("digits", ["random"], seeds=3, max_labels=80))
TRIALS = trials_of(STUDY)
FIRST, SECOND, THIRD = (trial.folder for trial in TRIALS)


class Recorded:
    """A sink that remembers what it was shown, also over several feeds."""

    name = "Recorded"

    def __init__(self, fails_at: int | None = None) -> None:
        self.shown: dict[str, list[int]] = {}
        self.endings: list[tuple[str, str]] = []
        self.fails_at = fails_at

    def start_trial(self, trial: Trial) -> list[int]:
        return list(self.shown.setdefault(trial.folder, []))

    def log_round(self, trial: Trial, fit: Fitted) -> None:
        if fit.labels == self.fails_at:
            raise ConnectionError("refused")
        self.shown[trial.folder].append(fit.labels)

    def end_trial(self, trial: Trial, how: str) -> None:
        self.endings.append((trial.folder, how))


class Shared:
    """What two processes have in common; each looks at what it has been shown when the other does, if that may."""

    name = "Shared"

    def __init__(self, shown: list[int], both: threading.Barrier) -> None:
        self.shown, self.both = shown, both

    def start_trial(self, trial: Trial) -> list[int]:
        seen = list(self.shown)
        with contextlib.suppress(threading.BrokenBarrierError):  # the other is kept out
            self.both.wait(timeout=0.5)
        return seen

    def log_round(self, trial: Trial, fit: Fitted) -> None:
        self.shown.append(fit.labels)

    def end_trial(self, trial: Trial, how: str) -> None:
        pass


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The first trial is finished, the second has two rounds, the third nothing."""
    done = {FIRST: None, SECOND: 2, THIRD: 0}
    return write_study(tmp_path, STUDY, accuracy=rising, rounds_done=lambda trial: done[trial.folder])


def feed(out: Path, *sinks: Recorded, events: list[dict[str, Any]]) -> tuple[Feed, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    fed = Feed(sinks, TRIALS, out, told.append)
    for event in events:
        fed(event)
    return fed, told


def at(trial: str, *stages: str) -> list[dict[str, Any]]:
    return [{"trial": trial, "stage": stage} for stage in stages]


def test_a_sink_is_shown_what_earlier_runs_made_and_every_round_once(out):
    sink = Recorded()
    for _ in range(2):  # the second run finds it all there
        feed(out, sink, events=[*at(FIRST, "complete"), *at(SECOND, "started", "fit", "round", "round")])
    assert sink.shown == {FIRST: [20, 40, 60, 80], SECOND: [20, 40]}
    assert sink.endings == [(FIRST, "finished")] * 2


def test_events_are_passed_on_after_the_sinks(out):
    events = at(SECOND, "started", "fit", "round")
    assert feed(out, Recorded(), events=events)[1] == events


def test_how_a_trial_ended_is_said(out):
    sink = Recorded()
    fed, _ = feed(out, sink, events=[*at(FIRST, "started", "failed"), *at(SECOND, "started")])
    fed.stop()
    assert sink.endings == [(FIRST, "failed"), (SECOND, "stopped")]


def test_what_another_process_runs_is_left_to_it_until_it_is_taken_over(out):
    sink = Recorded()
    feed(out, sink, events=[*at(FIRST, "held", "complete"), *at(SECOND, "held")])
    assert sink.shown == {}
    feed(out, sink, events=at(SECOND, "held", "started"))
    assert sink.shown == {SECOND: [20, 40]}


def test_two_processes_that_find_the_same_trial_finished_show_it_once(out):
    shown: list[int] = []
    sinks = [Shared(shown, threading.Barrier(2)) for _ in range(2)]
    threads = [
        threading.Thread(target=feed, args=(out, sink), kwargs={"events": at(FIRST, "complete")}) for sink in sinks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown == [20, 40, 60, 80]


def test_a_sink_that_raises_is_shown_nothing_more_and_the_others_go_on(out):
    broken, sound = Recorded(fails_at=40), Recorded()
    fed, told = feed(out, broken, sound, events=[*at(FIRST, "complete"), *at(SECOND, "started", "failed")])
    assert broken.shown == {FIRST: [20]}
    assert sound.shown == {FIRST: [20, 40, 60, 80], SECOND: [20, 40]}
    assert fed.failures == ["Recorded is shown nothing more in this run: ConnectionError: refused"]
    assert [event["stage"] for event in told] == ["sink-failed", "complete", "started", "failed"]


def test_a_damaged_journal_is_no_failure_of_the_sink(out):
    (out / SECOND / "journal.jsonl").write_bytes(b"{}\n")
    fed, _ = feed(out, Recorded(), events=at(SECOND, "failed"))
    assert fed.failures == []


def test_a_run_feeds_its_sinks_and_says_which_failed(tmp_path):
    study = make_study(
        experiment_table(
            "digits",
            ["random"],
            seeds=1,
            max_labels=40,
            model={"network": "digits-mlp", "num_draws": 3},
            training={"steps": 3},
        )
    )
    broken, sound = Recorded(fails_at=20), Recorded()
    outcome = run_study(study, tmp_path, jobs=1, sinks=[broken, sound])
    (trial,) = trials_of(study)
    assert outcome.done == 1
    assert sound.shown == {trial.folder: [20, 40]}
    assert sound.endings == [(trial.folder, "finished")]
    assert len(outcome.sinks_failed) == 1
    broken.fails_at = None
    assert run_study(study, tmp_path, sinks=[broken]).sinks_failed == []
    assert broken.shown == {trial.folder: [20, 40]}
