"""Exact paired tests, several at a time, and what so many seeds could have seen at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats

from lindley.seeds import numpy_generator
from lindley.study.paired import signed_rank_test

LEVEL = 0.05
"""Two-sided, of a whole family of comparisons."""
POWER = 0.8
"""The chance with which a difference that "could have been seen" is seen."""
_SAMPLES = 4000


def two_sided_p(differences: Sequence[float]) -> float:
    """Wilcoxon's signed-rank test, exact, also with ties; infinite differences rank above all others.

    Exact whatever the law of the differences, as long as exchanging the two of a pair changes nothing.
    """
    return min(1.0, 2 * min(signed_rank_test(differences)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p: at most LEVEL of them are wrongly below LEVEL in a family, whatever the dependence.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    adjusted, so_far, count = [0.0] * len(p_values), 0.0, len(p_values)
    for place, index in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        so_far = max(so_far, min(1.0, (count - place) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


def smallest_two_sided_p(pairs: int) -> float:
    """What comes out when all pairs point one way."""
    return min(1.0, math.ldexp(1.0, 1 - pairs))


def fewest_pairs(comparisons: int) -> int:
    """How many pairs are needed so that a family of so many comparisons can detect anything."""
    pairs = 1
    while smallest_two_sided_p(pairs) * comparisons > LEVEL:
        pairs += 1
    return pairs


@cache
def visible_shift(pairs: int, comparisons: int) -> float:
    """The shift of normal differences, in their standard deviations, that is detected with a chance of POWER.

    As the first step of a family of so many comparisons. Infinite where these pairs can detect nothing. By simulation
    from fixed seeds, to a few percent.
    """
    if pairs < fewest_pairs(comparisons):
        return math.inf
    critical = _critical_sum(pairs, LEVEL / comparisons)
    noise = numpy_generator(0, "visible shift", pairs).standard_normal((_SAMPLES, pairs))

    def power(shift: float) -> float:
        moved = noise + shift
        sums = np.where(moved > 0, stats.rankdata(np.abs(moved), axis=1), 0).sum(1)
        return float((sums >= critical).mean())

    low, high = 0.0, 10.0
    while high - low > 0.005:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def spread_of(width: float, pairs: int) -> float:
    """The standard deviation of so many pairs whose mean has a Student interval of 95 % that is so wide."""
    return width / 2 * math.sqrt(pairs) / float(stats.t.ppf(0.975, pairs - 1))


def _critical_sum(pairs: int, level: float) -> int:
    """The smallest rank sum of positive differences that is significant two-sided, without ties."""
    ways = np.ones(1)
    for rank in range(1, pairs + 1):
        longer = np.zeros(ways.size + rank)
        longer[: ways.size] += ways
        longer[rank:] += ways
        ways = longer / 2
    tails = np.cumsum(ways[::-1])[::-1]
    return int(np.argmax(2 * tails <= level))
