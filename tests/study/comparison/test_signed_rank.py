"""The exact test of paired differences, against enumeration of all signs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from lindley.study.comparison.paired import smallest_p
from lindley.study.comparison.signed_rank import rank_sum_distribution, signed_rank_test


def _enumerated(differences: list[float]) -> tuple[float, float]:
    """All 2^n signs of the ranks."""
    ranks = rankdata(np.abs(differences))
    observed = ranks[np.array(differences) > 0].sum()
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in product((0, 1), repeat=len(ranks))
    ]
    return float(np.mean(np.array(sums) >= observed - 1e-9)), float(np.mean(np.array(sums) <= observed + 1e-9))


@pytest.mark.parametrize(
    "differences",
    [[1.0], [1.0, -2.0], [0.5, 0.5, -0.5, 1.0], [3.0, 3.0, 3.0, -3.0, 1.0, -2.0, 2.0], [-1.0, -2.0, -3.0, -4.0, -5.0]],
)
def test_the_test_is_that_of_all_signs(differences: list[float]) -> None:
    np.testing.assert_allclose(signed_rank_test(differences), _enumerated(differences))


def test_without_ties_it_is_scipys_exact_wilcoxon_test() -> None:
    differences = np.random.default_rng(3).standard_normal(12) + 0.4
    greater = wilcoxon(differences, alternative="greater", method="exact").pvalue
    assert signed_rank_test(differences.tolist())[0] == pytest.approx(greater)


@pytest.mark.parametrize("pairs", [1, 3, 5, 10])
def test_no_p_is_below_the_smallest_that_so_many_pairs_can_give(pairs: int) -> None:
    assert signed_rank_test([1.0] * pairs) == (smallest_p(pairs), 1.0)


def test_pairs_without_a_difference_decide_nothing() -> None:
    assert signed_rank_test([0.0, 0.0]) == (1.0, 1.0)
    assert signed_rank_test([0.0, 1.0, 2.0]) == signed_rank_test([1.0, 2.0])


def test_the_law_of_the_rank_sum_is_that_of_all_signs() -> None:
    ranks = (2, 5, 5, 8)
    sums = [sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=4)]
    np.testing.assert_allclose(rank_sum_distribution(ranks), np.bincount(sums, minlength=21) / 16)
