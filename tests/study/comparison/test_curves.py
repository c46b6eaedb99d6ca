"""Medians and bands over seeds."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
import numpy as np

from lindley.study.comparison.curves import evenly_spaced, learning_curve
from lindley.study.read_results import load_results


def _steps(ask: fakes.QuerySummary) -> float:
    """0.5 + 0.01 for each seed and 0.1 for each round."""
    return 0.5 + 0.01 * ask.seed + 0.1 * ask.round


def test_the_curve_is_the_median_with_smallest_and_largest_of_the_seeds_that_got_there(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=4, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps, rounds_done=lambda trial: 1 if trial.seed == 3 else None)
    curve = learning_curve(load_results(tmp_path).experiments[0].trials_of("bald"), "accuracy")
    assert curve.labels.tolist() == [20, 40, 60]
    assert curve.count.tolist() == [4, 3, 3]
    np.testing.assert_allclose(curve.median, [0.515, 0.61, 0.71])
    np.testing.assert_allclose(curve.low, [0.5, 0.6, 0.7])
    np.testing.assert_allclose(curve.high, [0.53, 0.62, 0.72])
    assert "smallest to largest" in curve.band


def test_with_more_than_five_seeds_the_band_is_the_quartiles(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=9, max_labels=40))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    curve = learning_curve(load_results(tmp_path).experiments[0].trials_of("bald"), "accuracy")
    np.testing.assert_allclose([curve.low[0], curve.median[0], curve.high[0]], [0.52, 0.54, 0.56])
    assert "interquartile" in curve.band


def test_the_first_and_the_last_are_always_shown() -> None:
    assert evenly_spaced(3, 6) == [0, 1, 2]
    assert evenly_spaced(11, 6) == [0, 2, 4, 6, 8, 10]
