"""The accuracy of a project's model, estimated from the random test stream alone.

It is the share of a random item of the pool whose class the model gives as the people do who label. A test item that
was answered without a label that counts is not dropped: it may be wrong, or right, and the interval holds both. An
interval for one look says how good the model is now; one for all looks serves advice, which is read again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lindley.errors import InputError
from lindley.measures.intervals import clopper_pearson_interval, confidence_sequence, wilson_interval

MIN_ADJUSTED = 20
"""The number of test labels from which on the estimate is adjusted by the confidence in the pool."""


@dataclass(frozen=True)
class AccuracyEstimate:
    """An estimate of the accuracy from test labels."""

    num_correct: int
    num_labels: int
    num_undecided: int
    """Test items that were answered without a label that counts: skipped, disputed, or of a class no longer offered."""
    share: float | None
    """The share of correct predictions among the labels; None without a label."""
    low: float
    """Wilson's interval at 95 %, for one look."""
    high: float
    always_low: float
    """The interval of a confidence sequence at 95 %, for any number of looks.

    Its theorem is about one fixed model. For a model that is refitted it is a rule that simulations support."""
    always_high: float


def estimate_accuracy(num_correct: int, num_labels: int, num_undecided: int = 0) -> AccuracyEstimate:
    """Return what test labels say of the accuracy.

    Args:
        num_correct: Test labels that the model predicts.
        num_labels: Test labels.
        num_undecided: Test items that were answered without a label that counts: they count as wrong for the lower
            end of an interval, and as right for its upper end.
    """
    total = num_labels + num_undecided
    share = num_correct / num_labels if num_labels else None
    if not total:
        return AccuracyEstimate(num_correct, num_labels, num_undecided, share, 0.0, 1.0, 0.0, 1.0)
    now = _widest(wilson_interval, num_correct, total, num_undecided)
    always = _widest(confidence_sequence, num_correct, total, num_undecided)
    return AccuracyEstimate(num_correct, num_labels, num_undecided, share, *now, *always)


def audit_interval(num_correct: int, num_labels: int, num_undecided: int = 0) -> tuple[float, float]:
    """Clopper-Pearson interval at 95 % of an audit, which is judged once: fresh random items, labelled blind.

    Args:
        num_correct: Items of the audit whose label the model predicts.
        num_labels: Items of the audit that have a label.
        num_undecided: Those that were answered and have none; they may be wrong, or right.
    """
    total = num_labels + num_undecided
    return _widest(clopper_pearson_interval, num_correct, total, num_undecided)


def _widest(
    interval: Callable[[int, int], tuple[float, float]], num_correct: int, total: int, num_undecided: int
) -> tuple[float, float]:
    """Return an interval that holds those of all ways in which the undecided items may turn out."""
    low, high = interval(num_correct, total)
    return (low, interval(num_correct + num_undecided, total)[1]) if num_undecided else (low, high)


@dataclass(frozen=True)
class AdjustedAccuracy:
    """The accuracy of test labels, adjusted by the model's confidence, with its standard error."""

    share: float
    standard_error: float


def adjust_by_confidence(
    correct: Sequence[bool], confidence: Sequence[float], stream_confidence: Sequence[float]
) -> AdjustedAccuracy | None:
    """Adjust the accuracy of test labels by the model's confidence in all test items: a control variate.

    Where the labelled items happen to be easier than the others, in the model's own eyes, the estimate is lowered, by
    the regression of correctness on confidence. On real predictions it was worth 1.09 to 1.16 times the labels. Items
    that the model was trained on play no part: it is surer of them than of others.
    Source: Cochran 1977, "Sampling Techniques", section 12.6 (regression estimators in double sampling).

    Args:
        correct: For each test label whether the model predicts it, [n].
        confidence: For each the probability of the class that is predicted, [n].
        stream_confidence: That probability for all items of the test stream, labelled or not, [m].

    Returns:
        The estimate; None below MIN_ADJUSTED labels, or where all confidences are equal.
    """
    hits, sure, stream = (np.asarray(values, dtype=float) for values in (correct, confidence, stream_confidence))
    if len(hits) < MIN_ADJUSTED or not np.ptp(sure) > 0:
        return None
    spread = sure - sure.mean()
    slope = float(spread @ (hits - hits.mean()) / (spread @ spread))
    residuals = hits - hits.mean() - slope * spread
    variance = float(residuals @ residuals) / (len(hits) - 2) / len(hits) + slope**2 * float(stream.var()) / len(stream)
    share = float(hits.mean()) + slope * float(stream.mean() - sure.mean())
    return AdjustedAccuracy(min(1.0, max(0.0, share)), math.sqrt(variance))


