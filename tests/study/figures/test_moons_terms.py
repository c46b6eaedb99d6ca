"""Figure 2: the three entropies in bits, the difference being BALD, beside the mean probability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from lindley.study.figures import moons_terms
from lindley.study.results import StudyResults


def test_the_terms_are_in_bits_and_the_last_is_their_difference(results: StudyResults) -> None:
    (drawn,) = moons_terms.draw(results)
    first_row = [axes.images[0].get_array() for axes in drawn.figure.axes if axes.images][:4]
    belief, total, noise, difference = (np.asarray(values) for values in first_row)
    binary = -(belief * np.log2(belief) + (1 - belief) * np.log2(1 - belief))  # the fake's total is that of its belief
    np.testing.assert_allclose(total, binary, atol=1e-9)
    np.testing.assert_allclose(difference, total - noise, atol=1e-9)
    assert total.max() == pytest.approx(1.0, abs=0.02)


def test_there_is_a_row_for_each_round_and_a_scale_with_its_unit_for_each_column(results: StudyResults) -> None:
    (drawn,) = moons_terms.draw(results)
    pictures = [axes for axes in drawn.figure.axes if axes.images]
    scales = [axes.get_xlabel() for axes in drawn.figure.axes if not axes.images]
    assert len(pictures) == 5 * 4
    assert scales == ["probability of “lower moon”", "bits", "bits", "bits"]


def test_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    (drawn,) = moons_terms.draw(results)
    assert overhang(drawn.figure) < 0.01


def test_without_surfaces_it_is_left_out(bare_results: StudyResults) -> None:
    assert moons_terms.draw(bare_results) == []
