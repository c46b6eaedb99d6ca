"""Contrasts of every acquisition with a reference: labels to an accuracy, mean accuracy and mean NLL over the rounds.

Trials are paired by seed: the two trials of a pair share their initial labels and test set, and their first fit where
they ran on one machine with the same code. The family-wise error rate is 5 % over all comparisons of one page: all
measures of all pairs of acquisitions in all experiments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import numpy as np
from scipy import stats

from lindley.errors import InputError
from lindley.measures.catalogue import METRICS
from lindley.study.comparison.curves import mean_over_labels
from lindley.study.comparison.exact_tests import (
    FAMILY_LEVEL,
    detectable_shift,
    deviation_from_interval,
    effective_comparisons,
    pair_tests,
    step_down,
    two_sided,
)
from lindley.study.comparison.label_ratio import MIN_PAIRS_FOR_INTERVAL
from lindley.study.comparison.labels_to_target import Crossing, median_crossing
from lindley.study.comparison.paired_labels import common_accuracy, log_saving, paired_crossings, paired_label_ratio
from lindley.study.comparison.signed_rank import SMALLEST_DIFFERENCE, signed_rank_test
from lindley.study.results import ExperimentResults, TrialResults, paired_trials

Measure = Literal["labels", "mean_accuracy", "mean_nll"]
METRIC_OF: Mapping[Measure, str] = {"mean_accuracy": "accuracy", "mean_nll": "nll"}
"""Test metric whose mean over the rounds a measure compares."""


@dataclass(frozen=True)
class Contrast:
    """One acquisition against another, on one measure. Positive estimates are in favour of the first."""

    experiment: str
    measure: Measure
    acquisition: str
    against: str
    accuracy: float | None
    """The accuracy to reach and keep, in [0, 1]; None for means."""
    pairs: int
    median: str
    """The median of the first over the pairs: labels with their mark, mean accuracy in percent, or mean NLL in bits."""
    median_against: str
    """The median of the other."""
    estimate: float | None
    """labels: the share of labels saved, below 1. mean_accuracy: the gain in mean accuracy over the rounds, in [-1, 1].
    mean_nll: by how much the mean NLL over the rounds is lower, in nats. None where it is unknown or infinite."""
    interval: tuple[float, float] | None
    """95 % interval of the estimate; None with too few pairs or crossings."""
    ahead: int
    """Number of pairs in which the first is better."""
    behind: int
    """Number of pairs in which it is worse; the others are ties."""
    p: float
    """Exact two-sided p-value of this comparison alone."""
    favours_first: bool
    """Whether the signed ranks favour the first. A few large differences may outweigh many small ones."""
    decided: int
    """Number of pairs whose order is known, ties included. The others are undecided and carry no information."""
    reached: int
    """Number of pairs in which the second reached and kept the accuracy; for means all."""
    adjusted_p: float = math.nan
    """p-value after correction over the family: all comparisons of one page."""
    family: int = 1
    """Number of comparisons in the family."""
    family_pairs: int = 1
    """Number of pairs of acquisitions in the family, each with its measures."""
    effective_comparisons: int = 1
    """Effective number of comparisons that this one is corrected for: below `family` where measures agree."""
    min_attainable_p: float = 0.0
    """The smallest possible adjusted p: that if all pairs of this comparison agreed."""
    round_spacing: float = 0.0
    """Median distance of rounds where the level was reached, in logarithms of labels; 0 for means."""
    max_log_ratio: float = math.inf
    """Logarithm of the largest ratio of labels that the rounds of a pair can show; infinite for means."""
    up_to: int | None = None
    """Last number of labels in a mean, where that is before the study's end."""

    @property
    def is_detected(self) -> bool:
        """Whether there is a difference, at 5 % over the family."""
        return self.adjusted_p <= FAMILY_LEVEL

    @property
    def detectable(self) -> bool:
        """Whether these pairs could show any difference, given the rest of the family."""
        return self.min_attainable_p <= FAMILY_LEVEL

    @property
    def detectable_gain(self) -> float:
        """The gain that is detected with a probability of about 80 %, in the estimate's unit.

        Infinite where it is unknown, larger than the rounds can show, or where nothing can be detected. The spread of
        the pairs is the one that would give the interval if that were Student's (of logarithms for labels), since the
        interval accounts for levels that were not reached. Crossings are observed at the ends of rounds only, and only
        pairs with a known order count. Without any spread the gain is unknown.
        """
        shift = self._detectable_shift(self.decided)
        return -math.expm1(-shift) if self.measure == "labels" and math.isfinite(shift) else shift

    @property
    def detectable_loss(self) -> float:
        """The loss that is detected likewise; pairs whose second did not reach the accuracy cannot show one."""
        shift = self._detectable_shift(self.reached)
        return math.expm1(shift) if self.measure == "labels" else shift

    def _detectable_shift(self, pairs: int) -> float:
        """Return the shift that so many pairs detect: of logarithms of labels, or of means."""
        if self.interval is None or math.isinf(detectable_shift(pairs, self.effective_comparisons)):
            return math.inf
        low, high = self.interval
        if self.measure == "labels" and high >= 1:
            return math.inf
        width = math.log1p(-low) - math.log1p(-high) if self.measure == "labels" else high - low
        spread = deviation_from_interval(width, self.pairs)
        if spread < SMALLEST_DIFFERENCE:
            return math.inf
        estimated = self.measure != "labels"
        shift = (
            detectable_shift(pairs, self.effective_comparisons, self.round_spacing / spread, estimated=estimated)
            * spread
        )
        return shift if shift <= self.max_log_ratio else math.inf


