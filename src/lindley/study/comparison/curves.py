"""Learning curves: a metric against labels over seeds, with its band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

from lindley.study.results import Floats, TrialResults


@dataclass(frozen=True)
class Curve:
    """A metric against labels over seeds: median, band, and the number of seeds at each point.  all [P]"""

    labels: NDArray[np.int64]
    median: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]
    band: str
    """Description of the band from low to high."""


def learning_curve(trials: Iterable[TrialResults], metric: str) -> Curve:
    """Return the median and the band over the seeds that reached each number of labels.

    The band spans the smallest and the largest value for up to five seeds, else the quartiles.
    """
    reached: dict[int, list[float]] = {}
    for trial in trials:
        for labels, value in zip(trial.labels, trial.metric(metric), strict=True):
            if not np.isnan(value):
                reached.setdefault(labels, []).append(float(value))
    counts = np.array([len(reached[labels]) for labels in sorted(reached)], dtype=np.int64)
    few = counts.max(initial=0) <= 5
    low, median, high = (
        np.array([_quantile(reached[labels], share) for labels in sorted(reached)])
        for share in ((0.0, 0.5, 1.0) if few else (0.25, 0.5, 0.75))
    )
    band = "smallest to largest of the seeds" if few else "middle half of the seeds (interquartile range)"
    return Curve(np.array(sorted(reached), dtype=np.int64), median, low, high, counts, band)


def mean_over_labels(trial: TrialResults, metric: str, up_to: int) -> float:
    """Return the area under a metric's curve by the trapezoidal rule, divided by its range of labels.

    Infinite where the metric is infinite in one of these rounds.

    Args:
        trial: The rounds.
        metric: The name of the metric.
        up_to: The last number of labels of the range.
    """
    values = trial.metric(metric)
    there = [place for place, count in enumerate(trial.labels) if place == 0 or trial.labels[place - 1] < up_to]
    if not np.isfinite(values[there]).all():
        return float(values[there].max())
    labels = np.array([*(count for count in trial.labels if count < up_to), up_to], dtype=np.float64)
    return float(integrate.trapezoid(np.interp(labels, trial.labels, values), labels) / (labels[-1] - labels[0]))


def _quantile(values: Sequence[float], share: float) -> float:
    """Return NumPy's quantile, but infinity, not NaN, between a number and infinity."""
    above = float(np.quantile(values, share, method="higher"))
    return above if np.isinf(above) else float(np.quantile(np.minimum(values, above), share))


def evenly_spaced(count: int, limit: int) -> list[int]:
    """Return up to so many evenly spaced places of 0..count-1, including the first and the last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, limit))})
