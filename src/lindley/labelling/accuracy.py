"""The accuracy of a project's model, from the random test stream; nothing else is an estimate of it.

A test item that was skipped is not dropped: it may be wrong, or right, and the interval holds both. An interval for
one look says how good the model is now; one that holds at all looks serves advice, which is read again and again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lindley.errors import InputError
from lindley.measures.intervals import clopper_pearson_interval, confidence_sequence, wilson_interval

Interval = tuple[float, float]
MIN_ADJUSTED = 20
"""The number of test labels from which on the estimate is adjusted by the confidence in the pool."""


@dataclass(frozen=True)
class AccuracyEstimate:
    """What test labels say of the accuracy."""

    num_correct: int
    num_labels: int
    num_skipped: int
    now: Interval
    """Wilson's interval at 95 %, for one look."""
    always: Interval
    """The interval of a confidence sequence at 95 %, for any number of looks.

    Its theorem is about one fixed model. For a model that is refitted it is a rule that simulations support."""

    @property
    def share(self) -> float | None:
        """The share of correct predictions; None without a label."""
        return self.num_correct / self.num_labels if self.num_labels else None


def estimate_accuracy(num_correct: int, num_labels: int, num_skipped: int = 0) -> AccuracyEstimate:
    """Return what test labels say of the accuracy.

    Args:
        num_correct: Test labels that the model predicts.
        num_labels: Test labels.
        num_skipped: Test items that were served and have no label: they count as wrong for the lower end of an
            interval, and as right for its upper end.
    """
    shown = num_labels + num_skipped
    if not shown:
        return AccuracyEstimate(num_correct, num_labels, num_skipped, (0.0, 1.0), (0.0, 1.0))
    ends = (num_correct, shown), (num_correct + num_skipped, shown)
    now = wilson_interval(*ends[0])[0], wilson_interval(*ends[1])[1]
    always = confidence_sequence(*ends[0])[0], confidence_sequence(*ends[1])[1]
    return AccuracyEstimate(num_correct, num_labels, num_skipped, now, always)


def audit_interval(num_correct: int, num_labels: int, num_skipped: int = 0) -> Interval:
    """Clopper-Pearson interval at 95 % of an audit, which is judged once: fresh random items, labelled blind.

    Args:
        num_correct: Items of the audit whose label the model predicts.
        num_labels: Items of the audit that have a label.
        num_skipped: Those that have none; they may be wrong, or right.
    """
    shown = num_labels + num_skipped
    return clopper_pearson_interval(num_correct, shown)[0], clopper_pearson_interval(num_correct + num_skipped, shown)[
        1
    ]


def adjust_by_confidence(
    correct: Sequence[bool], confidence: Sequence[float], pool_confidence: float
) -> tuple[float, float] | None:
    """Adjust the accuracy of test labels by how sure the model is of the pool: a control variate.

    Where the test items happen to be easier than the pool, in the model's own eyes, the estimate is lowered, by the
    regression of correctness on confidence. On real predictions it was worth 1.09 to 1.16 times the labels.
    Source: Owen 2013, "Monte Carlo theory, methods and examples", section 8.9.

    Args:
        correct: For each test label whether the model predicts it, [n].
        confidence: For each the probability of the class that is predicted, [n].
        pool_confidence: The mean of that probability over all items from which the test items were drawn.

    Returns:
        The estimate and its standard error; None below MIN_ADJUSTED labels, or where all confidences are equal.
    """
    right, sure = np.asarray(correct, dtype=float), np.asarray(confidence, dtype=float)
    if len(right) < MIN_ADJUSTED or not np.ptp(sure) > 0:
        return None
    spread = sure - sure.mean()
    slope = float(spread @ (right - right.mean()) / (spread @ spread))
    residuals = right - right.mean() - slope * spread
    error = math.sqrt(float(residuals @ residuals) / (len(right) - 2) / len(right))
    return float(right.mean() + slope * (pool_confidence - sure.mean())), error


@dataclass(frozen=True)
class ClassRecall:
    """How many of a class's test labels the model predicts."""

    class_id: int
    num_correct: int
    num_labels: int
    interval: Interval


def recall_by_class(true: Sequence[int], predicted: Sequence[int], class_ids: Sequence[int]) -> list[ClassRecall]:
    """Return for each class the share of its test labels that are predicted, with Wilson's interval.

    Args:
        true: The classes of the test labels, [n].
        predicted: The classes that are predicted, [n].
        class_ids: The classes to return, in their order.
    """
    found = []
    for class_id in class_ids:
        hits = [guess == truth for truth, guess in zip(true, predicted, strict=True) if truth == class_id]
        interval = wilson_interval(sum(hits), len(hits)) if hits else (0.0, 1.0)
        found.append(ClassRecall(class_id, sum(hits), len(hits), interval))
    return found


@dataclass(frozen=True)
class ReliabilityBin:
    """Test labels whose predictions are about as sure: how sure, and how often they are right."""

    confidence: float
    accuracy: float
    num_labels: int
    interval: Interval


def reliability(correct: Sequence[bool], confidence: Sequence[float], num_bins: int = 5) -> list[ReliabilityBin]:
    """Return a reliability diagram with bins of equal numbers of labels, from the least sure to the surest.

    Args:
        correct: For each test label whether the model predicts it, [n].
        confidence: For each the probability of the class that is predicted, [n].
        num_bins: The number of bins; there are fewer where there are fewer labels.
    """
    if len(correct) != len(confidence):
        raise InputError(argument="confidence", expected=f"{len(correct)} numbers, as correct has", got=len(confidence))
    order = np.argsort(confidence, kind="stable")
    bins = []
    for part in np.array_split(order, min(num_bins, len(order))) if len(order) else ():
        hits = sum(bool(correct[index]) for index in part)
        sure = float(np.mean([confidence[index] for index in part]))
        bins.append(ReliabilityBin(sure, hits / len(part), len(part), wilson_interval(hits, len(part))))
    return bins


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Expected calibration error: the mean distance of confidence and accuracy over the labels; None without any.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".
    """
    total = sum(each.num_labels for each in bins)
    return sum(each.num_labels * abs(each.confidence - each.accuracy) for each in bins) / total if total else None
