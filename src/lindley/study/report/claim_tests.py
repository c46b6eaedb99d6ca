"""The comparisons that the conclusions stand on: who against whom, the numbers in words, and their exact tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from lindley.study.comparison.contrasts import crossings_of_pairs, labels_saved, log_saving
from lindley.study.comparison.labels_to_target import median_crossing
from lindley.study.comparison.paired import Comparison, compared, percent
from lindley.study.comparison.verdicts import level_words, saved_words
from lindley.study.plot_style import look
from lindley.study.report.sampling import UNDECIDED, Sampling, sampling_of
from lindley.study.results import PanelResults, TrialResults, paired

WORTHWHILE = 0.10
"""A method is called faster, or dearer, than another from this share of labels, or of seconds, on."""


def fewer_labels(panel: PanelResults, name: str, other: str, level: float, part: str) -> Comparison:
    """For: needs fewer labels to reach and keep the level."""
    mine, theirs = crossings_of_pairs(panel, name, other, level)
    savings = [log_saving(a, b) for a, b in zip(mine, theirs, strict=True)]
    return _of_labels(panel, name, other, level, part, savings)


def no_fewer_labels(panel: PanelResults, name: str, other: str, level: float, part: str) -> Comparison:
    """For: saves less than WORTHWHILE, whatever happened between two rounds; against: saves more.

    A crossing is seen only at the end of a round: the level was reached with some number of labels after the round
    before, or with more than were given, or later if it is lost again. A pair in which the saving may be more or less
    than WORTHWHILE says nothing.
    """
    mine, theirs = crossings_of_pairs(panel, name, other, level)
    enough = -math.log1p(-WORTHWHILE)
    short_of_it = []
    for reached, others in zip(mine, theirs, strict=True):
        saving = math.log(others.labels) - math.log(reached.labels)
        least = math.log(others.after) - math.log(reached.labels) if reached.kept else -math.inf
        most = math.log(others.labels) - math.log(reached.after) if others.kept else math.inf
        short_of_it.append(enough - saving if most <= enough or least >= enough else 0.0)
    return _of_labels(panel, name, other, level, part, short_of_it)


def _of_labels(
    panel: PanelResults, name: str, other: str, level: float, part: str, differences: Sequence[float]
) -> Comparison:
    """The comparison with these differences; how many labels are saved is what `lindley compare` says."""
    medians = [str(median_crossing(each)) for each in crossings_of_pairs(panel, name, other, level)]
    titles, saved = (look(name).title, look(other).title), labels_saved(panel, name, other, level)
    what = f"labels to {level_words(level)}: {titles[0]} against {titles[1]}"
    brief = f"{titles[0]} {medians[0]}, {titles[1]} {medians[1]} labels to {level_words(level)}"
    effect = "not seen" if saved is None else f"{saved_words(1 - saved.median)} labels in the median pair"
    return compared(panel.title, part, what, brief, effect, differences)


def ends_higher(panel: PanelResults, name: str, other: str) -> Comparison | None:
    """Accuracy at the study's last number of labels, of pairs that both got there; None while there are none."""
    last, finished = panel.last_labels, panel.finished
    pairs = [pair for pair in paired(panel, name, other) if all(trial in finished for trial in pair)]
    if not pairs:
        return None
    mine, theirs = ([_accuracy_at(pair[side], last) for pair in pairs] for side in (0, 1))
    gains = [a - b for a, b in zip(mine, theirs, strict=True)]
    what = f"accuracy with {last} labels: {look(name).title} against {look(other).title}"
    brief = f"{look(name).title} {median(mine):.2f}, {look(other).title} {median(theirs):.2f} %"
    effect = f"{median(gains):+.2f} points in the median pair"
    return compared(panel.title, "ends higher", what, brief, effect, gains)


def _accuracy_at(trial: TrialResults, labels: int) -> float:
    """In percent."""
    return 100 * trial.at("accuracy", labels)


