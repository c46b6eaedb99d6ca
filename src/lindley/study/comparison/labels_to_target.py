"""Labels to reach an accuracy: the first confirmed crossing, and its median over seeds.

All labels count, the initial ones included. An accuracy that was not reached is censored: it needs more labels than
were given, and the median respects that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lindley.study.results import TrialResults

CONFIRMATION_ROUNDS = 2
"""Number of rounds after a crossing in which the accuracy must stay at or above the level."""


@dataclass(frozen=True)
class Crossing:
    """Labels to a level: exactly `labels`, more than that (censored), or that unless it is lost again (provisional)."""

    labels: float
    censored: bool = False
    provisional: bool = False
    labels_before: float = field(default=0.0, compare=False)
    """Labels of the round before, which did not reach the level yet. Equal to `labels` without a round before, or where
    the level was not reached."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the level was reached and kept long enough."""
        return not self.censored and not self.provisional

    def __str__(self) -> str:
        number = f"{self.labels:g}"
        return f"> {number}" if self.censored else f"{number}*" if self.provisional else number


def labels_to_target(
    trial: TrialResults, target: float, *, max_labels: int | None = None, confirmation_rounds: int = CONFIRMATION_ROUNDS
) -> Crossing:
    """Return the first number of labels at which the accuracy is at least `target`, in this round and the next two.

    In the last two rounds there are fewer rounds to confirm it: such a crossing is provisional.

    Args:
        trial: The rounds.
        target: The accuracy to reach and keep, in [0, 1].
        max_labels: Ignore rounds with more labels, as if the trial had ended there.
        confirmation_rounds: Number of further rounds that must keep it; 0 accepts the first one that reaches it.
    """
    pairs = list(zip(trial.labels, trial.metric("accuracy") >= target, strict=True))
    rounds = [(labels, above) for labels, above in pairs if max_labels is None or labels <= max_labels]
    for place, (labels, _) in enumerate(rounds):
        following = rounds[place : place + confirmation_rounds + 1]
        if all(above for _, above in following):
            before = rounds[place - 1][0] if place else labels
            return Crossing(
                float(labels), provisional=len(following) <= confirmation_rounds, labels_before=float(before)
            )
    last = float(rounds[-1][0]) if rounds else 0.0
    return Crossing(last, censored=True, labels_before=last)


def median_crossing(crossings: Sequence[Crossing]) -> Crossing:
    """Return the median over seeds; censored as soon as unknown values could change it.

    For an even number it is the mean of the middle two: for 300 and "> 1020" it is "> 660".
    """
    if not crossings:
        raise ValueError("a median needs at least one crossing")
    lowest = float(np.median([crossing.labels for crossing in crossings]))
    if _median_with_infinity(crossings, unsure=False) != lowest:
        return Crossing(lowest, censored=True)
    return Crossing(lowest, provisional=_median_with_infinity(crossings, unsure=True) != lowest)


def _median_with_infinity(crossings: Sequence[Crossing], *, unsure: bool) -> float:
    """Return the median as if every censored value (and every provisional one) were infinite."""
    values = [
        math.inf if crossing.censored or (unsure and crossing.provisional) else crossing.labels
        for crossing in crossings
    ]
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def accuracy_levels(trials: Sequence[TrialResults], *, max_levels: int = 6) -> list[float]:
    """Return the highest few levels that some trial reaches and not all trials start with.

    Round levels where there are at least three of them, else whole percents.
    """
    levels: list[float] = []
    for grid in (_ROUND_LEVELS, [percent / 100 for percent in range(50, 100)]):
        levels = [level for level in grid if _separates_trials(trials, level)]
        if len(levels) >= 3:
            break
    return levels[-max_levels:]


_ROUND_LEVELS = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995]


def _separates_trials(trials: Sequence[TrialResults], level: float) -> bool:
    crossings = [labels_to_target(trial, level) for trial in trials]
    reached = any(not crossing.censored for crossing in crossings)
    at_once = all(
        not crossing.censored and crossing.labels == trial.labels[0]
        for crossing, trial in zip(crossings, trials, strict=True)
    )
    return reached and not at_once
