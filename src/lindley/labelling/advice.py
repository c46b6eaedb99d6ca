"""Advice when to stop labelling, with its reasons, and what the next labels should buy.

Two of three signs are wanted: the accuracy has reached the target for sure; the predictions change no more; the next
batch tells little of what the first one told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lindley.labelling.accuracy import AccuracyEstimate, Interval

AGREEMENT = 0.99
"""The share of equal predictions from which on a round changed nothing."""
STEADY_ROUNDS = 3
INFORMATION_SHARE = 0.05
"""Of the first batch's information, the share below which a batch tells little."""
WANTED_SIGNS = 2
MIN_POINTS = 4
"""The number of rounds from which a learning curve is extended."""


@dataclass(frozen=True)
class Sign:
    """One sign that labelling may stop: whether it is there, in a sentence with its numbers."""

    holds: bool
    reason: str


@dataclass(frozen=True)
class Advice:
    """Whether to stop, and why."""

    stop: bool
    signs: tuple[Sign, ...]


def advise(
    accuracy: AccuracyEstimate,
    agreements: Sequence[float],
    information: Sequence[float],
    *,
    target: float | None,
) -> Advice:
    """Return whether to stop labelling, and the reasons.

    Args:
        accuracy: What the test labels say.
        agreements: For each round the share of predictions that equal those of the round before, oldest first.
        information: For each round the joint information of its batch in nats, oldest first.
        target: The accuracy that is wanted; None: none was named.
    """
    signs = (_reached(accuracy, target), _steady(agreements), _exhausted(information))
    return Advice(sum(sign.holds for sign in signs) >= WANTED_SIGNS, signs)


@dataclass(frozen=True)
class Forecast:
    """The accuracy that more labels should bring."""

    num_labels: int
    accuracy: float
    interval: Interval
    """Of 80 %; it knows the noise of the curve, not whether the curve goes on as it did."""


def forecast_accuracy(num_labels: Sequence[int], errors: Sequence[float], num_more: int = 100) -> Forecast | None:
    """Extend a learning curve by a power law: error = a n^-b, by least squares of the logarithms.

    Source: Figueroa et al. 2012, "Predicting sample size required for classification performance".

    Args:
        num_labels: Training labels at each round, [r].
        errors: The share of test labels that the model of each round misses, [r].
        num_more: The number of training labels to add to those of the last round.

    Returns:
        The accuracy then; None with fewer than MIN_POINTS rounds whose error is above 0, since that says nothing.
    """
    points = [(math.log(n), math.log(e)) for n, e in zip(num_labels, errors, strict=True) if n > 0 and e > 0]
    if len({n for n, _ in points}) < MIN_POINTS:
        return None
    x, y = np.array(points).T
    spread = x - x.mean()
    slope = min(0.0, float(spread @ y / (spread @ spread)))  # more labels are not expected to harm
    residuals = y - y.mean() - slope * spread
    wanted = num_labels[-1] + num_more
    distance = math.log(wanted) - float(x.mean())
    variance = float(residuals @ residuals) / (len(x) - 2) * (1 / len(x) + distance**2 / float(spread @ spread))
    middle, half = float(y.mean()) + slope * distance, 1.2816 * math.sqrt(variance)
    low, best, high = (max(0.0, 1 - math.exp(middle + shift)) for shift in (half, 0.0, -half))
    return Forecast(wanted, best, (low, high))


def _reached(accuracy: AccuracyEstimate, target: float | None) -> Sign:
    low = accuracy.always[0]
    if target is None:
        return Sign(False, "No target accuracy was named.")
    found = f"The accuracy is {low:.0%} or more (95 %, {accuracy.num_labels} test labels), the target {target:.0%}."
    return Sign(low >= target, found)


def _steady(agreements: Sequence[float]) -> Sign:
    last = agreements[-STEADY_ROUNDS:]
    if len(last) < STEADY_ROUNDS:
        return Sign(False, f"Fewer than {STEADY_ROUNDS} rounds can be compared.")
    return Sign(
        min(last) >= AGREEMENT, f"In the last {STEADY_ROUNDS} rounds {min(last):.1%} or more of the predictions stayed."
    )


def _exhausted(information: Sequence[float]) -> Sign:
    if len(information) < 2 or not information[0] > 0:
        return Sign(False, "There is no batch to compare the information with.")
    share = information[-1] / information[0]
    return Sign(share < INFORMATION_SHARE, f"The next batch tells {share:.0%} of what the first one told.")
