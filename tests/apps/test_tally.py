"""Events of workers, folded into what is done and how long the rest takes."""

from __future__ import annotations

from lindley.apps.tally import Line, Tally


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tally_of(*panels: str, rounds: int = 4) -> tuple[Tally, Clock]:
    clock = Clock()
    lines = {f"t{index}": Line(panel, "bald", index, rounds) for index, panel in enumerate(panels)}
    return Tally(lines, clock), clock


def event(trial: str, stage: str, round: int | None = None, **more: object) -> dict[str, object]:
    return {"trial": trial, "stage": stage, **({} if round is None else {"round": round}), **more}


def test_nothing_is_estimated_before_a_round_has_finished():
    tally, _ = tally_of("a")
    tally(event("t0", "started"))
    tally(event("t0", "fit", 0, labels=10))
    assert tally.seconds_left is None
    assert tally.share == 0


def test_time_left_is_that_of_the_remaining_rounds():
    tally, clock = tally_of("a")
    tally(event("t0", "started"))
    clock.now += 10
    tally(event("t0", "round", 0))
    assert tally.seconds_left == 30
    clock.now += 20
    tally(event("t0", "round", 1))
    assert tally.seconds_left == 30  # two rounds of 15 seconds on average


def test_rounds_of_a_panel_are_estimated_from_its_own():
    tally, clock = tally_of("fast", "slow")
    tally(event("t0", "started"))
    clock.now += 1
    tally(event("t0", "round", 0))
    tally(event("t1", "started"))
    clock.now += 50
    tally(event("t1", "round", 0))
    assert tally.seconds_left == max((3 * 1 + 3 * 50) / 2, 3 * 50)


def test_workers_that_ran_together_share_what_is_left():
    tally, clock = tally_of("a", "a", "a", "a")
    tally(event("t0", "started"))
    tally(event("t1", "started"))
    clock.now += 10
    tally(event("t0", "round", 0))
    tally(event("t1", "round", 0))
    assert tally.seconds_left == (3 + 3 + 4 + 4) * 10 / 2


def test_rounds_of_an_earlier_run_count_as_finished_but_not_as_pace():
    tally, clock = tally_of("a", rounds=10)
    tally(event("t0", "started"))
    tally(event("t0", "fit", 8))
    assert tally.share == 0.8
    clock.now += 5
    tally(event("t0", "round", 8))
    assert tally.seconds_left == 5


def test_trials_are_counted_by_how_they_ended():
    tally, _ = tally_of("a", "a", "a", "a")
    tally(event("t0", "complete"))
    tally(event("t1", "started"))
    tally(event("t2", "started"))
    tally(event("t1", "finished"))
    tally(event("t2", "failed", message="no"))
    assert (tally.done, tally.failed, tally.running) == (2, 1, [])


def test_failed_trial_takes_no_more_time():
    tally, clock = tally_of("a", "a")
    tally(event("t0", "started"))
    clock.now += 10
    tally(event("t0", "round", 0))
    tally(event("t0", "failed", 1))
    tally(event("t1", "complete"))
    assert tally.seconds_left == 0


def test_line_keeps_the_last_accuracy_and_labels():
    tally, _ = tally_of("a")
    tally(event("t0", "round", 0, labels=10, accuracy=0.5))
    line = tally(event("t0", "fit", 1, labels=15))
    assert (line.labels, line.accuracy, line.stage, line.finished_rounds) == (15, 0.5, "fit", 1)


def test_trials_that_others_run_are_waited_for_and_not_shared_among_our_workers():
    tally, clock = tally_of("a", "a", "a")
    tally(event("t0", "started"))
    clock.now += 10
    tally(event("t0", "round", 0))
    tally(event("t1", "held", 1, holder="process 7"))
    assert tally.seconds_left == 30 + 40
    tally(event("t1", "complete"))
    assert (tally.done, tally.held) == (1, [])


def test_a_trial_that_waits_to_be_continued_needs_its_other_rounds_only():
    tally, clock = tally_of("a", "a")
    tally(event("t1", "waiting", 3, labels=30, accuracy=0.5))
    clock.now += 1000
    tally(event("t0", "started"))
    clock.now += 10
    tally(event("t0", "round", 0))
    rounds = tally.lines["t1"].rounds
    assert tally.running == [tally.lines["t0"]]
    assert tally.seconds_left == 10 * (rounds - 1) + 10 * (rounds - 3)
    tally(event("t1", "started"))
    clock.now += 10
    tally(event("t1", "round", 3))
    assert tally.lines["t1"].finished_rounds == 4


def test_a_trial_taken_over_counts_from_then_on():
    tally, clock = tally_of("a")
    tally(event("t0", "held", 1, holder="process 7"))
    clock.now += 1000
    tally(event("t0", "started"))
    clock.now += 10
    tally(event("t0", "round", 1))
    assert tally.seconds_left == 2 * 10
