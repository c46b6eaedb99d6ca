"""Exact paired tests, several at a time, and what so many seeds could have seen at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lindley.seeds import numpy_generator
from lindley.study.signed_rank import rank_sum_law, signed_rank_test

FAMILY_LEVEL = 0.05
"""Two-sided, of a whole family of comparisons."""
POWER = 0.8
"""The chance with which a difference that "could have been seen" is seen."""
_SAMPLES = 4000
_COARSEST = 20.0
_MANY = 60
"""Pairs of which what could have been seen is simulated with normal laws. Tests are exact whatever their number."""


def two_sided_p(differences: Sequence[float]) -> float:
    """Wilcoxon's signed-rank test, exact, also with ties; infinite differences rank above all others.

    Exact whatever the law of the differences, as long as exchanging the two of a pair changes nothing.
    """
    return doubled(*signed_rank_test(differences))


def doubled(p_above: float, p_below: float) -> float:
    """Of two one-sided p the two-sided one."""
    return min(1.0, 2 * min(p_above, p_below))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p: at most FAMILY_LEVEL of them are wrongly below FAMILY_LEVEL in a family, whatever the dependence.

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
    while smallest_two_sided_p(pairs) * comparisons > FAMILY_LEVEL:
        pairs += 1
    return pairs


def visible_shift(pairs: int, comparisons: int, grid: float = 0.0, *, estimated: bool = False) -> float:
    """The shift of normal differences, in their standard deviations, that is detected with a chance of POWER.

    As the first step of a family of so many comparisons. grid: how far the rounds lie apart, in the same unit, where
    each of the two of a pair is seen at the end of a round only. estimated: without a grid, whether the unit is the
    standard deviation that so many pairs had, and not the true one, which is at times larger. Infinite where these
    pairs can detect nothing. By simulation from fixed seeds, to a few percent; grids are rounded up to quarters.
    """
    return _visible_shift(pairs, comparisons, math.ceil(4 * min(grid, _COARSEST)) / 4, estimated)


@cache
def _visible_shift(pairs: int, comparisons: int, grid: float, estimated: bool) -> float:
    if pairs < fewest_pairs(comparisons):
        return math.inf
    level = FAMILY_LEVEL / comparisons
    generator = numpy_generator(0, "visible shift", pairs)
    noise = generator.standard_normal((_SAMPLES if grid == 0 else _SAMPLES // 8, pairs))
    where = grid * generator.uniform(size=noise.shape)  # the second of each pair, within its round
    chi_square = generator.chisquare(pairs - 1, (len(noise), 1))
    unit = np.sqrt(chi_square / (pairs - 1)) if estimated else 1.0

    def power(shift: float) -> float:
        if grid == 0:
            moved = noise + shift * unit
            sums = np.where(moved > 0, 2 * stats.rankdata(np.abs(moved), axis=1), 0).sum(1)
            return float((sums >= _critical_sum(tuple(range(2, 2 * pairs + 2, 2)), level)).mean())
        rounds = -np.floor((where - noise - shift) / grid)  # by how many the first is earlier
        return float(_are_significant(rounds, level).mean())

    low, high = 0.0, 10.0 + 2 * grid
    while high - low > 0.005:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def spread_of(width: float, pairs: int) -> float:
    """The standard deviation of so many pairs whose mean has a Student interval of 95 % that is so wide."""
    return width / 2 * math.sqrt(pairs) / float(stats.t.ppf(0.975, pairs - 1))


def _are_significant(differences: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """Of each line, whether its differences, without zeros and with ties, are above zero at the level."""
    zeros = (differences == 0).sum(1, keepdims=True)  # they rank below all others
    ranks = np.rint(2 * (stats.rankdata(np.abs(differences), axis=1) - zeros)).astype(int)
    sums = np.where(differences > 0, ranks, 0).sum(1)
    needed = [
        _critical_sum(tuple(line[count:]), level)
        for line, count in zip(np.sort(np.where(differences == 0, 0, ranks), axis=1).tolist(), zeros[:, 0], strict=True)
    ]
    significant: NDArray[np.bool_] = sums >= np.array(needed)
    return significant


@cache
def _critical_sum(doubled_ranks: tuple[int, ...], level: float) -> int:
    """The smallest sum of the (doubled) ranks of positive differences that is significant two-sided.

    Of many, by their normal law, which asks for a little more than is needed; the exact one takes the cube of their
    number.
    """
    if len(doubled_ranks) > _MANY:
        middle, spread = sum(doubled_ranks) / 2, math.sqrt(sum(rank * rank for rank in doubled_ranks)) / 2
        return math.ceil(middle + float(stats.norm.isf(level / 2)) * spread)
    tails = np.append(np.cumsum(rank_sum_law(doubled_ranks)[::-1])[::-1], 0.0)
    return int(np.argmax(2 * tails <= level))
