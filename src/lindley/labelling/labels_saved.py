"""The labels that the choice of items saved, against random labels.

The test labels are random. A model that learns from them alone, each predicted by the model of all others, shows what
as many random training labels are worth. It is compared with the project's own models on the same items. The
comparison holds at that number of labels; it says nothing of later ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_LABELS = 60
"""The number of test labels below which nothing is estimated."""
_RESAMPLES = 400
_ROUNDING = 1e-12
_MAX_ROUNDS = 40  # of which the curve is made; more tell nothing new


@dataclass(frozen=True)
class RandomLabels:
    """The predictions of a model that learned from random labels alone, each from all but the label itself."""

    items: tuple[int, ...]
    predicted: tuple[int, ...]
    """The class that is predicted of each."""


@dataclass(frozen=True)
class LabelsSaved:
    """The comparison of chosen training labels with random ones."""

    num_random: int
    """The number of random labels from which a prediction was learned."""
    random_share: float
    """The accuracy with so many random labels."""
    chosen_share: float
    """The accuracy of the project's models with as many chosen labels."""
    gain: float
    """The difference, chosen less random."""
    low: float
    """The 95 % interval of the difference, from the test items that both models predict."""
    high: float
    num_chosen: float
    """The number of chosen labels at which the project's models have `random_share`; of several, where the curve is
    level, the one nearest to `num_random`, since random labels may be level there too."""
    saved: float
    """`num_random` less `num_chosen`."""
    saved_low: float
    """The 95 % interval of the labels saved, by resampling the test items. It ends where the learning curve ends."""
    saved_high: float


def estimate_labels_saved(
    num_train: Sequence[int], chosen: np.ndarray, random: np.ndarray, num_random: int, *, seed: int = 0
) -> LabelsSaved | None:
    """Compare the models of chosen labels with a model of random ones, on the same items.

    The learning curve is made isotonic: more labels are not expected to harm.

    Args:
        num_train: The number of training labels of each round, ascending, [r].
        chosen: Whether each round's model predicts each test label, [r, n] bool.
        random: Whether the model of the other test labels predicts it, [n] bool.
        num_random: The number of those other test labels.
        seed: The seed of the resampling.

    Returns:
        The comparison; None below MIN_LABELS test labels, or where no round lies on either side of their number.
    """
    num_test = len(random)
    if num_test < MIN_LABELS or not len(num_train) or not num_train[0] <= num_random <= num_train[-1]:
        return None
    at_equal = _between(np.asarray(num_train), chosen.astype(float), num_random)  # [n]
    difference = at_equal - random
    half = 1.96 * float(difference.std(ddof=1)) / math.sqrt(num_test)
    gain = float(difference.mean())
    kept = np.unique(np.linspace(0, len(num_train) - 1, _MAX_ROUNDS).round().astype(int))
    counts = np.asarray(num_train, dtype=float)[kept]
    weights = np.random.default_rng(seed).multinomial(num_test, [1 / num_test] * num_test, _RESAMPLES) / num_test
    weights = np.vstack([np.full(num_test, 1 / num_test), weights])  # [B, n], the labels themselves first
    first, last = _reached(counts, isotonic(weights @ chosen[kept].T), weights @ random)
    num_chosen = min(max(float(num_random), float(first[0])), float(last[0]))
    return LabelsSaved(
        num_random,
        float(random.mean()),
        float(at_equal.mean()),
        gain,
        max(-1.0, gain - half),
        min(1.0, gain + half),
        num_chosen,
        num_random - num_chosen,
        num_random - float(np.quantile(last[1:], 0.975)),
        num_random - float(np.quantile(first[1:], 0.025)),
    )


def isotonic(values: np.ndarray) -> np.ndarray:
    """Return the nearest values that never fall, by least squares.  [B, r] -> [B, r]

    The value at j is the largest, over all i ≤ j, of the smallest mean of i … k, over all k ≥ j.
    Source: Robertson, Wright and Dykstra 1988, "Order Restricted Statistical Inference", theorem 1.4.4.
    """
    length = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(1)], axis=1)
    first, last = np.arange(length)[:, None], np.arange(length)
    means = (sums[:, None, 1:] - sums[:, :-1, None]) / np.maximum(1, last - first + 1)  # [B, i, k]
    means[:, last < first] = np.inf
    smallest = np.minimum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]  # [B, i, j]
    smallest[:, last < first] = -np.inf
    found: np.ndarray = smallest.max(1)
    return found


def _between(num_train: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the values at a number of labels, linearly between the rounds on both sides.  [r, n] -> [n]"""
    after = int(np.searchsorted(num_train, count))
    before = after if num_train[after] == count else after - 1
    share = (count - num_train[before]) / max(1, num_train[after] - num_train[before])
    found: np.ndarray = (1 - share) * values[before] + share * values[after]
    return found


def _reached(counts: np.ndarray, curves: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last number of labels at which each curve has the value of its target.  [B], [B]

    They differ where the curve is level. A curve that never has it is cut off at its end.

    Args:
        counts: The numbers of labels of the rounds, [r].
        curves: Curves that never fall, [B, r].
        targets: [B].
    """
    differences = curves - targets[:, None]
    first = _first_not_negative(counts, differences)
    last = -_first_not_negative(-counts[::-1], -differences[:, ::-1])
    return first, np.where(differences[:, 0] > 0, counts[0], np.where(differences[:, -1] < 0, counts[-1], last))


def _first_not_negative(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return where each line of values that never fall first reaches 0, between the counts; else the last one.  [B]"""
    reaches = values >= -_ROUNDING
    after = np.where(reaches.any(1), reaches.argmax(1), len(counts) - 1)
    before, each = np.maximum(after - 1, 0), np.arange(len(values))
    rise = values[each, after] - values[each, before]
    share = np.divide(-values[each, before], rise, out=np.ones(len(values)), where=rise > 0).clip(0, 1)
    found: np.ndarray = counts[before] + share * (counts[after] - counts[before])
    return found
