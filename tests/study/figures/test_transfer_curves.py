"""Figure 6: one picture per model, of the accuracies that the journals hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from lindley.study.comparison.curves import learning_curve
from lindley.study.figures import transfer_curves
from lindley.study.results import StudyResults


def test_the_lines_are_the_medians_of_each_model_in_percent(results: StudyResults) -> None:
    (drawn,) = transfer_curves.draw(results)
    experiment = results.experiments[1]
    metrics = ("accuracy", "transfer.forest.accuracy", "transfer.head.accuracy")
    assert [axes.get_title() for axes in drawn.figure.axes] == ["querying model", "forest", "head"]
    for axes, metric in zip(drawn.figure.axes, metrics, strict=True):
        for line, name in zip(axes.lines, experiment.acquisitions, strict=True):
            curve = learning_curve(experiment.trials_of(name), metric)
            np.testing.assert_allclose(line.get_ydata(), 100 * curve.median)
            np.testing.assert_array_equal(line.get_xdata(), curve.labels)


def test_a_model_measured_at_some_labels_only_has_a_line_there(results: StudyResults) -> None:
    (drawn,) = transfer_curves.draw(results)
    assert list(drawn.figure.axes[1].lines[0].get_xdata()) == [40, 80, 120, 160, 200]


def test_all_points_are_in_view_and_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    (drawn,) = transfer_curves.draw(results)
    assert overhang(drawn.figure) < 0.01
    for axes in drawn.figure.axes:
        low, high = axes.get_ylim()
        assert all(low <= value <= high for line in axes.lines for value in line.get_ydata())


def test_the_caption_says_how_many_seeds(results: StudyResults) -> None:
    (drawn,) = transfer_curves.draw(results)
    assert drawn.caption.startswith("Line: median over 3 seeds; band: smallest to largest")


def test_without_another_model_it_is_left_out(bare_results: StudyResults) -> None:
    assert transfer_curves.draw(bare_results) == []
