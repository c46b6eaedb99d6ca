"""The comparisons that the conclusions stand on: who against whom, the numbers in words, and their exact tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from lindley.study.comparison.contrasts import log_saving, paired_crossings, paired_label_ratio
from lindley.study.comparison.labels_to_target import median_crossing
from lindley.study.comparison.paired import Comparison, format_percent, paired_comparison
from lindley.study.comparison.verdicts import format_level, format_saving
from lindley.study.plot_style import acquisition_title
from lindley.study.report.sampling import UNDECIDED, Sampling, measure_sampling
from lindley.study.results import ExperimentResults, TrialResults, paired_trials

WORTHWHILE = 0.10
"""A method is called faster, or dearer, than another from this share of labels, or of seconds, on."""


def check_fewer_labels(experiment: ExperimentResults, name: str, other: str, level: float, part: str) -> Comparison:
    """For: needs fewer labels to reach and keep the level."""
    mine, theirs = paired_crossings(experiment, name, other, level)
    savings = [log_saving(a, b) for a, b in zip(mine, theirs, strict=True)]
    return _labels_comparison(experiment, name, other, level, part, savings)


def check_no_fewer_labels(experiment: ExperimentResults, name: str, other: str, level: float, part: str) -> Comparison:
    """For: saves less than WORTHWHILE, whatever happened between two rounds; against: saves more.

    A crossing is seen only at the end of a round: the level was reached with some number of labels after the round
    before, or with more than were given, or later if it is lost again. A pair in which the saving may be more or less
    than WORTHWHILE says nothing.
    """
    mine, theirs = paired_crossings(experiment, name, other, level)
    enough = -math.log1p(-WORTHWHILE)
    short_of_it = []
    for reached, others in zip(mine, theirs, strict=True):
        saving = math.log(others.labels) - math.log(reached.labels)
        least = math.log(others.labels_before) - math.log(reached.labels) if reached.is_confirmed else -math.inf
        most = math.log(others.labels) - math.log(reached.labels_before) if others.is_confirmed else math.inf
        short_of_it.append(enough - saving if most <= enough or least >= enough else 0.0)
    return _labels_comparison(experiment, name, other, level, part, short_of_it)


def _labels_comparison(
    experiment: ExperimentResults, name: str, other: str, level: float, part: str, differences: Sequence[float]
) -> Comparison:
    """The comparison with these differences; how many labels are saved is what `lindley compare` says."""
    first, second = map(acquisition_title, (name, other))
    labels, others = (median_crossing(each) for each in paired_crossings(experiment, name, other, level))
    saved = paired_label_ratio(experiment, name, other, level)
    description = f"labels to {format_level(level)}: {first} against {second}"
    medians = f"{first} {labels}, {second} {others} labels to {format_level(level)}"
    difference = "not seen" if saved is None else f"{format_saving(1 - saved.median)} labels in the median pair"
    return paired_comparison(experiment.title, part, description, medians, difference, differences)


def check_final_accuracy(experiment: ExperimentResults, name: str, other: str) -> Comparison | None:
    """Accuracy at the study's last number of labels, of pairs that both got there; None while there are none."""
    last, finished = experiment.last_labels, experiment.complete_trials
    pairs = [pair for pair in paired_trials(experiment, name, other) if all(trial in finished for trial in pair)]
    if not pairs:
        return None
    mine, theirs = ([_accuracy_percent(pair[side], last) for pair in pairs] for side in (0, 1))
    gains = [a - b for a, b in zip(mine, theirs, strict=True)]
    description = f"accuracy with {last} labels: {acquisition_title(name)} against {acquisition_title(other)}"
    medians = f"{acquisition_title(name)} {median(mine):.2f}, {acquisition_title(other)} {median(theirs):.2f} %"
    difference = f"{median(gains):+.2f} points in the median pair"
    return paired_comparison(experiment.title, "ends higher", description, medians, difference, gains)


def _accuracy_percent(trial: TrialResults, labels: int) -> float:
    """In percent."""
    return 100 * trial.metric_at("accuracy", labels)


