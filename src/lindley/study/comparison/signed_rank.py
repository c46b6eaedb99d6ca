"""Wilcoxon's signed-rank test, exact also with ties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

DECIMALS = 12
"""Decimals to which differences are compared."""
SMALLEST_DIFFERENCE = 10.0**-DECIMALS / 2
"""Differences up to this size are rounding errors."""


def signed_rank_test(differences: Sequence[float]) -> tuple[float, float]:
    """Return the one-sided p-values that the differences are above zero, and that they are below.

    Zeros are left out, as Wilcoxon did; if nothing remains both are 1. Sizes are compared to 12 decimals, so that
    rounding does not break ties.
    """
    moved = np.round(np.array(differences, dtype=np.float64), DECIMALS)
    moved = moved[moved != 0]
    if moved.size == 0:
        return 1.0, 1.0
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(np.int64)
    distribution = rank_sum_distribution(ranks.tolist())
    observed = int(ranks[moved > 0].sum())
    return float(distribution[observed:].sum()), float(distribution[: observed + 1].sum())


def rank_sum_distribution(doubled_ranks: Iterable[int]) -> NDArray[np.float64]:
    """Return the probability of each sum of positive ranks if all signs are equally likely.  [sum of ranks + 1]

    Computed by convolution over the signs. Ranks are doubled, so that those of ties are whole numbers.
    """
    distribution = np.ones(1)
    for rank in doubled_ranks:
        longer = np.zeros(distribution.size + rank)
        longer[: distribution.size] += distribution
        longer[rank:] += distribution
        distribution = longer / 2
    return distribution