def costs_more(panel: PanelResults, other: str) -> Comparison | None:
    """Seconds of predict and select over the rounds that both have, of pairs run on one machine in one way.

    The manifests tell that, and first fits that are the same: early versions did not record the processor. None where
    there is no such pair, or nothing was recorded. How busy the machine was is not known.
    """
    pairs, machines = [], set()
    for first, second in paired(panel, "bald", other):
        if first.first_fit != second.first_fit:
            continue
        if any(first.manifest.get(key) != second.manifest.get(key) for key in ("cpu", "device", "threads")):
            continue
        if "several" in (first.machine, second.machine):
            continue
        common = min(len(first.rounds), len(second.rounds))
        both = [_asking_seconds(trial, common) for trial in (first, second)]
        if min(both) > 0:
            pairs.append(both)
            machines.add(first.machine)
    if not pairs:
        return None
    ratios = [math.log(mine / theirs) for mine, theirs in pairs]
    mine, theirs = (median(pair[place] for pair in pairs) for place in (0, 1))
    what = f"seconds to predict and select: BALD against {look(other).title}"
    where = f" on {len(machines)} machines" if len(machines) > 1 else ""
    brief = f"BALD {mine:.3g}, {look(other).title} {theirs:.3g} s to predict and select{where}"
    effect = f"×{math.exp(median(ratios)):.2f} in the median pair"
    over = [ratio - math.log1p(WORTHWHILE) for ratio in ratios]
    return compared(panel.title, "costs more", what, brief, effect, over)


def _asking_seconds(trial: TrialResults, num_rounds: int) -> float:
    """Over the first rounds, where something was asked for; 0 where nothing was recorded."""
    asking = [number for number in range(num_rounds) if trial.rounds[number].query is not None]
    seconds = trial.seconds("predict")[asking] + trial.seconds("select")[asking]
    return float(np.nansum(seconds))


def samplings(panel: PanelResults) -> dict[str, dict[int, Sampling]]:
    """By acquisition and seed, where the surfaces were stored."""
    found: dict[str, dict[int, Sampling]] = {}
    for trial in panel.trials:
        if (sampling := sampling_of(panel, trial)) is not None:
            found.setdefault(trial.acquisition, {})[trial.seed] = sampling
    return {name: found[name] for name in panel.acquisitions if name in found}


def near_boundary(panel: PanelResults, name: str, seen: dict[int, Sampling]) -> Comparison:
    """The picks against the unlabelled pool under the same models, by seed."""
    picks, pool = ([getattr(each, key) for each in seen.values()] for key in ("near", "near_pool"))
    excess = [a - b for a, b in zip(picks, pool, strict=True)]
    title = look(name).title
    what = f"share where the model that asks says {UNDECIDED[0]}–{UNDECIDED[1]}: picks of {title} against the pool"
    brief = f"{percent(median(picks))} of the picks, {percent(median(pool))} of the pool"
    effect = f"{100 * median(excess):+.0f} points in the median pair"
    return compared(panel.title, f"{title} near the boundary", what, brief, effect, excess)


def less_ambiguous(panel: PanelResults, seen: dict[str, dict[int, Sampling]], seeds: list[int]) -> Comparison:
    """For: entropy asks more often than BALD where the law of the data itself is undecided."""
    mine, theirs = ([seen[name][seed].ambiguous or 0.0 for seed in seeds] for name in ("bald", "entropy"))
    fewer = [b - a for a, b in zip(mine, theirs, strict=True)]
    what = f"share where the true probability is {UNDECIDED[0]}–{UNDECIDED[1]}: picks of BALD against those of entropy"
    brief = f"{percent(median(mine))} of BALD’s picks, {percent(median(theirs))} of entropy’s"
    effect = f"{100 * median(fewer):.0f} points fewer in the median pair"
    return compared(panel.title, "BALD less where merely ambiguous", what, brief, effect, fewer)


def sampling_note(panel: PanelResults, name: str, seen: dict[int, Sampling]) -> str:
    """The shares of one acquisition, in words."""
    near = percent(median(each.near for each in seen.values()))
    truth = [each.ambiguous for each in seen.values() if each.ambiguous is not None]
    ambiguous = f", {percent(median(truth))} where the classes overlap" if truth else ""
    picks = sum(each.picks for each in seen.values())
    return f"{panel.title}, {look(name).title}: {near} of the picks near the boundary{ambiguous} ({picks} picks)."
