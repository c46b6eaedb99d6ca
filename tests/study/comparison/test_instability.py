"""Instability of the accuracy: which count, when they are spoken of, and that steady fits are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiment_fakes import experiment_reaching, with_metrics

from lindley.study.comparison.instability import (
    MIN_DROP,
    STANDARD_ERRORS,
    Instability,
    describe_instability,
    measure_instability,
)
from lindley.study.comparison.outputs import as_json, compare
from lindley.study.results import ExperimentResults, StudyResults, TrialResults

_STEADY = [0.90, 0.92, 0.94, 0.95, 0.96]
_UNSTEADY = [0.90, 0.94, 0.91, 0.95, 0.93, 0.96]


def _trial(acquisition: str, accuracies: list[float | None], **manifest: Any) -> TrialResults:
    made = experiment_reaching({acquisition: [50.0]}, grid=[20 + 10 * each for each in range(len(accuracies))]).trials[
        0
    ]
    rounds = [with_metrics(each, {"accuracy": one}) for each, one in zip(made.rounds, accuracies, strict=True)]
    return replace(made, rounds=rounds, manifest={**made.manifest, "num_test": 10_000, **manifest})


def _experiment(*trials: TrialResults) -> ExperimentResults:
    experiment = experiment_reaching({trial.acquisition: [50.0] for trial in trials})
    return replace(experiment, trials=[replace(trial, seed=seed) for seed, trial in enumerate(trials)])


def _only(*trials: TrialResults) -> Instability:
    (found,) = measure_instability(_experiment(*trials))
    return found


def test_a_drop_is_counted_with_how_far_it_lies_below_both_neighbours() -> None:
    found = _only(_trial("bald", _UNSTEADY))
    assert (found.acquisition, found.rounds, found.drops, found.num_test) == ("bald", 4, 2, 10_000)
    assert found.largest == pytest.approx(0.03)


def test_the_rounds_of_all_seeds_count() -> None:
    found = _only(_trial("bald", _STEADY), _trial("bald", [0.90, 0.80, 0.85]))
    assert (found.rounds, found.drops) == (4, 1)
    assert found.largest == pytest.approx(0.05)


@pytest.mark.parametrize("lasting", [[0.90, 0.80, 0.80, 0.81], [0.90, 0.85, 0.80, 0.75], [0.80, 0.85, 0.90, 0.50]])
def test_a_loss_that_lasts_is_no_drop_since_labels_may_have_done_it(lasting: list[float | None]) -> None:
    assert _only(_trial("bald", lasting)).drops == 0


@pytest.mark.parametrize(("lower", "drops"), [(0.791, 0), (0.7909, 1)])
def test_a_point_is_the_least_drop_however_large_the_test_set(lower: float, drops: int) -> None:
    assert MIN_DROP > 0.8009 - 0.7909  # in floating point: it is a point all the same
    assert _only(_trial("bald", [0.8009, lower, 0.8009], num_test=10_000_000)).drops == drops


@pytest.mark.parametrize(("num_test", "drops"), [(400, 0), (40_000, 1)])
def test_what_a_small_test_set_explains_is_no_drop(num_test: int, drops: int) -> None:
    assert _only(_trial("bald", [0.90, 0.87, 0.90], num_test=num_test)).drops == drops


def test_the_choice_of_test_rows_alone_gives_next_to_no_drops() -> None:
    """Models of equal accuracy whose errors are independent, the worst case of the bound.

    Below both neighbours by three standard errors is rarer than below one of them, 0.13 %.
    """
    generator = np.random.default_rng(0)
    drawn = generator.binomial(1000, 0.9, size=20_002) / 1000
    found = _only(_trial("bald", drawn.tolist(), num_test=1000))
    assert found.rounds == 20_000
    assert found.drops <= 0.00135 * found.rounds
    assert STANDARD_ERRORS * (2 * 0.9 * 0.1 / 1000) ** 0.5 > MIN_DROP  # else the test would be of LEAST_DROP


def test_a_round_beside_one_that_was_not_measured_does_not_count() -> None:
    found = _only(_trial("bald", [0.90, None, 0.80, 0.70, 0.80]))
    assert (found.rounds, found.drops) == (1, 1)


@pytest.mark.parametrize("num_test", [None, 0, -1, "many"])
def test_without_the_size_of_the_test_set_nothing_is_said(num_test: Any) -> None:
    assert measure_instability(_experiment(_trial("bald", [0.90, 0.50, 0.90], num_test=num_test))) == []


def test_two_rounds_have_none_between_them() -> None:
    assert measure_instability(_experiment(_trial("bald", [0.90, 0.80]))) == []


def _drops(acquisition: str, drops: int, largest: float, *, full_rate: bool = False) -> Instability:
    return Instability("made-up", acquisition, 40, drops, largest, 10_000, full_rate)


def test_the_sentence_names_all_that_drop_the_most_frequent_first() -> None:
    (said,) = describe_instability([_drops("random", 0, 0.0), _drops("margin", 1, 0.02), _drops("bald", 7, 0.046)])
    assert "in 7 of 40 rounds of BALD (by up to 4.6 points), 1 of 40 rounds of margin (by up to 2.0 points)" in said
    assert "random" not in said
    assert "10,000 test rows" in said


def test_rare_drops_are_not_spoken_of() -> None:
    assert describe_instability([_drops("bald", 1, 0.02), _drops("random", 0, 0.0)]) == []
    assert describe_instability([replace(_drops("bald", 1, 0.02), rounds=4)]) == []
    assert describe_instability([]) == []


@pytest.mark.parametrize(
    ("network", "warmup", "said"), [("gal-cnn", 0, True), ("gal-cnn", 100, False), (None, 0, False)]
)
def test_a_rate_that_rises_first_is_named_where_a_network_is_trained_without(
    network: str | None, warmup: int, said: bool
) -> None:
    experiment = _experiment(_trial("bald", _UNSTEADY))
    config = {**experiment.config, "model": {"network": network}, "training": {"warmup": warmup}}
    (sentence,) = describe_instability(measure_instability(replace(experiment, config=config)))
    assert ("training.warmup" in sentence) is said


def test_a_comparison_says_it_after_its_verdicts_and_json_has_the_counts() -> None:
    unsteady, steady = _trial("bald", _UNSTEADY), _trial("random", _STEADY)
    experiment = experiment_reaching({"random": [50.0], "bald": [50.0]})
    (found,) = compare(StudyResults("made-up", "Made up", "", [replace(experiment, trials=[steady, unsteady])]))
    assert found.verdicts[-1].startswith("Fits are unstable: the accuracy is lower than in the round before and in")
    told = {line["acquisition"]: line["drops"] for line in as_json([found])[0]["instability"]}
    assert told == {"random": 0, "bald": 2}
