"""Labels needed to reach an accuracy, and their median where some were never reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lindley.session.events import Fitted
from lindley.session.state import Round
from lindley.study.comparison.labels_to_target import Crossing, accuracy_levels, labels_to_target, median_crossing
from lindley.study.results import TrialResults


def _trial(accuracies: Sequence[float]) -> TrialResults:
    """A trial of 20, 30, 40 ... labels."""
    fits = [
        Fitted(round=place, labels=20 + 10 * place, metrics={"accuracy": accuracy})
        for place, accuracy in enumerate(accuracies)
    ]
    return TrialResults("bald", 0, {}, [Round(fit) for fit in fits], (), {}, Path(), complete=True)


def test_the_first_crossing_counts_the_initial_labels() -> None:
    assert labels_to_target(_trial([0.5, 0.9, 0.9, 0.9, 0.9]), 0.9) == Crossing(30.0)


def test_a_crossing_that_is_lost_within_two_rounds_does_not_count() -> None:
    assert labels_to_target(_trial([0.5, 0.9, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9]), 0.9) == Crossing(60.0)


def test_a_crossing_that_is_lost_after_two_rounds_counts() -> None:
    assert labels_to_target(_trial([0.5, 0.9, 0.9, 0.9, 0.8, 0.8]), 0.9) == Crossing(30.0)


@pytest.mark.parametrize("rounds_after", [0, 1])
def test_a_crossing_in_the_last_two_rounds_is_provisional(rounds_after: int) -> None:
    trial = _trial([0.5, 0.6, 0.7, *([0.9] * (1 + rounds_after))])
    assert labels_to_target(trial, 0.9) == Crossing(50.0, provisional=True)


def test_a_crossing_with_two_rounds_after_it_is_not_provisional() -> None:
    assert labels_to_target(_trial([0.5, 0.6, 0.7, 0.9, 0.9, 0.9]), 0.9) == Crossing(50.0)


def test_what_was_not_reached_needs_more_than_the_last_labels() -> None:
    crossing = labels_to_target(_trial([0.5, 0.6, 0.7]), 0.9)
    assert crossing == Crossing(40.0, censored=True)
    assert str(crossing) == "> 40"


def test_a_crossing_that_is_lost_in_the_last_round_was_not_reached() -> None:
    assert labels_to_target(_trial([0.5, 0.9, 0.8]), 0.9).censored


def test_rounds_beyond_the_limit_are_not_looked_at() -> None:
    trial = _trial([0.5, 0.6, 0.9, 0.9, 0.9])
    assert labels_to_target(trial, 0.9, max_labels=30) == Crossing(30.0, censored=True)
    assert labels_to_target(trial, 0.9, max_labels=40) == Crossing(40.0, provisional=True)


@pytest.mark.parametrize(
    ("crossings", "shown"),
    [
        ([Crossing(30.0), Crossing(50.0), Crossing(40.0)], "40"),
        ([Crossing(30.0), Crossing(50.0)], "40"),
        ([Crossing(30.0), Crossing(100.0, censored=True), Crossing(40.0)], "40"),
        ([Crossing(30.0), Crossing(100.0, censored=True), Crossing(100.0, censored=True)], "> 100"),
        ([Crossing(300.0), Crossing(1020.0, censored=True)], "> 660"),
        # A trial that is at 35 labels so far may still need 36 or 90: nothing but "more than 35" is known.
        ([Crossing(30.0), Crossing(35.0, censored=True), Crossing(50.0)], "> 35"),
        ([Crossing(30.0), Crossing(40.0, provisional=True), Crossing(50.0)], "40*"),
        ([Crossing(30.0), Crossing(40.0), Crossing(50.0, provisional=True)], "40"),
    ],
)
def test_the_median_is_known_only_as_far_as_its_values_are(crossings: list[Crossing], shown: str) -> None:
    assert str(median_crossing(crossings)) == shown


def test_the_levels_of_a_table_are_reached_by_some_and_not_from_the_start_by_all() -> None:
    trials = [_trial([0.72, 0.83, 0.91, 0.91, 0.91]), _trial([0.81, 0.81, 0.81, 0.81, 0.81])]
    assert accuracy_levels(trials) == [0.8, 0.85, 0.9]
    assert accuracy_levels(trials, max_levels=1) == [0.9]


def test_where_round_levels_say_little_whole_percents_are_used() -> None:
    trials = [_trial([0.915, 0.935, 0.945, 0.945, 0.945]), _trial([0.905, 0.915, 0.925, 0.925, 0.925])]
    assert accuracy_levels(trials) == [0.91, 0.92, 0.93, 0.94]
