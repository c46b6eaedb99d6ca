"""The comparisons behind the claims of the seed project, with their exact tests and numbers as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from lindley.study.comparison.labels_to_target import median_crossing
from lindley.study.comparison.paired import Comparison, format_percent, paired_comparison
from lindley.study.comparison.paired_labels import log_saving, paired_crossings, paired_label_ratio
from lindley.study.comparison.verdicts import format_level, format_saving
from lindley.study.plot_style import acquisition_title
from lindley.study.report.sampling import UNDECIDED, Sampling, measure_sampling
from lindley.study.results import ExperimentResults, TrialResults, paired_trials

WORTHWHILE = 0.10
"""Share of labels, or of seconds, from which a method counts as faster, or as more expensive."""


def check_fewer_labels(experiment: ExperimentResults, name: str, other: str, level: float, part: str) -> Comparison:
    """Test whether an acquisition needs fewer labels to reach and keep the level.

    Args:
        experiment: The trials.
        name: The acquisition of the claim.
        other: The acquisition it is compared with.
        level: The accuracy to reach and keep, in [0, 1].
        part: The part of the claim.
    """
    mine, theirs = paired_crossings(experiment, name, other, level)
    savings = [log_saving(a, b) for a, b in zip(mine, theirs, strict=True)]
    return _labels_comparison(experiment, name, other, level, part, savings)


def check_no_fewer_labels(experiment: ExperimentResults, name: str, other: str, level: float, part: str) -> Comparison:
    """Test whether an acquisition saves less than WORTHWHILE, wherever crossings lie between two rounds.

    A crossing is observed only at the end of a round: the level was reached after the round before, or with more
    labels than were given, or later if it is lost again. A pair whose saving may lie on either side of WORTHWHILE
    carries no information.

    Args:
        experiment: The trials.
        name: The acquisition of the claim.
        other: The acquisition it is compared with.
        level: The accuracy to reach and keep, in [0, 1].
        part: The part of the claim.
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
    """Return the comparison with these differences; the labels saved are those of `lindley compare`."""
    first, second = map(acquisition_title, (name, other))
    labels, others = (median_crossing(each) for each in paired_crossings(experiment, name, other, level))
    saved = paired_label_ratio(experiment, name, other, level)
    description = f"labels to {format_level(level)}: {first} against {second}"
    medians = f"{first} {labels}, {second} {others} labels to {format_level(level)}"
    difference = "unknown" if saved is None else f"{format_saving(1 - saved.median)} labels in the median pair"
    return paired_comparison(experiment.title, part, description, medians, difference, differences)


def check_final_accuracy(experiment: ExperimentResults, name: str, other: str) -> Comparison | None:
    """Test whether an acquisition ends with a higher accuracy; None without a pair that reached the last labels.

    Args:
        experiment: The trials.
        name: The acquisition of the claim.
        other: The acquisition it is compared with.
    """
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
    """Return the accuracy in percent."""
    return 100 * trial.metric_at("accuracy", labels)


def check_cost(experiment: ExperimentResults, other: str) -> Comparison | None:
    """Test whether BALD takes more seconds to predict and select, over the rounds that both trials of a pair have.

    Pairs must have run on the same machine in the same way, by their manifests and equal first fits. None without
    such a pair. The load of the machine is unknown.
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
    """Return the seconds of the first rounds that queried rows; 0 where nothing was recorded."""
    querying = [number for number in range(num_rounds) if trial.rounds[number].query is not None]
    seconds = trial.seconds("predict")[querying] + trial.seconds("select")[querying]
    return float(np.nansum(seconds))


def collect_sampling(experiment: ExperimentResults) -> dict[str, dict[int, Sampling]]:
    """Return the sampling by acquisition and seed, where probability surfaces were stored."""
    found: dict[str, dict[int, Sampling]] = {}
    for trial in experiment.trials:
        if (sampling := measure_sampling(experiment, trial)) is not None:
            found.setdefault(trial.acquisition, {})[trial.seed] = sampling
    return {name: found[name] for name in experiment.acquisitions if name in found}


def check_boundary_sampling(experiment: ExperimentResults, name: str, seen: dict[int, Sampling]) -> Comparison:
    """Compare the queried rows with the unlabelled pool: the shares near the boundary of the same models, by seed.

    Args:
        experiment: The trials.
        name: The acquisition.
        seen: Its sampling by seed.
    """
    picks, pool = ([getattr(each, key) for each in seen.values()] for key in ("near", "near_pool"))
    excess = [a - b for a, b in zip(picks, pool, strict=True)]
    title = acquisition_title(name)
    bounds = f"{UNDECIDED[0]}–{UNDECIDED[1]}"
    description = f"share where the querying model predicts {bounds}: rows queried by {title} against the pool"
    medians = f"{format_percent(median(picks))} of the queried rows, {format_percent(median(pool))} of the pool"
    difference = f"{100 * median(excess):+.0f} points in the median pair"
    return paired_comparison(experiment.title, f"{title} near the boundary", description, medians, difference, excess)


def check_ambiguous_sampling(
    experiment: ExperimentResults, seen: dict[str, dict[int, Sampling]], seeds: list[int]
) -> Comparison:
    """Test whether entropy queries more often than BALD where the true probability is undecided.

    Args:
        experiment: The trials.
        seen: The sampling by acquisition and seed.
        seeds: The seeds that both acquisitions have.
    """
    mine, theirs = ([seen[name][seed].ambiguous or 0.0 for seed in seeds] for name in ("bald", "entropy"))
    fewer = [b - a for a, b in zip(mine, theirs, strict=True)]
    description = (
        f"share where the true probability is {UNDECIDED[0]}–{UNDECIDED[1]}: rows queried by BALD against entropy"
    )
    medians = f"{format_percent(median(mine))} of BALD’s queries, {format_percent(median(theirs))} of entropy’s"
    difference = f"{100 * median(fewer):.0f} points fewer in the median pair"
    return paired_comparison(
        experiment.title, "BALD less where merely ambiguous", description, medians, difference, fewer
    )


def describe_sampling(experiment: ExperimentResults, name: str, seen: dict[int, Sampling]) -> str:
    """Return the sampling of one acquisition as a sentence.

    Args:
        experiment: The trials.
        name: The acquisition.
        seen: Its sampling by seed.
    """
    near = format_percent(median(each.near for each in seen.values()))
    truth = [each.ambiguous for each in seen.values() if each.ambiguous is not None]
    ambiguous = f", {format_percent(median(truth))} where the classes overlap" if truth else ""
    picks = sum(each.picks for each in seen.values())
    subject = f"{experiment.title}, {acquisition_title(name)}"
    return f"{subject}: {near} of the queried rows near the boundary{ambiguous} ({picks} rows)."
