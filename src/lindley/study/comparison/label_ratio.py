"""Ratio of the labels that two acquisitions need: an interval from a handful of paired seeds.

A crossing is observed at the end of a round only, so it is interval-censored: its censoring interval, a cell, is (the
round before, the round where it was observed], open above where the level was not reached. Middles of cells as
crossings give intervals that are far too short where few rounds lie between seeds; worst-case ends give intervals twice
too long (`benchmarks/interval_coverage.py` has the table). So the positions within cells are unknowns of a model: the
logarithms of a pair's two crossings are bivariate Student-t (5 degrees of freedom, since a seed may be an outlier)
about two medians, with any correlation and two scales. The priors are flat on the medians, half-t on each scale and
flat on the correlation (Huang and Wand 2013, doi:10.1214/12-BA688). Gibbs steps, truncated to the cells, sample the
posterior.

N pairs; every array of cells is [..., N, 2] in logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from lindley.study.comparison.labels_to_target import Crossing

Floats = NDArray[np.float64]

MIN_PAIRS_FOR_INTERVAL = 3
"""Smallest number of pairs with an interval: two pairs hardly show how much pairs vary."""
_DEGREES_OF_FREEDOM = 5.0
_TYPICAL_SCALE = 0.25
"""Scale of the half-t prior: seeds whose crossings differ by a quarter are ordinary."""
_LARGEST_LOG = math.log(np.finfo(np.float64).max)
"""Largest logarithm of a ratio that a float can hold."""
_CHAINS, _ITERATIONS, _BURN_IN = 32, 400, 100


@dataclass(frozen=True)
class LabelRatio:
    """Labels of the first over labels of the second: posterior median and central interval. Below 1 the first saves."""

    median: float
    low: float
    high: float


def label_ratio(
    first: Sequence[Crossing], second: Sequence[Crossing], *, generator: np.random.Generator, coverage: float = 0.95
) -> LabelRatio | None:
    """Return the median over seeds of the paired ratio of labels, with an interval.

    None below MIN_PAIRS_FOR_INTERVAL, where one of the two has fewer than half of its crossings within the rounds (the
    median itself was not observed), and where the cells leave the ratio unbounded.

    Args:
        first: The crossings of the first acquisition, one per pair.
        second: The crossings of the second acquisition, in the same order.
        generator: The source of randomness.
        coverage: The probability content of the interval.
    """
    mine, theirs = censoring_intervals(first), censoring_intervals(second)
    if len(first) < MIN_PAIRS_FOR_INTERVAL or not (_is_mostly_observed(mine) and _is_mostly_observed(theirs)):
        return None
    chains = [np.broadcast_to(each, (_CHAINS, *each.shape)) for each in (mine, theirs)]
    drawn = sample_median_difference(*chains, generator=generator, iterations=_ITERATIONS)[_BURN_IN:]
    tail = (1 - coverage) / 2
    logs = np.quantile(drawn, (tail, 0.5, 1 - tail))
    if np.abs(logs).max() > _LARGEST_LOG:
        return None
    low, median, high = np.exp(logs)
    return LabelRatio(float(median), float(low), float(high))


def censoring_intervals(crossings: Sequence[Crossing]) -> Floats:
    """Return the cell of each crossing in logarithms of labels: above the first, at most the second.  -> [N, 2]

    Open above where the level was not reached or may be lost again, open below where it was reached at the start.
    """
    return np.array([_censoring_interval(each) for each in crossings], dtype=np.float64).reshape(-1, 2)


def sample_median_difference(
    mine: Floats, theirs: Floats, *, generator: np.random.Generator, iterations: int
) -> Floats:
    """Sample median(log mine) - median(log theirs) for R posteriors at once.  two [R, N, 2] -> [iterations, R]

    The first hundred or so iterations are burn-in.

    Args:
        mine: The cells of the first acquisition, [R, N, 2].
        theirs: The cells of the second acquisition, [R, N, 2].
        generator: The source of randomness.
        iterations: The number of Gibbs steps.
    """
    low, high = (np.stack([mine[..., side], theirs[..., side]], axis=-1) for side in (0, 1))  # [R, N, 2]
    logs = _initial_points(low, high)
    medians = logs.mean(1)  # [R, 2]
    scatter = np.broadcast_to(0.04 * np.eye(2), (len(logs), 2, 2))
    weights = np.ones(logs.shape[:2])  # [R, N]
    spread = np.ones((len(logs), 2))
    drawn = np.empty((iterations, len(logs)))
    for step in range(iterations):
        logs = _resample_crossings(logs, medians, scatter, weights, low, high, generator)
        logs, medians = _shift_together(logs, medians, low, high, generator)
        weights = _sample_weights(logs - medians[:, None], scatter, generator)
        total = weights.sum(1)
        mean = (weights[..., None] * logs).sum(1) / total[:, None]
        scatter, spread = _sample_scatter(logs - mean[:, None], weights, spread, generator)
        root = np.linalg.cholesky(scatter / total[:, None, None])
        medians = mean + np.einsum("rij,rj->ri", root, generator.standard_normal(mean.shape))
        drawn[step] = medians[:, 0] - medians[:, 1]
    return drawn


def _censoring_interval(crossing: Crossing) -> tuple[float, float]:
    labels = math.log(crossing.labels) if crossing.labels > 0 else -math.inf
    if crossing.censored:
        return labels, math.inf
    before = math.log(crossing.labels_before) if crossing.labels_before < crossing.labels else -math.inf
    return before, labels if crossing.is_confirmed else math.inf


def _is_mostly_observed(cells: Floats) -> bool:
    return 2 * int(np.isfinite(cells[:, 1]).sum()) >= len(cells) and bool(np.isfinite(cells[:, 0]).any())


def _initial_points(low: Floats, high: Floats) -> Floats:
    """Return a point of every cell; for a cell open on both sides, the mean of the other points.  [R, N, 2]"""
    below = np.where(np.isfinite(low), low, high - 0.2)
    above = np.where(np.isfinite(high), high, low + 0.2)
    bounded = np.isfinite(low) | np.isfinite(high)
    points = (np.where(bounded, below, 0.0) + np.where(bounded, above, 0.0)) / 2
    mean = points.sum(1, keepdims=True) / np.maximum(bounded.sum(1, keepdims=True), 1)
    return np.where(bounded, points, mean)


def _resample_crossings(
    logs: Floats,
    medians: Floats,
    scatter: Floats,
    weights: Floats,
    low: Floats,
    high: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Resample every crossing within its cell, given the other one of its pair."""
    logs = logs.copy()
    for side, other in ((0, 1), (1, 0)):
        slope = scatter[:, side, other] / scatter[:, other, other]
        left = scatter[:, side, side] - slope * scatter[:, side, other]
        centre = medians[:, side, None] + slope[:, None] * (logs[..., other] - medians[:, other, None])
        deviation = np.sqrt(np.maximum(left, 1e-12)[:, None] / weights)
        logs[..., side] = _sample_truncated_normal(centre, deviation, low[..., side], high[..., side], generator)
    return logs


