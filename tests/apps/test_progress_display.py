"""The display of a run, in a terminal and without one."""

from __future__ import annotations

import io

from lindley.apps.console import PlainConsole
from lindley.apps.progress_display import STATUS_EVERY, progress_table, show_progress
from lindley.apps.run_progress import RunProgress, TrialProgress


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(events: list[tuple[float, dict[str, object]]], *, terminal: bool = False, rounds: int = 3) -> str:
    """What stands on the console after events, each some seconds after the one before."""
    clock, file = Clock(), io.StringIO()
    console = PlainConsole(file=file, force_terminal=terminal, width=120)
    progress = RunProgress(
        {"t0": TrialProgress("moons", "bald", 0, rounds), "t1": TrialProgress("moons", "margin", 0, rounds)}, clock
    )
    with show_progress(progress, console) as on_progress:
        for seconds, event in events:
            clock.now += seconds
            on_progress(event)
    return file.getvalue()


def a_round(trial: str, round: int, accuracy: float = 0.875) -> dict[str, object]:
    return {"trial": trial, "stage": "round", "round": round, "rounds": 3, "labels": 10 + round, "accuracy": accuracy}


def whole_trial(trial: str, seconds: float, rounds: int = 3) -> list[tuple[float, dict[str, object]]]:
    events = [(seconds, a_round(trial, round)) for round in range(rounds)]
    return [(0, {"trial": trial, "stage": "started"}), *events, (0, {"trial": trial, "stage": "finished"})]


def test_without_a_terminal_each_finished_trial_is_one_line():
    lines = shown(whole_trial("t0", 1) + whole_trial("t1", 1)).splitlines()
    assert lines == [
        "[1/2] moons bald seed 0: 12 labels, accuracy 87.5 %",
        "[2/2] moons margin seed 0: 12 labels, accuracy 87.5 %",
    ]


def test_the_time_left_is_shown_once_it_is_stable():
    lines = shown(whole_trial("t0", 1, rounds=10) + whole_trial("t1", 1, rounds=10), rounds=10).splitlines()
    assert [line.partition("%")[2] for line in lines] == [", about 10 s left", ""]


def test_without_a_terminal_status_comes_at_most_every_thirty_seconds():
    many = [(0.5, {"trial": "t0", "stage": "fit", "round": 0, "labels": 10})] * int(4 * STATUS_EVERY)
    lines = shown([(0, {"trial": "t0", "stage": "started"}), *many]).splitlines()
    assert lines == ["0/2 trials", "  moons bald seed 0, round 1/3, 10 labels, training"] * 2


def test_status_has_the_round_labels_and_accuracy_of_each_running_trial():
    events = [(0, {"trial": "t0", "stage": "started"}), (40, a_round("t0", 0)), (1, a_round("t0", 1))]
    events.insert(0, (0, {"trial": "t1", "stage": "started"}))
    assert shown(events).splitlines()[:3] == [
        "0/2 trials",
        "  moons bald seed 0, round 1/3, 10 labels, accuracy 87.5 %, saved",
        "  moons margin seed 0, round 1/3, loading",
    ]


def held(trial: str, process: int, **more: object) -> dict[str, object]:
    return {"trial": trial, "stage": "held", "holder": f"process {process}", **more}


def test_one_who_only_waits_for_others_says_so_once():
    done = (0, {"trial": "t1", "stage": "complete"})
    lines = shown([done, *((1, held("t0", holder)) for holder in (7, 7, 8))]).splitlines()
    assert lines == ["Waiting for 1 trial held by process 7.", "Waiting for 1 trial held by process 8."]


def test_one_who_has_work_of_its_own_does_not_speak_of_waiting():
    assert shown([(1, held("t1", 7)), (0, {"trial": "t0", "stage": "started"}), (1, held("t1", 7))]) == ""


def test_table_has_a_line_for_each_trial_of_another_process():
    progress = RunProgress(
        {"t0": TrialProgress("moons", "bald", 0, 3), "t1": TrialProgress("moons", "margin", 1, 3)}, Clock()
    )
    progress(held("t0", 7, round=1, labels=10, accuracy=0.875))
    console = PlainConsole(width=120)
    with console.capture() as captured:
        console.print(progress_table(progress))
    overall, line = captured.get().splitlines()
    assert "0/2 trials, 1 trial held by process 7" in overall
    assert " ".join(line.split()) == "moons bald seed 0 round 2/3 10 labels accuracy 87.5 % in process 7"


def test_failure_and_message_are_said_once():
    resumed = {"stage": "resumed", "round": 1, "message": "torch 2.12 -> 2.13"}
    events = [(0, {"trial": trial, **resumed}) for trial in ("t0", "t1")]
    lines = shown([*events, (0, {"trial": "t1", "stage": "failed", "message": "diverged"})]).splitlines()
    assert lines == ["moons bald seed 0: torch 2.12 -> 2.13", "[1/2] moons margin seed 0: failed"]


def test_trials_of_an_earlier_run_are_not_said_one_by_one():
    assert shown([(0, {"trial": "t0", "stage": "complete"})]) == ""


def test_table_has_a_line_for_each_running_trial():
    progress = RunProgress(
        {"t0": TrialProgress("moons", "bald", 0, 3), "t1": TrialProgress("moons", "margin", 1, 3)}, Clock()
    )
    progress(a_round("t0", 0))
    progress({"trial": "t1", "stage": "observe", "round": 1, "labels": 15})
    console = PlainConsole(width=120)
    with console.capture() as captured:
        console.print(progress_table(progress))
    overall, first, second = captured.get().splitlines()
    assert "0/2 trials" in overall
    assert " ".join(first.split()) == "moons bald seed 0 round 1/3 10 labels accuracy 87.5 % saved"
    assert " ".join(second.split()) == "moons margin seed 1 round 2/3 15 labels measuring"


def test_in_a_terminal_the_table_goes_and_the_finished_trials_stay():
    text = shown(whole_trial("t0", 1), terminal=True)
    assert "[1/2] moons bald seed 0: 12 labels, accuracy 87.5 %" in text
    assert "━" in text