def check_cost(experiment: ExperimentResults, other: str) -> Comparison | None:
    """Seconds of predict and select over the rounds that both have, of pairs run on one machine in one way.

    The manifests tell that, and first fits that are the same: early versions did not record the processor. None where
    there is no such pair, or nothing was recorded. How busy the machine was is not known.
    """
    pairs, machines = [], set()
    for first, second in paired_trials(experiment, "bald", other):
        if first.first_fit != second.first_fit:
            continue
        if any(first.manifest.get(key) != second.manifest.get(key) for key in ("cpu", "device", "threads")):
            continue
        if "several" in (first.machine, second.machine):
            continue
        common = min(len(first.rounds), len(second.rounds))
        both = [_query_seconds(trial, common) for trial in (first, second)]
        if min(both) > 0:
            pairs.append(both)
            machines.add(first.machine)
    if not pairs:
        return None
    ratios = [math.log(mine / theirs) for mine, theirs in pairs]
    mine, theirs = (median(pair[place] for pair in pairs) for place in (0, 1))
    description = f"seconds to predict and select: BALD against {acquisition_title(other)}"
    where = f" on {len(machines)} machines" if len(machines) > 1 else ""
    medians = f"BALD {mine:.3g}, {acquisition_title(other)} {theirs:.3g} s to predict and select{where}"
    difference = f"×{math.exp(median(ratios)):.2f} in the median pair"
    over = [ratio - math.log1p(WORTHWHILE) for ratio in ratios]
    return paired_comparison(experiment.title, "costs more", description, medians, difference, over)


def _query_seconds(trial: TrialResults, num_rounds: int) -> float:
    """Over the first rounds, where something was asked for; 0 where nothing was recorded."""
    asking = [number for number in range(num_rounds) if trial.rounds[number].query is not None]
    seconds = trial.seconds("predict")[asking] + trial.seconds("select")[asking]
    return float(np.nansum(seconds))


def collect_sampling(experiment: ExperimentResults) -> dict[str, dict[int, Sampling]]:
    """By acquisition and seed, where the surfaces were stored."""
    found: dict[str, dict[int, Sampling]] = {}
    for trial in experiment.trials:
        if (sampling := measure_sampling(experiment, trial)) is not None:
            found.setdefault(trial.acquisition, {})[trial.seed] = sampling
    return {name: found[name] for name in experiment.acquisitions if name in found}


def check_boundary_sampling(experiment: ExperimentResults, name: str, seen: dict[int, Sampling]) -> Comparison:
    """The picks against the unlabelled pool under the same models, by seed."""
    picks, pool = ([getattr(each, key) for each in seen.values()] for key in ("near", "near_pool"))
    excess = [a - b for a, b in zip(picks, pool, strict=True)]
    title = acquisition_title(name)
    description = (
        f"share where the model that asks says {UNDECIDED[0]}–{UNDECIDED[1]}: picks of {title} against the pool"
    )
    medians = f"{format_percent(median(picks))} of the picks, {format_percent(median(pool))} of the pool"
    difference = f"{100 * median(excess):+.0f} points in the median pair"
    return paired_comparison(experiment.title, f"{title} near the boundary", description, medians, difference, excess)


def check_ambiguous_sampling(
    experiment: ExperimentResults, seen: dict[str, dict[int, Sampling]], seeds: list[int]
) -> Comparison:
    """For: entropy asks more often than BALD where the law of the data itself is undecided."""
    mine, theirs = ([seen[name][seed].ambiguous or 0.0 for seed in seeds] for name in ("bald", "entropy"))
    fewer = [b - a for a, b in zip(mine, theirs, strict=True)]
    description = (
        f"share where the true probability is {UNDECIDED[0]}–{UNDECIDED[1]}: picks of BALD against those of entropy"
    )
    medians = f"{format_percent(median(mine))} of BALD’s picks, {format_percent(median(theirs))} of entropy’s"
    difference = f"{100 * median(fewer):.0f} points fewer in the median pair"
    return paired_comparison(
        experiment.title, "BALD less where merely ambiguous", description, medians, difference, fewer
    )


def describe_sampling(experiment: ExperimentResults, name: str, seen: dict[int, Sampling]) -> str:
    """The shares of one acquisition, in words."""
    near = format_percent(median(each.near for each in seen.values()))
    truth = [each.ambiguous for each in seen.values() if each.ambiguous is not None]
    ambiguous = f", {format_percent(median(truth))} where the classes overlap" if truth else ""
    picks = sum(each.picks for each in seen.values())
    subject = f"{experiment.title}, {acquisition_title(name)}"
    return f"{subject}: {near} of the picks near the boundary{ambiguous} ({picks} picks)."
