"""Wilcoxon's signed-rank test, exact also with ties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

DECIMALS = 12
"""To which differences are compared."""
SMALLEST_DIFFERENCE = 10.0**-DECIMALS / 2
"""Differences that are not larger are none: rounding."""


def signed_rank_test(differences: Sequence[float]) -> tuple[float, float]:
    """p that the differences are above zero, p that they are below; each one-sided.

    Zeros are left out, as Wilcoxon did; without anything else both are 1. Sizes are compared to 12 decimals: those that
    only rounding tells apart are ties.
    """
    moved = np.round(np.array(differences, dtype=np.float64), DECIMALS)
    moved = moved[moved != 0]
    if moved.size == 0:
        return 1.0, 1.0
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(np.int64)
    law = rank_sum_distribution(ranks.tolist())
    observed = int(ranks[moved > 0].sum())
    return float(law[observed:].sum()), float(law[: observed + 1].sum())


def rank_sum_distribution(doubled_ranks: Iterable[int]) -> NDArray[np.float64]:
    """The chance of each sum of the ranks whose sign is positive, all signs being equally likely.  [sum of ranks + 1]

    By convolution over the signs. Ranks are doubled, so that those of ties are whole numbers.
    """
    law = np.ones(1)
    for rank in doubled_ranks:
        longer = np.zeros(law.size + rank)
        longer[: law.size] += law
        longer[rank:] += law
        law = longer / 2
    return law
