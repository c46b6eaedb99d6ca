"""Labels to an accuracy of two acquisitions, paired by seed, and the accuracy at which they are counted."""

from __future__ import annotations

import math
from dataclasses import astuple
from functools import lru_cache
from typing import Any

from lindley.seeds import numpy_generator
from lindley.study.comparison.label_ratio import LabelRatio, label_ratio
from lindley.study.comparison.labels_to_target import Crossing, labels_to_target
from lindley.study.results import ExperimentResults, paired_trials

MISSED_SHARE = 1 / 3
"""Largest share of an acquisition's trials that may miss the accuracy to which labels are counted."""


def common_accuracy(experiment: ExperimentResults) -> float | None:
    """Return the highest whole percent that nearly all trials reach and keep; None where every trial starts with it.

    An accuracy counts as kept after two more rounds, so a crossing in a trial's last two rounds does not count.

    The number of trials that may miss it is so small that no acquisition misses it in more than MISSED_SHARE of its
    trials. Unfinished trials count only while no trial is finished. The choice does not depend on which trial belongs
    to which acquisition: exchanging the two of a pair changes nothing, so the tests stay exact.
    """
    trials = [trial for trial in experiment.trials if trial.complete] or experiment.trials
    may_miss = int(len(trials) * MISSED_SHARE / max(len(experiment.acquisitions), 1))
    for whole in range(99, 0, -1):
        crossings = [labels_to_target(trial, whole / 100) for trial in trials]
        if sum(not each.is_confirmed for each in crossings) <= may_miss:
            late = any(
                not each.is_confirmed or each.labels > trial.labels[0]
                for each, trial in zip(crossings, trials, strict=True)
            )
            return whole / 100 if late else None
    return None


def paired_label_ratio(experiment: ExperimentResults, name: str, reference: str, level: float) -> LabelRatio | None:
    """Estimate the labels that one acquisition needs over those of another: the median paired ratio over seeds.

    Every sentence, table and file that states labels saved takes its number from here. Exchanging the two acquisitions
    gives the inverse ratio.

    Args:
        experiment: The trials.
        name: The acquisition in the numerator.
        reference: The acquisition in the denominator.
        level: The accuracy to reach and keep, in [0, 1].
    """
    first, second = sorted((name, reference))
    mine, theirs = (tuple(map(astuple, each)) for each in paired_crossings(experiment, first, second, level))
    ratio = _label_ratio(experiment.name, first, second, mine, theirs)
    if ratio is None or name == first:
        return ratio
    return LabelRatio(1 / ratio.median, 1 / ratio.high, 1 / ratio.low)


@lru_cache(maxsize=256)  # a report states it in several places
def _label_ratio(
    experiment: str, first: str, second: str, mine: tuple[tuple[Any, ...], ...], theirs: tuple[tuple[Any, ...], ...]
) -> LabelRatio | None:
    generator = numpy_generator(0, "label ratio", experiment, first, second)
    return label_ratio([Crossing(*each) for each in mine], [Crossing(*each) for each in theirs], generator=generator)


def paired_crossings(
    experiment: ExperimentResults, name: str, reference: str, level: float
) -> tuple[list[Crossing], list[Crossing]]:
    """Return the labels to an accuracy of two acquisitions, pair by pair, over the rounds that both have.

    Args:
        experiment: The trials.
        name: The first acquisition.
        reference: The second acquisition.
        level: The accuracy to reach and keep, in [0, 1].
    """
    pairs = paired_trials(experiment, name, reference)
    ends = [min(trial.labels[-1] for trial in pair) for pair in pairs]
    mine, theirs = (
        [labels_to_target(pair[side], level, max_labels=end) for pair, end in zip(pairs, ends, strict=True)]
        for side in (0, 1)
    )
    return mine, theirs


def log_saving(mine: Crossing, theirs: Crossing) -> float:
    """Logarithm of the second's labels over the first's; 0 where it is unknown which needs fewer.

    A confirmed crossing is infinitely better than a level that was not reached. A provisional crossing is only known
    to need more labels than the round before. Exchanging the two changes the sign only.
    """
    if mine.is_confirmed and theirs.is_confirmed:
        return math.log(theirs.labels) - math.log(mine.labels)
    if mine.is_confirmed:
        return _log_label_ratio(theirs, mine)
    return -_log_label_ratio(mine, theirs) if theirs.is_confirmed else 0.0


def _log_label_ratio(unsure: Crossing, kept: Crossing) -> float:
    """Return how many more labels an unconfirmed crossing needs than a confirmed one, as a logarithm of the ratio."""
    if unsure.labels_before < kept.labels:
        return 0.0
    return math.inf if unsure.censored else math.log(unsure.labels) - math.log(kept.labels)
