"""Exact paired tests, corrected over a family, and the minimum detectable difference."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lindley.seeds import numpy_generator
from lindley.study.comparison.signed_rank import DECIMALS, SMALLEST_DIFFERENCE, rank_sum_distribution, signed_rank_test

Floats = NDArray[np.float64]

FAMILY_LEVEL = 0.05
"""Two-sided level of a whole family of comparisons."""
POWER = 0.8
"""Probability with which the minimum detectable difference is detected."""
_SAMPLES = 4000
_COARSEST = 20.0
_MANY = 60
"""Number of pairs from which on detectable shifts use the normal approximation. Tests are always exact."""
_MAX_EXCHANGED = 12
"""Number of seeds up to which all exchanges are enumerated. With more, p-values are so small that Bonferroni's
correction over the measures of a pair costs little."""
_ROUNDING = 1 + 1e-9


def two_sided_p(differences: Sequence[float]) -> float:
    """Return the p-value of Wilcoxon's signed-rank test, exact also with ties; infinite differences rank highest.

    Exact for every distribution of the differences that exchanging the two of a pair leaves unchanged.
    """
    return two_sided(*signed_rank_test(differences))


def two_sided(p_above: float, p_below: float) -> float:
    """Return the two-sided p-value of two one-sided ones."""
    return min(1.0, 2 * min(p_above, p_below))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's method: the family-wise error rate is FAMILY_LEVEL under any dependence.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    adjusted, so_far, count = [0.0] * len(p_values), 0.0, len(p_values)
    for place, index in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        so_far = max(so_far, min(1.0, (count - place) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


@dataclass(frozen=True)
class PairTests:
    """The tests of one pair of acquisitions on M measures: p-values, and their values under every exchange."""

    p: tuple[float, ...]
    min_attainable_p: tuple[float, ...]
    """[M]: the smallest p that each measure can have, with all differences of one sign."""
    exchanged_p: Floats | None
    """[E, M]: the p-values under each way to exchange the two within seeds; None where there are too many."""

    def adjust(self, p: float, measures: Collection[int]) -> float:
        """Return the probability that one of these measures has so small a p if the two do not differ."""
        if self.exchanged_p is None:
            return min(1.0, len(measures) * p)
        return float((self.exchanged_p[:, list(measures)].min(1) <= p * _ROUNDING).mean())


def pair_tests(measures: Sequence[Sequence[float]]) -> PairTests:
    """Test each measure of a pair of acquisitions, under every exchange of the two within seeds.

    Args:
        measures: For each measure the differences, one per seed in the same order; 0 for a seed without information.
    """
    num_seeds = len(measures[0])
    p = tuple(two_sided_p(each) for each in measures)
    smallest = tuple(smallest_two_sided_p(sum(abs(value) > SMALLEST_DIFFERENCE for value in each)) for each in measures)
    if num_seeds > _MAX_EXCHANGED:
        return PairTests(p, smallest, None)
    ways = np.arange(1 << max(num_seeds - 1, 0))[:, None] >> np.arange(num_seeds)  # exchanging all changes no p
    kept = (ways & 1) == 0  # [E, S]
    return PairTests(p, smallest, np.stack([_p_values_under_exchange(kept, each) for each in measures], axis=1))


def step_down(pairs: Sequence[PairTests]) -> list[list[float]]:
    """Adjust the p-values of all measures of all pairs as one family.

    Exchanging the two of a seed changes all measures of that seed together. So a p is first compared with the smallest
    p of its pair under every exchange (`PairTests.adjust`; Westfall and Young 1993): measures that agree cost nothing.
    The result is multiplied by the number of pairs that can reach so small a p with their seeds (Tarone 1990,
    doi:10.2307/2531456), valid under any dependence of pairs. An adjusted p leaves the family. With one measure and
    equal numbers of seeds this is Holm's correction.
    Source: Romano and Wolf 2005, doi:10.1198/016214504000000539; Goeman and Solari 2010, doi:10.1214/10-AOS829.
    """
    left = [set(range(len(pair.p))) for pair in pairs]
    adjusted = [[0.0] * len(pair.p) for pair in pairs]
    so_far = 0.0
    while remaining := [place for place, measures in enumerate(left) if measures]:
        first = {place: min(left[place], key=pairs[place].p.__getitem__) for place in remaining}
        pair_p = {place: pairs[place].adjust(pairs[place].p[first[place]], left[place]) for place in remaining}
        place = min(remaining, key=pair_p.__getitem__)
        so_far = max(so_far, _family_p(pair_p[place], pairs, left))
        adjusted[place][first[place]] = so_far
        left[place].remove(first[place])
    return adjusted


def effective_comparisons(pair: PairTests, pairs: Sequence[PairTests]) -> int:
    """Return the effective number of single-measure comparisons that a comparison of this pair is corrected for.

    It is the smallest n such that every p up to 5 % / n is detected in the first step of `step_down`: no more than the
    number of pairs where all measures agree, and never more than the number of comparisons.
    """
    everything = [set(range(len(each.p))) for each in pairs]
    size = sum(map(len, everything))
    for count in range(1, size):
        pair_p = pair.adjust(FAMILY_LEVEL / count, range(len(pair.p)))
        if _family_p(pair_p, pairs, everything) <= FAMILY_LEVEL:
            return count
    return size


def _family_p(pair_p: float, pairs: Sequence[PairTests], left: Sequence[Collection[int]]) -> float:
    """Return a p that is adjusted within its pair, times the number of pairs that can have one as small."""
    reaching = sum(
        any(pair.min_attainable_p[each] <= pair_p * _ROUNDING for each in measures)
        for pair, measures in zip(pairs, left, strict=True)
    )
    return min(1.0, reaching * pair_p)


def smallest_two_sided_p(pairs: int) -> float:
    """Return the p-value when all pairs agree."""
    return min(1.0, math.ldexp(1.0, 1 - pairs))


def min_pairs_to_detect(comparisons: int) -> int:
    """Return the smallest number of pairs with which a family of so many comparisons can detect a difference."""
    pairs = 1
    while smallest_two_sided_p(pairs) * comparisons > FAMILY_LEVEL:
        pairs += 1
    return pairs


def detectable_shift(pairs: int, comparisons: int, grid: float = 0.0, *, estimated: bool = False) -> float:
    """Return the shift of normal differences, in standard deviations, that is detected with probability POWER.

    Found by simulation from fixed seeds, to a few percent. Infinite where the pairs can detect nothing.

    Args:
        pairs: Number of pairs.
        comparisons: Size of the family; the shift is detected in its first step.
        grid: Distance of the rounds in standard deviations, rounded up to quarters, where crossings are observed at the
            ends of rounds; 0 for means.
        estimated: Whether the unit is the pairs' own standard deviation instead of the true one; used without a grid.
    """
    return _detectable_shift(pairs, comparisons, math.ceil(4 * min(grid, _COARSEST)) / 4, estimated)


@cache
def _detectable_shift(pairs: int, comparisons: int, grid: float, estimated: bool) -> float:
    if pairs < min_pairs_to_detect(comparisons):
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


def deviation_from_interval(width: float, pairs: int) -> float:
    """Return the standard deviation of pairs whose mean has a 95 % Student interval of this width."""
    return width / 2 * math.sqrt(pairs) / float(stats.t.ppf(0.975, pairs - 1))


def _p_values_under_exchange(kept: NDArray[np.bool_], differences: Sequence[float]) -> Floats:
    """Return the two-sided p under each exchange; differences of seeds that are not kept change sign.

    kept [E, S] -> [E]
    """
    moved = np.round(np.array(differences, dtype=np.float64), DECIMALS)
    zeros = int((moved == 0).sum())
    ranks = np.where(moved == 0, 0, np.rint(2 * (stats.rankdata(np.abs(moved)) - zeros))).astype(np.int64)
    distribution = rank_sum_distribution(ranks[ranks > 0].tolist())
    p = np.minimum(1.0, 2 * np.minimum(np.cumsum(distribution), np.cumsum(distribution[::-1])[::-1]))
    under: Floats = p[(kept == (moved > 0)) @ ranks]
    return under


def _are_significant(differences: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """Return for each line whether its differences, without zeros and with ties, are above zero at the level."""
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
    """Return the smallest sum of the (doubled) ranks of positive differences that is significant two-sided.

    Many ranks use the normal approximation, which is slightly conservative: the exact sum takes cubic time.
    """
    if len(doubled_ranks) > _MANY:
        middle, spread = sum(doubled_ranks) / 2, math.sqrt(sum(rank * rank for rank in doubled_ranks)) / 2
        return math.ceil(middle + float(stats.norm.isf(level / 2)) * spread)
    tails = np.append(np.cumsum(rank_sum_distribution(doubled_ranks)[::-1])[::-1], 0.0)
    return int(np.argmax(2 * tails <= level))