@dataclass(frozen=True)
class Measurement:
    """A contrast before the correction over its family, with the difference of each seed."""

    contrast: Contrast
    experiment: str
    """The unique name of the experiment."""
    differences: Mapping[int, float]
    """By seed; positive where the first is better."""
    decided_seeds: frozenset[int]
    """The seeds whose order is known, ties included."""

    @property
    def pair(self) -> tuple[str, str, str]:
        """The experiment and its two acquisitions."""
        return self.experiment, self.contrast.acquisition, self.contrast.against

    def best_case(self) -> Measurement:
        """Return the measurement with every known difference in favour of the first."""
        clear = {
            seed: max(abs(each), 2 * SMALLEST_DIFFERENCE)
            for seed, each in self.differences.items()
            if seed in self.decided_seeds
        }
        return replace(self, differences=clear)


def compare_acquisitions(
    experiment: ExperimentResults, against: str | None = None, *, accuracy: float | None = None
) -> list[Contrast]:
    """Compare all acquisitions of one experiment, as a family of its own.

    Args:
        experiment: The trials. Nothing is compared unless two acquisitions have a seed in common.
        against: The reference; by default random, or the first acquisition of an experiment without random.
        accuracy: The accuracy to which labels are counted, in [0, 1]; by default `common_accuracy`.

    Raises:
        InputError: If the experiment does not have the acquisition.
    """
    return correct_family(measure_contrasts(experiment, against, accuracy=accuracy))


def measure_contrasts(
    experiment: ExperimentResults, against: str | None = None, *, accuracy: float | None = None
) -> list[Measurement]:
    """Measure all comparisons of one experiment, before the correction over the family.

    Args:
        experiment: The trials.
        against: The reference; by default random, or the first acquisition of an experiment without random.
        accuracy: The accuracy to which labels are counted, in [0, 1]; by default `common_accuracy`.

    Raises:
        InputError: If the experiment does not have the acquisition.
    """
    reference = reference_acquisition(experiment, against)
    others = [
        name for name in experiment.acquisitions if name != reference and paired_trials(experiment, name, reference)
    ]
    level = accuracy if accuracy is not None else common_accuracy(experiment)
    labels = [] if level is None else [_measure_labels(experiment, name, reference, level) for name in others]
    means = [_measure_mean(experiment, name, reference, measure) for measure in METRIC_OF for name in others]
    return [*labels, *(found for found in means if found is not None)]


def correct_family(measured: Sequence[Measurement]) -> list[Contrast]:
    """Return the contrasts of one page, in their order, with p-values corrected over all of them."""
    pairs: dict[tuple[str, str, str], list[int]] = {}
    for place, each in enumerate(measured):
        pairs.setdefault(each.pair, []).append(place)
    tests = [pair_tests(_differences_by_seed([measured[place] for place in places])) for places in pairs.values()]
    adjusted = step_down(tests)
    found = list[Contrast](each.contrast for each in measured)
    for number, places in enumerate(pairs.values()):
        effective = effective_comparisons(tests[number], tests)
        for member, place in enumerate(places):
            clear = [measured[other].best_case() if other == place else measured[other] for other in places]
            others = [*tests[:number], pair_tests(_differences_by_seed(clear)), *tests[number + 1 :]]
            found[place] = replace(
                found[place],
                adjusted_p=adjusted[number][member],
                family=len(measured),
                family_pairs=len(pairs),
                effective_comparisons=effective,
                min_attainable_p=step_down(others)[number][member],
            )
    return found


def _differences_by_seed(measured: Sequence[Measurement]) -> list[list[float]]:
    """Return the differences of each measure by seed, with 0 for a missing seed."""
    seeds = sorted(set().union(*(each.differences for each in measured)))
    return [[each.differences.get(seed, 0.0) for seed in seeds] for each in measured]


def reference_acquisition(experiment: ExperimentResults, against: str | None) -> str:
    """Return the acquisition that all others are compared with; raises InputError where it has no trial."""
    if against is None:
        return "random" if "random" in experiment.acquisitions else experiment.acquisitions[0]
    if against not in experiment.acquisitions:
        raise InputError(
            argument="against",
            expected=f"an acquisition of {experiment.title} ({', '.join(experiment.acquisitions)})",
            got=against,
        )
    return against


