"""Figure 4: sums of scores above, joint information below log K, in bits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from lindley.study.figures import information_growth
from lindley.study.results import StudyResults


def test_there_is_one_for_each_number_of_labels_where_it_was_measured(results: StudyResults) -> None:
    assert [drawn.name for drawn in information_growth.draw(results)] == [
        "figure-4-information-two-moons-10",
        "figure-4-information-two-moons-20",
    ]


def test_sums_and_joint_information_are_drawn_in_bits_with_log_k(results: StudyResults) -> None:
    drawn = information_growth.draw(results)[0]
    arrays = results.experiments[0].trials_of("bald")[0].arrays(0, "information")
    assert arrays is not None
    lines = [np.asarray(line.get_ydata()) for line in drawn.figure.axes[0].lines]
    for place, name in enumerate(("bald", "batchbald", "random")):
        np.testing.assert_allclose(lines[2 * place], arrays[f"sum_bald_{name}"] / math.log(2))
        np.testing.assert_allclose(lines[2 * place + 1], arrays[f"joint_{name}"] / math.log(2))
    np.testing.assert_allclose(lines[6], math.log2(100))
    assert "log K = 6.64 bits (100 draws)" in {text.get_text() for text in drawn.figure.axes[0].texts}


def test_the_batches_lie_in_the_plane_numbered_in_their_order(results: StudyResults) -> None:
    drawn = information_growth.draw(results)[0]
    planes = {axes.get_title(): axes for axes in drawn.figure.axes if "picks" in axes.get_title()}
    assert set(planes) == {f"{name}: the first 10 picks" for name in ("BALD", "BatchBALD", "random")}
    arrays = results.experiments[0].trials_of("bald")[0].arrays(0, "information")
    assert arrays is not None
    third = next(text for text in planes["BALD: the first 10 picks"].texts if text.get_text() == "3")
    assert third.xy == pytest.approx(tuple(arrays["inputs_bald"][2]))


def test_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    assert overhang(information_growth.draw(results)[0].figure) < 0.01


def test_without_the_measurement_it_is_left_out(bare_results: StudyResults) -> None:
    assert information_growth.draw(bare_results) == []