def _sample_truncated_normal(
    centre: Floats, deviation: Floats, low: Floats, high: Floats, generator: np.random.Generator
) -> Floats:
    """Sample normal numbers between low and high by the inverse distribution, in the tail that keeps its digits."""
    below, above = (low - centre) / deviation, (high - centre) / deviation
    mirrored = below > 0
    below, above = np.where(mirrored, -above, below), np.where(mirrored, -below, above)
    from_, to = ndtr(below), ndtr(above)
    drawn = ndtri(from_ + (to - from_) * generator.uniform(size=centre.shape))
    nearest = np.clip(0.0, below, above)  # some 38 deviations away the nearer end is all that is left
    drawn = np.where(np.isfinite(drawn), np.clip(drawn, below, above), nearest)
    placed: Floats = centre + deviation * np.where(mirrored, -drawn, drawn)
    return placed


def _shift_together(
    logs: Floats, medians: Floats, low: Floats, high: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Shift all crossings of one acquisition and their median together, uniformly within their cells.

    Without this step the chain mixes slowly where all seeds crossed in one cell and lie close together.
    """
    lowest, highest = (low - logs).max(1), (high - logs).min(1)  # [R, 2]
    free = np.isfinite(lowest) & np.isfinite(highest)
    lowest, highest = np.where(free, lowest, 0.0), np.where(free, highest, 0.0)
    by = lowest + (highest - lowest) * generator.uniform(size=lowest.shape)
    return np.clip(logs + by[:, None], low, high), medians + by


def _sample_weights(residuals: Floats, scatter: Floats, generator: np.random.Generator) -> Floats:
    """Sample the weight of each pair under the Student-t: small for outliers.  [R, N]"""
    distance = np.einsum("rni,rij,rnj->rn", residuals, np.linalg.inv(scatter), residuals)
    weights: Floats = (
        generator.gamma((_DEGREES_OF_FREEDOM + 2) / 2, size=distance.shape) * 2 / (_DEGREES_OF_FREEDOM + distance)
    )
    return weights


def _sample_scatter(
    residuals: Floats, weights: Floats, spread: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Sample the scatter matrix given residuals from the weighted mean (medians integrated out), and its scales."""
    count = residuals.shape[1]
    products = np.einsum("rn,rni,rnj->rij", weights, residuals, residuals)
    products = products + 4.0 * np.eye(2) / spread[:, None, :]
    root = np.linalg.cholesky(np.linalg.inv(products))
    freedom = count + 2.0
    bartlett = np.zeros_like(root)
    bartlett[:, 0, 0] = np.sqrt(generator.chisquare(freedom, len(root)))
    bartlett[:, 1, 1] = np.sqrt(generator.chisquare(freedom - 1, len(root)))
    bartlett[:, 1, 0] = generator.standard_normal(len(root))
    factor = root @ bartlett
    precision = factor @ factor.transpose(0, 2, 1)
    rate = 2.0 * precision[:, (0, 1), (0, 1)] + _TYPICAL_SCALE**-2
    scatter = np.linalg.inv(precision).astype(np.float64)
    return scatter, rate / generator.gamma(2.0, size=rate.shape)
