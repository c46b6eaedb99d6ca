"""Rounds that end lower than the one before though labels came: there fits differ, and not only what was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lindley.study.looks import look
from lindley.study.results import PanelResults, TrialResults

LEAST_FALL = 0.01
"""Of accuracy: less is no matter, however large the test set."""
STANDARD_ERRORS = 3.0
"""A fall that the choice of test rows alone would give once in 700 rounds, were two fits' errors independent. They are
of the same test rows, so it gives fewer."""
WORTH_SAYING = 0.05
"""The share of an acquisition's rounds from which its falls, if more than one, are spoken of."""


@dataclass(frozen=True)
class Falls:
    """The falls of one acquisition, over all its seeds."""

    panel: str
    acquisition: str
    rounds: int
    """Those that have one before them."""
    falls: int
    """How many of them end lower by LEAST_FALL and by STANDARD_ERRORS of the difference."""
    largest: float
    """In [0, 1]; 0 where there is none."""
    num_test: int


def falls_of(panel: PanelResults) -> list[Falls]:
    """One for each acquisition with a second round, where the journals tell how large the test set was."""
    found = []
    for name in panel.acquisitions:
        trials = [trial for trial in panel.of(name) if trial.manifest.get("num_test")]
        rounds = sum(len(trial.rounds) - 1 for trial in trials)
        if rounds:
            sizes = [size for trial in trials for size in _falls(trial)]
            num_test = min(int(trial.manifest["num_test"]) for trial in trials)
            found.append(Falls(panel.title, name, rounds, len(sizes), max(sizes, default=0.0), num_test))
    return found


def said_of_falls(found: Sequence[Falls]) -> list[str]:
    """One sentence where an acquisition falls often enough for it to matter, else none."""
    if not any(each.falls > 1 and each.falls >= WORTH_SAYING * each.rounds for each in found):
        return []
    most_first = sorted((each for each in found if each.falls), key=lambda each: -each.falls / each.rounds)
    told = ", ".join(
        f"{each.falls} of {each.rounds} rounds of {look(each.acquisition).title} (by up to {100 * each.largest:.1f} "
        "points)"
        for each in most_first
    )
    return [
        f"Fits are not steady: the accuracy falls from one round to the next in {told}, though labels came, and by "
        f"more than the choice of {most_first[0].num_test:,} test rows explains. What differs there may be the fits "
        "and not the labels; where a network is trained, training.warmup may mend it."
    ]


def _falls(trial: TrialResults) -> list[float]:
    """How much lower each round ends that falls."""
    accuracies, num_test = trial.metric("accuracy"), int(trial.manifest["num_test"])
    sizes = []
    for before, after in zip(accuracies[:-1].tolist(), accuracies[1:].tolist(), strict=True):
        error = math.sqrt((before * (1 - before) + after * (1 - after)) / num_test)
        if before - after >= max(LEAST_FALL, STANDARD_ERRORS * error):  # never where one was not measured
            sizes.append(before - after)
    return sizes