@dataclass(frozen=True)
class ClassRecall:
    """The recall of a class: the share of its test labels that the model predicts."""

    class_id: int
    name: str
    num_correct: int
    num_labels: int
    share: float | None
    low: float
    """Wilson's interval at 95 %."""
    high: float


def recall_by_class(
    true: Sequence[int], predicted: Sequence[int | None], names: Mapping[int, str]
) -> list[ClassRecall]:
    """Return for each class the share of its test labels that are predicted, with Wilson's interval.

    Args:
        true: The classes of the test labels, [n].
        predicted: The classes that are predicted, [n].
        names: The classes to return, in their order, each id with its name.
    """
    found = []
    for class_id, name in names.items():
        hits = [guess == truth for truth, guess in zip(true, predicted, strict=True) if truth == class_id]
        share = sum(hits) / len(hits) if hits else None
        interval = wilson_interval(sum(hits), len(hits)) if hits else (0.0, 1.0)
        found.append(ClassRecall(class_id, name, sum(hits), len(hits), share, *interval))
    return found


@dataclass(frozen=True)
class ReliabilityBin:
    """Test labels whose predictions have similar confidence, with their mean confidence and accuracy."""

    confidence: float
    share: float
    num_labels: int
    low: float
    """Wilson's interval of the share at 95 %."""
    high: float


@dataclass(frozen=True)
class Calibration:
    """The agreement between the predicted probabilities and the accuracy."""

    error: float
    """The expected calibration error over the bins."""
    chance_error: float
    """The error that a perfectly calibrated model would show, on average, with so few labels."""
    bins: tuple[ReliabilityBin, ...]


def calibration(correct: Sequence[bool], confidence: Sequence[float], num_bins: int = 5) -> Calibration | None:
    """Return a reliability diagram with bins of equal numbers of labels, from the least sure to the surest.

    The expected calibration error is the mean distance of confidence and accuracy over the labels. A calibrated model
    has one above 0 too, since a bin holds few labels: by the normal approximation it is sqrt(2 / π) standard errors.
    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".

    Args:
        correct: For each test label whether the model predicts it, [n].
        confidence: For each the probability of the class that is predicted, [n].
        num_bins: The number of bins; there are fewer where there are fewer labels.

    Returns:
        The calibration; None without labels.
    """
    if len(correct) != len(confidence):
        raise InputError(argument="confidence", expected=f"{len(correct)} numbers, as correct has", got=len(confidence))
    if not correct:
        return None
    hits, sure = np.asarray(correct, dtype=float), np.asarray(confidence, dtype=float)
    parts = np.array_split(np.argsort(sure, kind="stable"), min(num_bins, len(sure)))
    error = sum(abs(float((hits[part] - sure[part]).sum())) for part in parts) / len(hits)
    spreads = [math.sqrt(float((sure[part] * (1 - sure[part])).sum())) for part in parts]
    bins = [
        ReliabilityBin(
            float(sure[part].mean()),
            float(hits[part].mean()),
            len(part),
            *wilson_interval(int(hits[part].sum()), len(part)),
        )
        for part in parts
    ]
    return Calibration(error, math.sqrt(2 / math.pi) * sum(spreads) / len(hits), tuple(bins))
