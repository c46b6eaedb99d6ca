"""Every acquisition of a panel against one of them: labels to an accuracy, and the area under the learning curve.

All is paired by seed: the two trials of a pair share their initial labels and test set, and their first fit where they
ran on one machine under one code. The family whose false alarms are held at 5 % is one measure in one panel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import numpy as np
from scipy import integrate, stats

from lindley.errors import InputError
from lindley.seeds import numpy_generator
from lindley.study.comparison.exact_tests import (
    FAMILY_LEVEL,
    doubled,
    holm,
    smallest_two_sided_p,
    spread_of,
    visible_shift,
)
from lindley.study.comparison.label_ratio import FEWEST_PAIRS, label_ratio
from lindley.study.crossings import Crossing, labels_to_accuracy, median_crossing
from lindley.study.results import PanelResults, TrialResults, paired
from lindley.study.signed_rank import SMALLEST, signed_rank_test

MISSED_SHARE = 1 / 3
"""Of as many trials each, no acquisition can miss the accuracy at which labels are counted in more than this share."""


@dataclass(frozen=True)
class Contrast:
    """One acquisition against another, on one measure. Positive estimates are in favour of the first."""

    panel: str
    measure: Literal["labels", "area"]
    acquisition: str
    against: str
    accuracy: float | None
    """For labels: which accuracy has to be kept, in [0, 1]."""
    pairs: int
    seen: tuple[str, str]
    """The medians of the two: labels with their marks, or mean accuracies in percent."""
    estimate: float | None
    """labels: the share of labels saved, below 1. area: the gain in mean accuracy over the rounds, in [-1, 1]."""
    interval: tuple[float, float] | None
    """95 %, of the estimate; None where too few pairs, or crossings, were seen."""
    ahead: int
    """Pairs in which the first did better."""
    behind: int
    """Pairs in which it did worse; the others are ties."""
    p: float
    """Exact, two-sided, of this comparison alone."""
    for_first: bool
    """Which way the test leans: to the first. With many pairs a few large differences may outweigh more small ones."""
    telling: int
    """Pairs of which it is known which did better, or that both did as well. The others can show nothing."""
    reached: int
    """Those in which the second reached the accuracy and kept it; for areas all."""
    adjusted_p: float = math.nan
    """After Holm, within the family."""
    family: int = 1
    """How many comparisons that is."""
    least_p: float = 0.0
    """What adjusted_p would be, had all pairs of this comparison pointed one way."""
    grid: float = 0.0
    """How far rounds lie apart where the level was reached, in logarithms of labels; 0 for areas."""
    span: float = math.inf
    """For labels: the logarithm of the largest ratio that the rounds of a pair can show."""
    up_to: int | None = None
    """For areas: the labels up to which, where that is before the study's end."""

    @property
    def detected(self) -> bool:
        """A difference, at 5 % over the family."""
        return self.adjusted_p <= FAMILY_LEVEL

    @property
    def detectable(self) -> bool:
        """Whether these pairs could have shown a difference at all, beside what the rest of the family shows."""
        return self.least_p <= FAMILY_LEVEL

    @property
    def visible(self) -> float:
        """What gain would have been seen with a chance of some 80 %, in the estimate's unit; infinite where that is not
        known, or more than the rounds can show, or nothing.

        Pairs lie as far apart as would give the interval if it were Student's, of logarithms where it is of labels: it
        knows of what was not reached. What is seen of them is seen at the ends of rounds, no further apart than the
        first lies from the last, and only in pairs that tell something. Where all pairs are alike nobody knows.
        """
        seen = self._seen(self.telling)
        return -math.expm1(-seen) if self.measure == "labels" and math.isfinite(seen) else seen

    @property
    def visible_loss(self) -> float:
        """What loss would have been, in the same unit: where the second did not reach the accuracy, none can show."""
        seen = self._seen(self.reached)
        return math.expm1(seen) if self.measure == "labels" else seen

    def _seen(self, pairs: int) -> float:
        """The shift that so many pairs would have shown: of logarithms of labels, or of areas."""
        if self.interval is None or math.isinf(visible_shift(pairs, self.family)):
            return math.inf
        low, high = self.interval
        if self.measure == "labels" and high >= 1:
            return math.inf
        width = math.log1p(-low) - math.log1p(-high) if self.measure == "labels" else high - low
        spread = spread_of(width, self.pairs)
        if spread < SMALLEST:
            return math.inf
        seen = visible_shift(pairs, self.family, self.grid / spread, estimated=self.measure == "area") * spread
        return seen if seen <= self.span else math.inf


