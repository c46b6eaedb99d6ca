"""What a trial says of its rounds; pairs of trials."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
import numpy as np

from lindley.study.comparison.curves import learning_curve
from lindley.study.read_results import load_results
from lindley.study.report.tables import format_spread
from lindley.study.results import paired_trials


def _steps(ask: fakes.Asked) -> float:
    """0.5 + 0.01 for each seed and 0.1 for each round."""
    return 0.5 + 0.01 * ask.seed + 0.1 * ask.round


def test_a_metric_that_was_null_is_nan(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    (trial,) = load_results(fakes.write_study(tmp_path, study, accuracy=_steps)).experiments[0].trials
    trial.rounds[0].metrics["accuracy_point"] = None
    assert np.isnan(trial.metric("accuracy_point")).tolist() == [True, False]


def test_a_metric_within_another_is_named_with_a_dot(tmp_path: Path) -> None:
    experiment = fakes.experiment_table("digits", ["random"], seeds=1, max_labels=60, observe=fakes.TRANSFER)
    fakes.write_study(tmp_path, fakes.make_study(experiment), accuracy=fakes.rising, more=fakes.fake_transfer)
    trial = load_results(tmp_path).experiments[0].trials[0]
    inside = [each.metrics.get("transfer") for each in trial.rounds]
    values = trial.metric("transfer.forest.accuracy")
    assert inside[0] is inside[2] is None
    assert np.isnan(values).tolist() == [True, False, True]
    assert values[1] == inside[1]["forest"]["accuracy"]
    assert np.isnan(trial.metric("accuracy.forest")).all()


def test_trials_are_paired_by_seed(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=3, max_labels=40))
    skipped = ("bald", 1)
    fakes.write_study(
        tmp_path,
        study,
        accuracy=_steps,
        rounds_done=lambda trial: 0 if (trial.acquisition, trial.seed) == skipped else None,
    )
    pairs = paired_trials(load_results(tmp_path).experiments[0], "bald", "random")
    assert [(first.seed, second.seed) for first, second in pairs] == [(0, 0), (2, 2)]


def test_an_infinite_loss_counts_as_the_worst_and_not_as_missing(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=3, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    trials = load_results(tmp_path).experiments[0].trials_of("bald")
    for trial in trials[:2]:
        for number, each in enumerate(trial.rounds):
            fakes.changed(trial, number, metrics={**each.metrics, "nll": None})
    assert trials[0].metric("nll").tolist() == [np.inf] * 3
    curve = learning_curve(trials, "nll")
    assert curve.count.tolist() == [3, 3, 3]
    assert np.isinf(curve.median).all()
    assert curve.low.tolist() == trials[2].metric("nll").tolist()
    assert format_spread([np.inf, np.inf, 1.0], 1) == "∞ (1.0–∞)"


def test_a_joint_loss_of_null_is_infinite_and_one_that_is_not_there_was_not_measured(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    (trial,) = load_results(tmp_path).experiments[0].trials
    trial.rounds[0].metrics["joint_nll"] = None
    del trial.rounds[1].metrics["joint_nll"]
    infinite, missing, number = trial.metric("joint_nll").tolist()
    assert infinite == np.inf
    assert np.isnan(missing)
    assert number == trial.rounds[2].metrics["joint_nll"]
