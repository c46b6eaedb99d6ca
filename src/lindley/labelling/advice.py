"""Advice when to stop labelling, with its reasons, and a forecast of the gain from more labels.

The advice is to stop when two of three signs hold: the accuracy has certainly reached the target, the predictions no
longer change, and the next batch carries little information compared with the first.
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
"""The share of the first batch's information below which a batch carries little."""
REQUIRED_SIGNS = 2
MIN_POINTS = 4
"""The smallest number of rounds from which a learning curve is extended."""
MIN_TEST_LABELS = 20
"""The smallest number of test labels from which a learning curve is extended."""


@dataclass(frozen=True)
class Sign:
    """One sign that labelling may stop, with the numbers that it rests on."""

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
    """The change from one round of training to the next."""

    num_train: int
    """The number of labels that its model was trained on."""
    agreement: float | None = None
    """The share of predictions that equal those of the round before; None where they cannot be compared."""
    information: float | None = None
    """The mean information of an item of the batch that it chose, in nats; None where it chose without a model."""


def advise(accuracy: AccuracyEstimate, rounds: Sequence[RoundChange], *, target: float | None) -> Advice:
    """Return whether to stop labelling, and the reasons.

    Args:
        accuracy: The accuracy from the test labels.
        rounds: The change that each round made, oldest first.
        target: The target accuracy; None if none is set.
    """
    information = [each.information for each in rounds if each.information is not None]
    signs = (_target_sign(accuracy, target), _stability_sign(rounds), _information_sign(information))
    return Advice(sum(sign.holds for sign in signs) >= REQUIRED_SIGNS, signs)


@dataclass(frozen=True)
class Forecast:
    """The gain in accuracy to expect from more labels."""

    num_more: int
    """The number of training labels to add."""
    gain: float
    """The expected rise in accuracy."""
    low: float
    """The 80 % interval of the gain. It allows for the noise of the curve, not for a bend to come."""
    high: float


def forecast_gain(num_train: Sequence[int], correct: np.ndarray, num_more: int = 100) -> Forecast | None:
    """Extend the end of a learning curve by a power law: error = a n^-b, by least squares of the logarithms.

    Rounds next to each other have nearly the same model, and early rounds tell little of the end: of the curve's last
    part, from a quarter of the labels on, the rounds that are apart by a factor of 1.4 or more are taken. The interval
    is that of the jackknife over the test labels, which all rounds share, and of the residuals.
    Source: Figueroa et al. 2012, "Predicting sample size required for classification performance"; Efron 1981.

    Args:
        num_train: The number of training labels of each round, [r].
        correct: Whether each round's model predicts each test label, [r, n] bool.
        num_more: The number of training labels to add to those of the last round.

    Returns:
        The gain; None with fewer than MIN_POINTS such rounds or MIN_TEST_LABELS test labels, since they say nothing.
    """
    rounds = _rounds_apart(num_train)
    if len(rounds) < MIN_POINTS or correct.shape[1] < MIN_TEST_LABELS:
        return None
    num_test = correct.shape[1]
    wrong = ~correct[rounds]  # [p, n]
    x = np.log([num_train[each] for each in rounds])
    longer = math.log1p(num_more / num_train[rounds[0]])
    gain, noise = _extend(x, wrong.sum(1, keepdims=True), num_test, longer)
    others, _ = _extend(x, wrong.sum(1, keepdims=True) - wrong, num_test - 1, longer)  # each label left out once
    jackknife = (num_test - 1) * float(others.var())
    margin = 1.2816 * math.sqrt(jackknife + float(noise[0]) ** 2)
    low, best, high = (max(0.0, float(gain[0]) + shift) for shift in (-margin, 0.0, margin))
    return Forecast(num_more, best, low, high)  # more labels are not expected to harm


def _rounds_apart(num_train: Sequence[int]) -> list[int]:
    """Return the places of the last round, and of those before it that are apart, down to a quarter of its labels."""
    found: list[int] = []
    for place in reversed(range(len(num_train))):
        count = num_train[place]
        if not found or num_train[found[0]] / 4.2 <= count <= num_train[found[-1]] / 1.4:
            found.append(place)
    return found


def _extend(x: np.ndarray, wrong: np.ndarray, num_test: int, longer: float) -> tuple[np.ndarray, np.ndarray]:
    """Fit lines to the logarithms of errors, and return their gains and the gains' standard errors by the residuals.

    Args:
        x: The logarithms of the numbers of training labels, the last round first. [p]
        wrong: The numbers of test labels that are missed, for each line. [p, m]
        num_test: The number of test labels.
        longer: By how much the logarithm grows.
    """
    y = np.log((wrong + 0.5) / (num_test + 1))  # an error of 0 of n says that it is small
    spread = x - x.mean()
    slope = spread @ y / (spread @ spread)  # [m]
    residuals = y - y.mean(0) - spread[:, None] * slope
    error = np.sqrt((residuals**2).sum(0) / (len(x) - 2) / (spread @ spread))
    now = np.exp(y.mean(0) + slope * spread[0])
    return -now * np.expm1(slope * longer), now * longer * error


def _target_sign(accuracy: AccuracyEstimate, target: float | None) -> Sign:
    low = accuracy.always_low
    if target is None:
        reason = "No target accuracy is set. Set one in project.toml: target = 0.9 is 90 %, as init --target 90."
        return Sign("target", False, reason)
    found = (
        f"The accuracy is at least {math.floor(100 * low)} % (with 95 % confidence, however often you look); "
        f"the target is {100 * target:g} %."
    )
    return Sign("target", low >= target, found)


def _stability_sign(rounds: Sequence[RoundChange]) -> Sign:
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
            reason = (
                f"At most {percent:.1f} % of the predictions changed over the last {count} training labels; "
                f"at most {100 * STEADY_SHARE:g} % is a sign to stop."
            )
            return Sign("predictions", changed <= STEADY_SHARE, reason)
    reason = f"Predictions are compared over the last {STEADY_LABELS} training labels; there are too few so far."
    return Sign("predictions", False, reason)


def _information_sign(information: Sequence[float]) -> Sign:
    if len(information) < 2 or not information[0] > 0:
        reason = "The next batch is compared with the first; this takes two batches that a model has chosen."
        return Sign("information", False, reason)
    share = information[-1] / information[0]
    reason = (
        f"An item of the next batch carries {100 * share:.0f} % of the information of one in the first batch; "
        f"below {100 * INFORMATION_SHARE:g} % is a sign to stop."
    )
    return Sign("information", share < INFORMATION_SHARE, reason)
