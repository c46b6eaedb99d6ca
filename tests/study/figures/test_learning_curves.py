"""Figure 3: the medians of accuracy, NLL and ECE, in the units of the axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from lindley.study.comparison.curves import learning_curve
from lindley.study.figures import learning_curves
from lindley.study.results import StudyResults


def test_the_lines_are_the_medians_in_percent_bits_and_points(results: StudyResults) -> None:
    digits = learning_curves.draw(results)[1]
    experiment = results.experiments[1]
    scales = {"accuracy": 100, "nll": 1 / math.log(2), "ece": 100}
    for axes, (metric, scale) in zip(digits.figure.axes, scales.items(), strict=True):
        for line, name in zip(axes.lines, experiment.acquisitions, strict=True):
            np.testing.assert_allclose(
                line.get_ydata(), scale * learning_curve(experiment.trials_of(name), metric).median
            )
            np.testing.assert_array_equal(line.get_xdata(), range(20, 201, 20))


def test_the_nll_is_on_a_logarithmic_axis_with_round_ticks(results: StudyResults) -> None:
    accuracy, nll, ece = learning_curves.draw(results)[1].figure.axes
    assert (nll.get_yscale(), ece.get_yscale()) == ("log", "linear")
    assert accuracy.get_yscale() != "log"
    low, high = nll.get_ylim()
    assert 0 < low < high < math.inf
    assert all(low <= tick <= high for tick in nll.get_yticks())
    assert {f"{tick:e}"[0] for tick in nll.get_yticks()} <= {"1", "2", "5"}


@pytest.mark.parametrize("losses", [[0.0, 0.2, 0.4], [math.inf, 0.2, 0.4], [0.2, 0.4]])
def test_losses_of_zero_and_infinity_do_not_stretch_the_axis(losses: list[float]) -> None:
    axes = Figure().subplots()
    learning_curves.logarithmic_losses(axes, losses)
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0.1 < low < 0.2 < 0.4 < high < 0.5


def test_without_a_loss_in_between_the_axis_stays_as_it_is() -> None:
    axes = Figure().subplots()
    learning_curves.logarithmic_losses(axes, [0.0, math.inf])
    assert axes.get_yscale() == "linear"


def test_lines_differ_without_colour(results: StudyResults) -> None:
    digits = learning_curves.draw(results)[1]
    lines = digits.figure.axes[0].lines
    assert len({line.get_marker() for line in lines}) == len(lines) == 3


def test_experiments_of_bald_and_batchbald_alone_are_left_to_figure_5(results: StudyResults) -> None:
    assert [drawn.name for drawn in learning_curves.draw(results)] == [
        "figure-3-learning-curves-two-moons",
        "figure-3-learning-curves-digits",
    ]


def test_the_caption_says_how_many_seeds_and_what_the_band_is(results: StudyResults) -> None:
    caption = learning_curves.draw(results)[1].caption
    assert "median over 3 seeds; band: smallest to largest" in caption
    assert learning_curves.draw(results)[0].caption.startswith("One seed, so there is no band.")


def test_all_points_are_in_view(results: StudyResults) -> None:
    for drawn in learning_curves.draw(results):
        for axes in drawn.figure.axes:
            low, high = axes.get_ylim()
            assert all(low <= value <= high for line in axes.lines for value in line.get_ydata())


def test_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    assert max(overhang(drawn.figure) for drawn in learning_curves.draw(results)) < 0.01


def test_one_round_is_no_curve(bare_results: StudyResults) -> None:
    assert learning_curves.draw(bare_results) == []


def test_acquisitions_that_asked_for_the_same_rows_are_named(results: StudyResults) -> None:
    before, experiment = learning_curves.draw(results)[1].caption, results.experiments[1]
    same = [replace(trial, acquisition="margin") for trial in experiment.trials_of("bald")]
    changed = replace(results, experiments=[replace(experiment, trials=[*experiment.trials, *same])])
    assert "queried the same rows" not in before
    assert "BALD and margin queried the same rows throughout." in learning_curves.draw(changed)[0].caption
