"""Tests of several comparisons at a time, against enumeration, other libraries and simulation."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from lindley.study.comparison import exact_tests
from lindley.study.comparison.exact_tests import (
    FAMILY_LEVEL,
    fewest_pairs,
    holm,
    smallest_two_sided_p,
    spread_of,
    two_sided_p,
    visible_shift,
)


@pytest.mark.parametrize("differences", [[0.3, -1.2, 2.2, 0.7, 1.9], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
def test_without_ties_p_is_that_of_scipy(differences: list[float]) -> None:
    assert two_sided_p(differences) == pytest.approx(wilcoxon(differences, method="exact").pvalue)


def test_infinite_differences_rank_above_all_others() -> None:
    assert two_sided_p([math.inf, 1.0, -2.0]) == two_sided_p([9.0, 1.0, -2.0])
    assert two_sided_p([-math.inf, 1.0, 2.0]) == two_sided_p([-9.0, 1.0, 2.0])


def test_nothing_but_ties_is_no_difference() -> None:
    assert two_sided_p([0.0, 0.0, 0.0]) == 1.0


def test_holm_adjusts_as_by_hand() -> None:
    # sorted .01 (x 4), .02 (x 3), .03 (x 2 = .06, as large as .06), .5
    assert holm([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert holm([]) == []


def test_the_published_smallest_p() -> None:
    assert [smallest_two_sided_p(pairs) for pairs in (5, 6, 8)] == [0.0625, 0.03125, 0.0078125]


@pytest.mark.parametrize(("comparisons", "pairs"), [(1, 6), (3, 7), (6, 8)])
def test_one_seed_fewer_than_needed_could_not_fire(comparisons: int, pairs: int) -> None:
    assert fewest_pairs(comparisons) == pairs
    assert holm([smallest_two_sided_p(pairs)] * comparisons)[0] <= FAMILY_LEVEL
    assert holm([smallest_two_sided_p(pairs - 1)] * comparisons)[0] > FAMILY_LEVEL


def test_false_alarms_of_a_family_stay_below_five_percent_over_all_exchanges() -> None:
    """Three acquisitions against a fourth: all that exchanging the labels of the four within 7 seeds can give."""
    values = np.random.default_rng(0).standard_normal((7, 4))
    generator = np.random.default_rng(1)
    alarms = 0
    for _ in range(4000):
        exchanged = generator.permuted(values, axis=1)
        gains = exchanged[:, 1:] - exchanged[:, :1]
        alarms += min(holm([two_sided_p(gains[:, each].tolist()) for each in range(3)])) <= FAMILY_LEVEL
    assert alarms / 4000 <= FAMILY_LEVEL


def test_two_sided_p_is_exact_over_all_signs() -> None:
    sizes = np.array([0.3, 1.1, 1.1, 2.0, 2.5, 4.0, 4.0])
    p_values = [two_sided_p((sizes * signs).tolist()) for signs in product((-1, 1), repeat=7)]
    for level in (0.02, 0.05, 0.2):
        assert np.mean(np.array(p_values) <= level) <= level


@pytest.mark.parametrize(("pairs", "comparisons"), [(6, 1), (10, 1), (10, 6)])
def test_what_could_be_seen_is_seen_four_times_in_five(pairs: int, comparisons: int) -> None:
    shift = visible_shift(pairs, comparisons)
    noise = np.random.default_rng(5).standard_normal((1500, pairs))
    seen = [two_sided_p(sample.tolist()) <= FAMILY_LEVEL / comparisons for sample in noise + shift]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(("pairs", "comparisons"), [(6, 1), (10, 6)])
def test_a_spread_that_was_estimated_asks_for_more(pairs: int, comparisons: int) -> None:
    shift = visible_shift(pairs, comparisons, estimated=True)
    known, noise = np.random.default_rng(5).standard_normal((2, 1500, pairs))
    moved = noise + shift * known.std(1, ddof=1, keepdims=True)
    seen = [two_sided_p(sample.tolist()) <= FAMILY_LEVEL / comparisons for sample in moved]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.04)


def test_the_spread_is_that_of_a_student_interval() -> None:
    values = np.random.default_rng(0).standard_normal(9)
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    assert spread_of(high - low, 9) == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize(("pairs", "grid"), [(8, 1.0), (10, 4.0)])
def test_on_rounds_more_has_to_be_there_to_be_seen_four_times_in_five(pairs: int, grid: float) -> None:
    shift = visible_shift(pairs, 1, grid)
    assert shift > visible_shift(pairs, 1)
    generator = np.random.default_rng(5)
    second = grid * generator.uniform(size=(400, pairs))
    first = second - shift - generator.standard_normal((400, pairs))
    ahead = np.ceil(second / grid) - np.ceil(first / grid)
    seen = np.mean([two_sided_p(line.tolist()) <= FAMILY_LEVEL for line in ahead])
    assert seen == pytest.approx(0.8, abs=0.07)


def test_too_few_pairs_could_see_nothing() -> None:
    assert visible_shift(5, 1) == math.inf
    assert visible_shift(7, 6) == math.inf


def test_of_many_pairs_the_normal_law_says_what_could_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    about = visible_shift(70, 3, 0.5)
    monkeypatch.setattr(exact_tests, "_MANY", 70)
    exact_tests._visible_shift.cache_clear()
    exact_tests._critical_sum.cache_clear()
    assert about == pytest.approx(visible_shift(70, 3, 0.5), rel=0.02)
    exact_tests._visible_shift.cache_clear()
