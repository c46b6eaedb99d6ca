"""Tests of several comparisons at a time, against enumeration, other libraries and simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from lindley.study.comparison import exact_tests
from lindley.study.comparison.exact_tests import (
    FAMILY_LEVEL,
    detectable_shift,
    deviation_from_interval,
    effective_comparisons,
    holm,
    min_pairs_to_detect,
    pair_tests,
    smallest_two_sided_p,
    step_down,
    two_sided_p,
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
    assert min_pairs_to_detect(comparisons) == pairs
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


def _family(*pairs: Sequence[Sequence[float]]) -> list[list[float]]:
    return step_down([pair_tests(measures) for measures in pairs])


@pytest.mark.parametrize("num_seeds", [6, 8, 20])
def test_with_one_measure_the_family_is_holms(num_seeds: int) -> None:
    generator = np.random.default_rng(num_seeds)
    for _ in range(20):
        pairs = (generator.standard_normal((4, num_seeds)) + generator.uniform(0, 2, (4, 1))).tolist()
        found = [p for (p,) in _family(*([each] for each in pairs))]
        assert found == pytest.approx(holm([two_sided_p(each) for each in pairs]))


def test_the_smallest_p_of_a_pair_is_compared_with_that_of_every_exchange() -> None:
    """Enumerated: exchanging the two of a seed changes the sign of both of its measures."""
    measures = np.array([[0.3, 1.2, 2.2, 0.7, 1.9, 0.0], [1.0, -0.5, 2.0, 2.0, 3.0, 1.5]])
    smallest = [
        min(two_sided_p((measure * signs).tolist()) for measure in measures) for signs in product((-1, 1), repeat=6)
    ]
    p = [two_sided_p(measure.tolist()) for measure in measures]
    first = np.mean(np.array(smallest) <= min(p) + 1e-12)
    ((one, other),) = _family(measures.tolist())
    assert (one, other) == pytest.approx((first, max(first, p[1])))


def test_measures_that_agree_or_are_opposite_cost_nothing() -> None:
    sizes = [0.3, 1.2, 2.2, 0.7, 1.9, 1.1, 0.4]
    opposite = [-2 * each for each in sizes]
    assert _family([sizes, opposite, sizes]) == [[2 / 128] * 3]


def test_a_comparison_counts_as_so_many_that_the_first_step_detects_it() -> None:
    """Of three pairs with seven seeds p = 2/128 is detected, 4/128 is not; 5 % / 2 lies between them."""
    sizes = [0.3, 1.2, 2.2, 0.7, 1.9, 1.1, 0.4]
    agreeing = pair_tests([sizes, [-2 * each for each in sizes]])
    assert effective_comparisons(agreeing, [agreeing] * 3) == 2
    differing = pair_tests([sizes, [*sizes[:-1], -0.01]])
    assert effective_comparisons(differing, [differing] * 3) == 4  # no p at all below 5 % / 4


def test_measures_that_differ_cost_what_their_own_exchanges_cost() -> None:
    """Of 64 ways 1 makes the first as clear as it is, and 1 other the second, whose last seed points the other way."""
    sizes = [0.3, 1.2, 2.2, 0.7, 1.9, 1.1, 0.4]
    ((first, second),) = _family([sizes, [*sizes[:-1], -0.01]])
    assert (first, second) == pytest.approx((2 / 64, 2 / 64))


def test_pairs_with_too_few_seeds_cost_nothing() -> None:
    """Ten seeds that agree have p = 2 / 1024, which three seeds, at best 2 / 8, cannot have."""
    many, few = [[1.0 + each for each in range(10)]], [[1.0, 2.0, 3.0]]
    (first,), *others = _family(many, few, few)
    assert first == pytest.approx(2 / 1024)
    assert [p for (p,) in others] == [0.5, 0.5]


def test_with_many_seeds_the_measures_of_a_pair_are_corrected_by_their_number() -> None:
    sizes = [1.0 + each for each in range(14)]
    assert _family([sizes, sizes]) == [[pytest.approx(4 / 2**14)] * 2]


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_false_alarms_over_all_measures_stay_below_five_percent(shift: float) -> None:
    """Three acquisitions against a fourth, 7 seeds, two measures that hang together and differ in nothing.

    shift: by how much a third measure of the first acquisition differs, which does not count as a false alarm.
    """
    generator = np.random.default_rng(3)
    values = generator.standard_normal((7, 4))
    both = np.stack([values, values + 0.7 * generator.standard_normal((7, 4)), generator.standard_normal((7, 4))])
    alarms = 0
    for _ in range(500):
        order = generator.permuted(np.tile(np.arange(4), (7, 1)), axis=1)
        exchanged = np.take_along_axis(both, order[None], axis=2)
        gains = exchanged[..., 1:] - exchanged[..., :1]
        gains[2, :, 0] += shift
        found = np.array(_family(*gains.transpose(2, 0, 1).tolist()))  # [pairs, measures]
        found[0, 2] = 1.0 if shift else found[0, 2]
        alarms += found.min() <= FAMILY_LEVEL
    assert alarms <= 36  # more would have a chance of 1 % if it were 5 % of 500


def test_two_sided_p_is_exact_over_all_signs() -> None:
    sizes = np.array([0.3, 1.1, 1.1, 2.0, 2.5, 4.0, 4.0])
    p_values = [two_sided_p((sizes * signs).tolist()) for signs in product((-1, 1), repeat=7)]
    for level in (0.02, 0.05, 0.2):
        assert np.mean(np.array(p_values) <= level) <= level


@pytest.mark.parametrize(("pairs", "comparisons"), [(6, 1), (10, 1), (10, 6)])
def test_what_could_be_seen_is_seen_four_times_in_five(pairs: int, comparisons: int) -> None:
    shift = detectable_shift(pairs, comparisons)
    noise = np.random.default_rng(5).standard_normal((1500, pairs))
    seen = [two_sided_p(sample.tolist()) <= FAMILY_LEVEL / comparisons for sample in noise + shift]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(("pairs", "comparisons"), [(6, 1), (10, 6)])
def test_a_spread_that_was_estimated_asks_for_more(pairs: int, comparisons: int) -> None:
    shift = detectable_shift(pairs, comparisons, estimated=True)
    known, noise = np.random.default_rng(5).standard_normal((2, 1500, pairs))
    moved = noise + shift * known.std(1, ddof=1, keepdims=True)
    seen = [two_sided_p(sample.tolist()) <= FAMILY_LEVEL / comparisons for sample in moved]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.04)


def test_the_spread_is_that_of_a_student_interval() -> None:
    values = np.random.default_rng(0).standard_normal(9)
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    assert deviation_from_interval(high - low, 9) == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize(("pairs", "grid"), [(8, 1.0), (10, 4.0)])
def test_on_rounds_more_has_to_be_there_to_be_seen_four_times_in_five(pairs: int, grid: float) -> None:
    shift = detectable_shift(pairs, 1, grid)
    assert shift > detectable_shift(pairs, 1)
    generator = np.random.default_rng(5)
    second = grid * generator.uniform(size=(400, pairs))
    first = second - shift - generator.standard_normal((400, pairs))
    ahead = np.ceil(second / grid) - np.ceil(first / grid)
    seen = np.mean([two_sided_p(line.tolist()) <= FAMILY_LEVEL for line in ahead])
    assert seen == pytest.approx(0.8, abs=0.07)


def test_too_few_pairs_could_see_nothing() -> None:
    assert detectable_shift(5, 1) == math.inf
    assert detectable_shift(7, 6) == math.inf


def test_of_many_pairs_the_normal_law_says_what_could_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    about = detectable_shift(70, 3, 0.5)
    monkeypatch.setattr(exact_tests, "_MANY", 70)
    exact_tests._detectable_shift.cache_clear()
    exact_tests._critical_sum.cache_clear()
    assert about == pytest.approx(detectable_shift(70, 3, 0.5), rel=0.02)
    exact_tests._detectable_shift.cache_clear()
