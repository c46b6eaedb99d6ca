"""Instability of fits: rounds whose accuracy is lower than in the round before and in the round after.

Labels are only added, so a drop that the next round recovers belongs to a single fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lindley.study.plot_style import acquisition_title
from lindley.study.results import ExperimentResults, TrialResults

MIN_DROP = 0.01
"""Smallest drop of accuracy that counts, however large the test set."""
STANDARD_ERRORS = 3.0
"""Smallest drop in standard errors of the difference of two accuracies, as if their errors were independent. Both use
the same test rows, so chance gives fewer drops than that."""
MIN_REPORTED_SHARE = 0.05
"""Smallest share of an acquisition's rounds with drops, if there are several, that is reported."""


@dataclass(frozen=True)
class Instability:
    """Drops of the fits of one acquisition over all its seeds."""

    experiment: str
    acquisition: str
    rounds: int
    """Number of rounds that were measured together with the round before and the round after."""
    drops: int
    """Number of them that are lower than both by MIN_DROP and by STANDARD_ERRORS."""
    largest: float
    """The largest drop, in [0, 1]; 0 where there is none."""
    num_test: int
    full_rate: bool
    """Whether a network trains at its full learning rate from the first step, a known cause."""


def measure_instability(experiment: ExperimentResults) -> list[Instability]:
    """Return one for each acquisition with three rounds, where the manifests hold the size of the test set."""
    full_rate = bool(experiment.config.get("model", {}).get("network")) and not experiment.config["training"].get(
        "warmup"
    )
    found = []
    for name in experiment.acquisitions:
        trials = [(trial, size) for trial in experiment.trials_of(name) if (size := _num_test(trial))]
        depths = [depth for trial, size in trials for depth in _depths(trial, size)]
        if depths:
            low = [depth for depth in depths if depth > 0]
            size = min(size for _, size in trials)
            found.append(
                Instability(experiment.title, name, len(depths), len(low), max(low, default=0.0), size, full_rate)
            )
    return found


def describe_instability(found: Sequence[Instability]) -> list[str]:
    """Return one sentence where an acquisition's accuracy drops often, else an empty list."""
    if not any(each.drops > 1 and each.drops >= MIN_REPORTED_SHARE * each.rounds for each in found):
        return []
    most_first = sorted((each for each in found if each.drops), key=lambda each: -each.drops / each.rounds)
    drops = ", ".join(
        f"{each.drops} of {each.rounds} rounds of {acquisition_title(each.acquisition)} "
        f"(by up to {100 * each.largest:.1f} points)"
        for each in most_first
    )
    remedy = " For networks, training.warmup may help." if most_first[0].full_rate else ""
    return [
        f"Fits are unstable: the accuracy is lower than in the round before and in the round after in {drops}, by "
        f"more than sampling error on {most_first[0].num_test:,} test rows explains. These drops come from the fit, "
        f"not from the queried rows.{remedy}"
    ]


def _num_test(trial: TrialResults) -> int:
    """Return the number of test rows; 0 where the manifest does not hold it."""
    size = trial.manifest.get("num_test")
    return size if isinstance(size, int) and size > 0 else 0


def _depths(trial: TrialResults, num_test: int) -> list[float]:
    """Return how far each round between two measured ones lies below both; 0 where that is no drop."""
    accuracies = trial.metric("accuracy").tolist()
    depths = []
    for before, here, after in zip(accuracies[:-2], accuracies[1:-1], accuracies[2:], strict=True):
        lower = min(before, after)
        if not math.isnan(before + here + after):
            error = math.sqrt((lower * (1 - lower) + here * (1 - here)) / num_test)
            depth = round(lower - here, 12)
            depths.append(depth if depth >= max(MIN_DROP, STANDARD_ERRORS * error) else 0.0)
    return depths