def contrasts(panel: PanelResults, against: str | None = None, *, accuracy: float | None = None) -> list[Contrast]:
    """All comparisons of a panel; none where fewer than two acquisitions have a seed in common.

    against: random where it is not given, or the first acquisition of a panel without random. accuracy: in [0, 1];
    that of common_accuracy where it is not given.

    Raises InputError for an acquisition that the panel does not have.
    """
    reference = reference_of(panel, against)
    others = [name for name in panel.acquisitions if name != reference and paired(panel, name, reference)]
    level = accuracy if accuracy is not None else common_accuracy(panel)
    labels = [] if level is None else [_labels(panel, name, reference, level) for name in others]
    areas = [found for name in others if (found := _area(panel, name, reference)) is not None]
    return [*_as_family(labels), *_as_family(areas)]


def common_accuracy(panel: PanelResults) -> float | None:
    """The highest whole percent that nearly all trials reach and keep; None where every trial has it from its start.

    Kept for two more rounds: in a trial's last two rounds nobody can tell.

    So few may miss it that even if they were all of one acquisition, it would miss it in MISSED_SHARE of its trials at
    most. Those under way count only while none is finished: they have not missed it yet. Which acquisition a trial is
    of is not asked: the choice is the same when the two of a pair are exchanged, so that the tests stay exact.
    """
    trials = [trial for trial in panel.trials if trial.complete] or panel.trials
    may_miss = int(len(trials) * MISSED_SHARE / max(len(panel.acquisitions), 1))
    for whole in range(99, 0, -1):
        crossings = [labels_to_accuracy(trial, whole / 100) for trial in trials]
        if sum(not each.kept for each in crossings) <= may_miss:
            late = any(
                not each.kept or each.labels > trial.labels[0] for each, trial in zip(crossings, trials, strict=True)
            )
            return whole / 100 if late else None
    return None


def reference_of(panel: PanelResults, against: str | None) -> str:
    if against is None:
        return "random" if "random" in panel.acquisitions else panel.acquisitions[0]
    if against not in panel.acquisitions:
        raise InputError(f'"{against}" has no trial in {panel.title}; there are {", ".join(panel.acquisitions)}.')
    return against


def _labels(panel: PanelResults, name: str, reference: str, level: float) -> Contrast:
    pairs = paired(panel, name, reference)
    ends = [min(first.labels[-1], second.labels[-1]) for first, second in pairs]
    mine, theirs = (
        [labels_to_accuracy(pair[side], level, up_to=end) for pair, end in zip(pairs, ends, strict=True)]
        for side in (0, 1)
    )
    ratio = label_ratio(mine, theirs, generator=numpy_generator(0, "label ratio", panel.name, name, reference))
    savings = [log_saving(a, b) for a, b in zip(mine, theirs, strict=True)]
    return Contrast(
        panel.title,
        "labels",
        name,
        reference,
        level,
        len(pairs),
        (str(median_crossing(mine)), str(median_crossing(theirs))),
        None if ratio is None else 1 - ratio.median,
        None if ratio is None else (1 - ratio.high, 1 - ratio.low),
        *_tested(savings),
        telling=sum((a.kept and b.kept) or saving != 0 for a, b, saving in zip(mine, theirs, savings, strict=True)),
        reached=sum(each.kept for each in theirs),
        grid=_grid([*mine, *theirs]),
        span=max(math.log(end / first.labels[0]) for (first, _), end in zip(pairs, ends, strict=True)),
    )


