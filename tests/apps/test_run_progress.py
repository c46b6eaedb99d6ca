"""Events of workers, folded into the trials that are done and the time left."""

from __future__ import annotations

import pytest

from lindley.apps.run_progress import RunProgress, TrialProgress


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def progress_of(*experiments: str, rounds: int = 4, started: bool = True) -> tuple[RunProgress, Clock]:
    """Return the progress of trials t0, t1, ... after another one, where `started`, has finished."""
    clock = Clock()
    trials = {
        f"t{index}": TrialProgress(experiment, "bald", index, rounds) for index, experiment in enumerate(experiments)
    }
    progress = RunProgress({"before": TrialProgress("before", "bald", 0, 0), **trials} if started else trials, clock)
    if started:
        progress(event("before", "finished"))
    return progress, clock


def event(trial: str, stage: str, round: int | None = None, **more: object) -> dict[str, object]:
    return {"trial": trial, "stage": stage, **({} if round is None else {"round": round}), **more}


def test_nothing_is_estimated_before_a_round_has_finished():
    progress, _ = progress_of("a")
    progress(event("t0", "started"))
    progress(event("t0", "fit", 0, labels=10))
    assert progress.seconds_left is None
    assert progress.fraction_done == 0


def test_time_left_is_that_of_the_remaining_rounds():
    progress, clock = progress_of("a")
    progress(event("t0", "started"))
    clock.now += 10
    progress(event("t0", "round", 0))
    assert progress.seconds_left == 30
    clock.now += 20
    progress(event("t0", "round", 1))
    assert progress.seconds_left == 30  # two rounds of 15 seconds on average


def test_rounds_of_an_experiment_are_estimated_from_its_own():
    progress, clock = progress_of("fast", "slow")
    progress(event("t0", "started"))
    clock.now += 1
    progress(event("t0", "round", 0))
    progress(event("t1", "started"))
    clock.now += 50
    progress(event("t1", "round", 0))
    assert progress.seconds_left == max((3 * 1 + 3 * 50) / 2, 3 * 50)


def test_workers_that_ran_together_share_what_is_left():
    progress, clock = progress_of("a", "a", "a", "a")
    progress(event("t0", "started"))
    progress(event("t1", "started"))
    clock.now += 10
    progress(event("t0", "round", 0))
    progress(event("t1", "round", 0))
    assert progress.seconds_left == (3 + 3 + 4 + 4) * 10 / 2


def test_rounds_of_an_earlier_run_count_as_finished_but_not_as_pace():
    progress, clock = progress_of("a", rounds=10)
    progress(event("t0", "started"))
    progress(event("t0", "fit", 8))
    assert progress.fraction_done == 0.8
    clock.now += 5
    progress(event("t0", "round", 8))
    assert progress.seconds_left == 5


def test_trials_are_counted_by_how_they_ended():
    progress, _ = progress_of("a", "a", "a", "a", started=False)
    progress(event("t0", "complete"))
    progress(event("t1", "started"))
    progress(event("t2", "started"))
    progress(event("t1", "finished"))
    progress(event("t2", "failed", message="no"))
    assert (progress.num_done, progress.num_failed, progress.trials_running) == (2, 1, [])


def test_failed_trial_takes_no_more_time():
    progress, clock = progress_of("a", "a")
    progress(event("t0", "started"))
    clock.now += 10
    progress(event("t0", "round", 0))
    progress(event("t0", "failed", 1))
    progress(event("t1", "complete"))
    assert progress.seconds_left == 0


def test_line_keeps_the_last_accuracy_and_labels():
    progress, _ = progress_of("a")
    progress(event("t0", "round", 0, labels=10, accuracy=0.5))
    line = progress(event("t0", "fit", 1, labels=15))
    assert (line.labels, line.accuracy, line.stage, line.finished_rounds) == (15, 0.5, "fit", 1)


def test_trials_that_others_run_are_waited_for_and_not_shared_among_our_workers():
    progress, clock = progress_of("a", "a", "a")
    progress(event("t0", "started"))
    clock.now += 10
    progress(event("t0", "round", 0))
    progress(event("t1", "held", 1, holder="process 7"))
    assert progress.seconds_left == 30 + 40
    progress(event("t1", "complete"))
    assert (progress.num_done, progress.trials_held) == (2, [])


def test_a_trial_that_waits_to_be_continued_needs_its_other_rounds_only():
    progress, clock = progress_of("a", "a")
    progress(event("t1", "waiting", 3, labels=30, accuracy=0.5))
    clock.now += 1000
    progress(event("t0", "started"))
    clock.now += 10
    progress(event("t0", "round", 0))
    rounds = progress.trials["t1"].rounds
    assert progress.trials_running == [progress.trials["t0"]]
    assert progress.seconds_left == 10 * (rounds - 1) + 10 * (rounds - 3)
    progress(event("t1", "started"))
    clock.now += 10
    progress(event("t1", "round", 3))
    assert progress.trials["t1"].finished_rounds == 4


def test_a_trial_taken_over_counts_from_then_on():
    progress, clock = progress_of("a")
    progress(event("t0", "held", 1, holder="process 7"))
    clock.now += 1000
    progress(event("t0", "started"))
    clock.now += 10
    progress(event("t0", "round", 1))
    assert progress.seconds_left == 2 * 10


def test_the_first_round_of_a_worker_is_no_pace_since_it_includes_its_start():
    progress, clock = progress_of("a", "a", "a", started=False)
    for trial in ("t0", "t1"):
        progress(event(trial, "started"))
    clock.now += 60
    for trial in ("t0", "t1"):
        progress(event(trial, "round", 0))
    assert progress.seconds_left is None
    clock.now += 2
    progress(event("t0", "round", 1))
    assert progress.seconds_left == (2 + 3 + 4) * 2 / 2


@pytest.mark.parametrize(
    ("seconds", "stable"),
    [
        ([10] * 4, False),
        ([10] * 5, True),
        ([10] * 30, True),
        ([10, 20, 40, 80, 160], False),
        ([10] * 5 + [1000], False),
        ([1000] + [10] * 5, False),
        ([10] * 5 + [11] * 5, True),
    ],
)
def test_an_estimate_is_stable_when_the_last_totals_agree(seconds, stable):
    progress, clock = progress_of("a", rounds=60)
    progress(event("t0", "started"))
    for number, each in enumerate(seconds):
        clock.now += each
        progress(event("t0", "round", number))
    assert progress.seconds_left is not None
    assert progress.stable_seconds_left == (progress.seconds_left if stable else None)


def test_an_estimate_is_stable_no_longer_when_a_slower_experiment_begins():
    progress, clock = progress_of("fast", "slow", rounds=10)
    progress(event("t0", "started"))
    for number in range(10):
        clock.now += 1
        progress(event("t0", "round", number))
    assert progress.stable_seconds_left == 10
    progress(event("t1", "started"))
    clock.now += 20
    progress(event("t1", "round", 0))
    assert (progress.seconds_left, progress.stable_seconds_left) == (9 * 20, None)
