"""Advice when to stop labelling, with its reasons, and what the next labels should buy.

Two of three signs are wanted: the accuracy has reached the target for sure; the predictions change no more; the next
batch tells little of what the first one told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lindley.labelling.accuracy import AccuracyEstimate

STEADY_LABELS = 30
"""The number of last training labels over which the predictions are compared."""
STEADY_SHARE = 0.03
"""The share of predictions that may change while these labels come, 1 in 100 for ten labels."""
INFORMATION_SHARE = 0.05
"""Of the first batch's information, the share below which a batch tells little."""
WANTED_SIGNS = 2
MIN_POINTS = 4
"""The number of rounds from which a learning curve is extended."""
MIN_TEST_LABELS = 20
"""The number of test labels from which a learning curve is extended."""


@dataclass(frozen=True)
class Sign:
    """One sign that labelling may stop: whether it is there, in a sentence with its numbers."""

    name: str
    """"target", "predictions" or "information"."""
    holds: bool
    reason: str


@dataclass(frozen=True)
class Advice:
    """Whether to stop, and why."""

    stop: bool
    signs: tuple[Sign, ...]


@dataclass(frozen=True)
class RoundChange:
    """What a round of training changed."""

    num_train: int
    """The number of labels from which its model learned."""
    agreement: float | None = None
    """The share of predictions that equal those of the round before; None where they cannot be compared."""
    information: float | None = None
    """The joint information of the batch that it chose, in nats; None where it chose without a model."""


def advise(accuracy: AccuracyEstimate, rounds: Sequence[RoundChange], *, target: float | None) -> Advice:
    """Return whether to stop labelling, and the reasons.

    Args:
        accuracy: What the test labels say.
        rounds: What each round changed, oldest first.
        target: The accuracy that is wanted; None: none was named.
    """
    information = [each.information for each in rounds if each.information is not None]
    signs = (_reached(accuracy, target), _steady(rounds), _exhausted(information))
    return Advice(sum(sign.holds for sign in signs) >= WANTED_SIGNS, signs)


@dataclass(frozen=True)
class Forecast:
    """What more labels should bring."""

    num_more: int
    """The number of training labels to add."""
    gain: float
    """By how much they should raise the accuracy."""
    low: float
    """The interval of the gain at 80 %; it knows the noise of the curve, not whether the curve goes on as it did."""
    high: float


def forecast_gain(
    num_train: Sequence[int], num_wrong: Sequence[int], num_test: int, num_more: int = 100
) -> Forecast | None:
    """Extend a learning curve by a power law: error = a n^-b, by least squares of the logarithms.

    All rounds are judged by the same test labels, so a gain is known better than an accuracy. Rounds next to each
    other have nearly the same model and tell the same: the curve is fitted at few of them, each with about the square
    root of 2 times the labels of the one before.
    Source: Figueroa et al. 2012, "Predicting sample size required for classification performance".

    Args:
        num_train: The number of training labels of each round, [r].
        num_wrong: The number of test labels that its model misses, [r].
        num_test: The number of test labels.
        num_more: The number of training labels to add to those of the last round.

    Returns:
        The gain; None with fewer than MIN_POINTS such rounds or MIN_TEST_LABELS test labels, since they say nothing.
    """
    points = _apart({count: wrong for count, wrong in zip(num_train, num_wrong, strict=True) if count > 0})
    if len(points) < MIN_POINTS or num_test < MIN_TEST_LABELS:
        return None
    x = np.log([*points])
    y = np.log((np.array([*points.values()]) + 0.5) / (num_test + 1))  # an error of 0 of n says that it is small
    spread = x - x.mean()
    slope = float(spread @ y / (spread @ spread))
    residuals = y - y.mean() - slope * spread
    error = math.sqrt(float(residuals @ residuals) / (len(x) - 2) / float(spread @ spread))
    margin = _t_quantile(len(x) - 2) * error
    now = float(y.mean()) + slope * float(spread[0])
    longer = math.log1p(num_more / num_train[-1])
    low, best, high = (_gain(now, each, longer) for each in (slope + margin, slope, slope - margin))
    return Forecast(num_more, best, low, high)


def _apart(curve: dict[int, int]) -> dict[int, int]:
    """Return the last point of a curve, and those before it that are apart by a factor of 1.4 or more."""
    found: dict[int, int] = {}
    for count in sorted(curve, reverse=True):
        if not found or count * math.sqrt(2) <= min(found):
            found[count] = curve[count]
    return found


def _gain(log_error: float, slope: float, longer: float) -> float:
    """Return by how much an error falls on a slope of the logarithms; more labels are not expected to harm."""
    return min(1.0, math.exp(log_error)) * -math.expm1(min(0.0, slope) * longer) + 0.0


def _t_quantile(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.9, freedom))


def _reached(accuracy: AccuracyEstimate, target: float | None) -> Sign:
    low = accuracy.always_low
    if target is None:
        return Sign("target", False, "No target accuracy was named.")
    found = f"The accuracy is at least {100 * low:.0f} % (95 % sure, at any look); the target is {100 * target:g} %."
    return Sign("target", low >= target, found)


def _steady(rounds: Sequence[RoundChange]) -> Sign:
    """Add up the changes over the last labels: however they are cut into rounds, no more predictions changed.

    Source: Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing predictions".
    """
    changed = 0.0
    for before, each in zip(reversed(rounds[:-1]), reversed(rounds[1:]), strict=True):
        if each.agreement is None:
            break
        changed += 1 - each.agreement
        count = rounds[-1].num_train - before.num_train
        if count >= STEADY_LABELS:
            percent = 100 * min(1.0, changed)
            reason = f"At most {percent:.1f} % of the predictions changed over the last {count} training labels."
            return Sign("predictions", changed <= STEADY_SHARE, reason)
    return Sign("predictions", False, f"Fewer than {STEADY_LABELS} training labels can be compared.")


def _exhausted(information: Sequence[float]) -> Sign:
    if len(information) < 2 or not information[0] > 0:
        return Sign("information", False, "There is no batch to compare the information with.")
    share = information[-1] / information[0]
    reason = f"The next batch tells {100 * share:.0f} % of what the first one told."
    return Sign("information", share < INFORMATION_SHARE, reason)
