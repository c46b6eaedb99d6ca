"""NLL and Brier score beside accuracy, and the draws beside the single prediction: directions that are planted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from experiment_fakes import experiment_reaching, with_metrics

from lindley.study.comparison.outputs import UNTESTED_TABLES, as_json, compare, tables
from lindley.study.comparison.probabilities import (
    Tally,
    compare_average_with_single,
    describe_average_against_single,
    describe_disagreements,
    summarise_metrics,
)
from lindley.study.results import ExperimentResults, StudyResults

GRID = (20, 40, 60)
_ACCURATE = {"random": 0.9, "margin": 0.95, "bald": 0.8}
Metrics = Callable[[str, int, int], dict[str, Any]]
"""Of an acquisition, a seed and a number of labels."""


def _experiment(metrics: Metrics, *, seeds: int = 4) -> ExperimentResults:
    experiment = experiment_reaching({name: [100.0] * seeds for name in _ACCURATE}, grid=GRID)
    trials = [
        replace(
            trial,
            rounds=[
                with_metrics(each, {"accuracy": _ACCURATE[trial.acquisition], "brier": 0.1, **found})
                for each in trial.rounds
                if (found := metrics(trial.acquisition, trial.seed, each.labels)) is not None
            ],
        )
        for trial in experiment.trials
    ]
    return replace(experiment, trials=trials)


def _overconfident(name: str, seed: int, labels: int) -> dict[str, Any]:
    """Margin, the more accurate, is worse in NLL at the end and better on average; BALD is worse in both."""
    last = labels == GRID[-1]
    nll = {"random": 0.5, "margin": 0.6 if last else 0.1, "bald": 0.7}[name]
    return {"nll": nll + 0.001 * seed, "nll_point": nll + (-0.05 if last else 0.2)}


def test_where_accuracy_and_nll_disagree_it_is_said() -> None:
    described = summarise_metrics(_experiment(_overconfident), "random")
    assert describe_disagreements(described) == [
        "Accuracy and NLL disagree with 60 labels: margin is more accurate than random in 4 of 4 seeds, but worse in "
        "NLL in 4 of 4 seeds."
    ]


def test_a_disagreement_over_the_rounds_is_said_too_and_the_other_way_round() -> None:
    def metrics(name: str, seed: int, labels: int) -> dict[str, Any]:
        return {"nll": {"random": 0.5, "margin": 0.6, "bald": 0.4 if seed else 0.6}[name]}

    said = describe_disagreements(summarise_metrics(_experiment(metrics), "random"))
    assert [sentence.partition(":")[0] for sentence in said] == [
        "Accuracy and NLL disagree with 60 labels",
        "Accuracy and NLL disagree with 60 labels",
        "Accuracy and NLL disagree on average over the rounds",
        "Accuracy and NLL disagree on average over the rounds",
    ]
    assert "BALD is less accurate than random in 4 of 4 seeds, but better in NLL in 3 of 4 seeds." in said[1]


def test_where_they_agree_nothing_is_said() -> None:
    def metrics(name: str, seed: int, labels: int) -> dict[str, Any]:
        return {"nll": 1 - _ACCURATE[name]}

    assert describe_disagreements(summarise_metrics(_experiment(metrics), "random")) == []
    assert describe_disagreements([]) == []


def test_counts_and_spreads_are_those_of_the_journals() -> None:
    described = {
        (each.acquisition, each.metric): each for each in summarise_metrics(_experiment(_overconfident), "random")
    }
    margin = described["margin", "nll"]
    assert (margin.labels, margin.seeds) == (60, 4)
    assert (margin.final.median, margin.final.low, margin.final.high) == pytest.approx((0.6015, 0.6, 0.603))
    assert (margin.final_tally, margin.mean_tally) == (Tally(0, 4), Tally(4, 0))
    assert described["margin", "brier"].final_tally == Tally(0, 0)
    assert described["random", "nll"].final_tally is None


def test_an_infinite_nll_is_the_worst_and_two_are_a_tie() -> None:
    def metrics(name: str, seed: int, labels: int) -> dict[str, Any]:
        infinite = labels == GRID[-1] and (name == "margin" or seed == 0)
        return {"nll": None if infinite else 0.5, "nll_point": 0.4, "accuracy_point": 0.9}

    experiment = _experiment(metrics)
    described = {(each.acquisition, each.metric): each for each in summarise_metrics(experiment, "random")}
    assert described["margin", "nll"].final_tally == described["margin", "nll"].mean_tally == Tally(0, 3)
    assert described["bald", "nll"].final_tally == Tally(0, 0)
    compared = compare(StudyResults("made-up", "Made up", "", [experiment]), accuracy=0.9)
    (found,) = json.loads(json.dumps(as_json(compared), allow_nan=False))
    finals = {each["acquisition"]: each["final"] for each in found["probabilities"] if each["metric"] == "nll"}
    assert finals["margin"] == {"median": None, "low": None, "high": None}
    assert finals["bald"] == {"median": 0.5, "low": 0.5, "high": None}
    cells = [
        cell
        for table in tables(compared[0])
        if table.name.startswith(UNTESTED_TABLES)
        for row in table.rows
        for cell in row
    ]
    assert "0.721 (0.721–∞)" in cells
    assert not any("nan" in cell for cell in cells)


def test_the_draws_are_compared_with_the_single_prediction_by_trial() -> None:
    beside = compare_average_with_single(_experiment(_overconfident))
    assert [(each.acquisition, each.trials) for each in beside] == [("random", 4), ("margin", 4), ("bald", 4)]
    assert {(each.final_tally, each.mean_tally) for each in beside} == {(Tally(0, 4), Tally(4, 0))}
    assert describe_average_against_single(beside) == [
        "With 60 labels the average of the draws has a worse NLL than the single prediction with dropout off in 4 of 4 "
        "trials of random, margin and BALD; on average over the rounds in 0 of 12."
    ]


def test_draws_that_are_better_are_no_matter_for_a_sentence() -> None:
    beside = compare_average_with_single(_experiment(lambda name, seed, labels: {"nll": 0.3, "nll_point": 0.4}))
    assert beside[0].final_tally == Tally(4, 0)
    assert describe_average_against_single(beside) == describe_average_against_single([]) == []


def test_trials_that_are_not_finished_or_measured_are_not_described() -> None:
    experiment = _experiment(_overconfident)
    begun = [replace(trial, complete=trial.acquisition != "margin" or trial.seed > 1) for trial in experiment.trials]
    described = summarise_metrics(replace(experiment, trials=begun), "random")
    assert {(each.acquisition, each.seeds) for each in described} == {("random", 4), ("margin", 2), ("bald", 4)}
    bare = experiment_reaching({"random": [100.0], "bald": [90.0]})
    assert compare_average_with_single(bare) == []
    assert {each.metric for each in summarise_metrics(bare, "random")} == {"accuracy"}