def _measure_labels(experiment: ExperimentResults, name: str, reference: str, level: float) -> Measurement:
    pairs = paired_trials(experiment, name, reference)
    mine, theirs = paired_crossings(experiment, name, reference, level)
    ratio = paired_label_ratio(experiment, name, reference, level)
    savings = {first.seed: log_saving(a, b) for (first, _), a, b in zip(pairs, mine, theirs, strict=True)}
    decided_seeds = frozenset(
        first.seed
        for (first, _), a, b in zip(pairs, mine, theirs, strict=True)
        if (a.is_confirmed and b.is_confirmed) or savings[first.seed]
    )
    contrast = Contrast(
        experiment.title,
        "labels",
        name,
        reference,
        level,
        len(pairs),
        str(median_crossing(mine)),
        str(median_crossing(theirs)),
        None if ratio is None else 1 - ratio.median,
        None if ratio is None else (1 - ratio.high, 1 - ratio.low),
        *_signed_rank_summary([*savings.values()]),
        decided=len(decided_seeds),
        reached=sum(each.is_confirmed for each in theirs),
        round_spacing=_round_spacing([*mine, *theirs]),
        max_log_ratio=max(math.log(min(trial.labels[-1] for trial in pair) / pair[0].labels[0]) for pair in pairs),
    )
    return Measurement(contrast, experiment.name, savings, decided_seeds)


def _round_spacing(crossings: Sequence[Crossing]) -> float:
    widths = [
        math.log(each.labels) - math.log(each.labels_before) for each in crossings if each.labels > each.labels_before
    ]
    return median(widths) if widths else 0.0


def _measure_mean(experiment: ExperimentResults, name: str, reference: str, measure: Measure) -> Measurement | None:
    metric = METRIC_OF[measure]
    pairs = [
        pair
        for pair in paired_trials(experiment, name, reference)
        if all(_is_measured(trial, metric) for trial in pair)
    ]
    if not pairs:
        return None
    # In an unfinished study: up to the labels that half of the pairs have reached, and those pairs; where the last
    # round was moved, up to the labels that all complete trials share. A mean over another range is another quantity.
    ends = sorted((min(first.labels[-1], second.labels[-1]) for first, second in pairs), reverse=True)
    complete = [set(trial.labels[1:]) for pair in pairs for trial in pair if trial.complete]
    shared = set.intersection(*complete) if complete else set()
    end = min(ends[(len(ends) - 1) // 2], max(shared, default=ends[0]))
    pairs = [pair for pair in pairs if min(trial.labels[-1] for trial in pair) >= end]
    mine, theirs = ([mean_over_labels(pair[side], metric, end) for pair in pairs] for side in (0, 1))
    gains = {
        pair[0].seed: _gain(measure, *both) for pair, both in zip(pairs, zip(mine, theirs, strict=True), strict=True)
    }
    centre, interval = _student_interval([*gains.values()])
    contrast = Contrast(
        experiment.title,
        measure,
        name,
        reference,
        None,
        len(pairs),
        METRICS[metric].format_value(median(mine)),
        METRICS[metric].format_value(median(theirs)),
        centre,
        interval,
        *_signed_rank_summary([*gains.values()]),
        decided=len(pairs),
        reached=len(pairs),
        up_to=end if end < experiment.last_labels else None,
    )
    return Measurement(contrast, experiment.name, gains, frozenset(gains))


def _is_measured(trial: TrialResults, metric: str) -> bool:
    """Return whether every round has the metric, and there are at least two."""
    return len(trial.rounds) > 1 and not np.isnan(trial.metric(metric)).any()


def _gain(measure: Measure, mine: float, theirs: float) -> float:
    """Return by how much the first is better; two infinite losses are equal."""
    if mine == theirs:
        return 0.0
    return METRICS[METRIC_OF[measure]].sign * (mine - theirs)


def _student_interval(gains: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    """Return the mean with Student's interval; None where a gain is infinite."""
    if not all(map(math.isfinite, gains)):
        return None, None
    centre = float(np.mean(gains))
    if len(gains) < MIN_PAIRS_FOR_INTERVAL:
        return centre, None
    half = float(stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains))
    return centre, (centre - half, centre + half)


def _signed_rank_summary(differences: Sequence[float]) -> tuple[int, int, float, bool]:
    """Return the number of pairs above zero and below, the exact p, and whether the ranks favour above."""
    above = sum(each > SMALLEST_DIFFERENCE for each in differences)
    below = sum(each < -SMALLEST_DIFFERENCE for each in differences)
    p_above, p_below = signed_rank_test(differences)
    return above, below, two_sided(p_above, p_below), p_above <= p_below
