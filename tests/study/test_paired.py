"""Exact tests on paired differences, against enumeration of all signs; and how parts make a verdict."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from lindley.study.paired import Comparison, across_panels, compared, judge, signed_rank_test, smallest_p


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


def _comparison(*signs: int) -> Comparison:
    return compared("panel", "part", "what", "brief", "effect", [float(sign) for sign in signs])


FOR, AGAINST, OPEN = _comparison(1, 1, 1, 1, 1), _comparison(-1, -1, -1, -1, -1), _comparison(1, -1, 1, -1, 1)


def test_a_claim_is_supported_when_every_part_is() -> None:
    assert judge([FOR, FOR]) == "supported here"
    assert judge([FOR, OPEN]) == "not decided here"


def test_a_claim_is_contradicted_when_a_part_is_reversed_beyond_what_many_parts_explain() -> None:
    assert judge([AGAINST]) == judge([AGAINST, AGAINST, AGAINST]) == "contradicted here"
    # p = 1/32 in one of four parts is to be expected by chance too often
    assert judge([AGAINST, OPEN, OPEN, OPEN]) == "not decided here"
    assert judge([_comparison(*[-1] * 8), OPEN, OPEN, OPEN]) == "contradicted here"


def test_four_seeds_decide_nothing() -> None:
    assert judge([_comparison(1, 1, 1, 1)]) == judge([_comparison(-1, -1, -1, -1)]) == "not decided here"


def test_nothing_to_compare_is_not_measured() -> None:
    assert judge([]) == across_panels([]) == across_panels(["not measured here"]) == "not measured here"


def test_panels_that_disagree_leave_a_claim_undecided() -> None:
    assert across_panels(["supported here", "not decided here"]) == "supported here"
    assert across_panels(["contradicted here", "not decided here"]) == "contradicted here"
    assert across_panels(["supported here", "contradicted here"]) == "not decided here"