def _grid(crossings: Sequence[Crossing]) -> float:
    widths = [math.log(each.labels) - math.log(each.after) for each in crossings if each.labels > each.after]
    return median(widths) if widths else 0.0


def log_saving(mine: Crossing, theirs: Crossing) -> float:
    """log(labels of the second / labels of the first), 0 where it is not known which needs fewer.

    One that was reached and kept is infinitely better than one that was not reached. One that may still be lost is
    only known to need more labels than the round before it had. Exchanging the two changes the sign and nothing else.
    """
    if mine.kept and theirs.kept:
        return math.log(theirs.labels) - math.log(mine.labels)
    if mine.kept:
        return _behind(theirs, mine)
    return -_behind(mine, theirs) if theirs.kept else 0.0


def _behind(unsure: Crossing, kept: Crossing) -> float:
    """By how much the first, which is not kept, needs more labels than the second, which is."""
    if unsure.after < kept.labels:
        return 0.0
    return math.inf if unsure.censored else math.log(unsure.labels) - math.log(kept.labels)


def _area(panel: PanelResults, name: str, reference: str) -> Contrast | None:
    pairs = [pair for pair in paired(panel, name, reference) if min(len(trial.rounds) for trial in pair) > 1]
    if not pairs:
        return None
    # Of a study under way: as far as half of the pairs have come, and those that have; where the last round was moved,
    # as far as all that are complete have come. Areas over other ranges are other quantities.
    ends = sorted((min(first.labels[-1], second.labels[-1]) for first, second in pairs), reverse=True)
    complete = [set(trial.labels[1:]) for pair in pairs for trial in pair if trial.complete]
    shared = set.intersection(*complete) if complete else set()
    end = min(ends[(len(ends) - 1) // 2], max(shared, default=ends[0]))
    pairs = [pair for pair in pairs if min(trial.labels[-1] for trial in pair) >= end]
    mine, theirs = ([mean_accuracy(pair[side], end) for pair in pairs] for side in (0, 1))
    gains = np.subtract(mine, theirs)
    centre, interval = float(gains.mean()), None
    if len(pairs) >= FEWEST_PAIRS:
        half = float(stats.t.ppf(0.975, len(pairs) - 1) * stats.sem(gains))
        interval = (centre - half, centre + half)
    return Contrast(
        panel.title,
        "area",
        name,
        reference,
        None,
        len(pairs),
        (f"{100 * median(mine):.2f}", f"{100 * median(theirs):.2f}"),
        centre,
        interval,
        *_tested(gains.tolist()),
        telling=len(pairs),
        reached=len(pairs),
        up_to=end if end < panel.last_labels else None,
    )


def mean_accuracy(trial: TrialResults, up_to: int) -> float:
    """The area under the learning curve by the trapezoidal rule, divided by its range of labels."""
    labels = np.array([*(count for count in trial.labels if count < up_to), up_to], dtype=np.float64)
    accuracy = np.interp(labels, trial.labels, trial.metric("accuracy"))
    return float(integrate.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def _tested(differences: Sequence[float]) -> tuple[int, int, float, bool]:
    """Pairs above zero, pairs below, the exact p, and whether they lean to above."""
    above = sum(each > SMALLEST for each in differences)
    below = sum(each < -SMALLEST for each in differences)
    p_above, p_below = signed_rank_test(differences)
    return above, below, doubled(p_above, p_below), p_above <= p_below


def _as_family(members: Sequence[Contrast]) -> list[Contrast]:
    seen = [each.p for each in members]
    adjusted = holm(seen)
    least = [
        holm([*seen[:place], smallest_two_sided_p(each.telling), *seen[place + 1 :]])[place]
        for place, each in enumerate(members)
    ]
    return [
        replace(each, adjusted_p=p, family=len(members), least_p=best)
        for each, p, best in zip(members, adjusted, least, strict=True)
    ]
