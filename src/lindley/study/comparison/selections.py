"""Queried rows: overlap of two acquisitions, evenness of the classes and repeated inputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from lindley.study.results import ExperimentResults, TrialResults, paired_trials


@dataclass(frozen=True)
class QuerySummary:
    """Medians over the seeds of an acquisition; the initial labels are not counted."""

    experiment: str
    acquisition: str
    labels: int
    overlap: float | None
    """Share of its rows that the reference queried too (or a duplicate) under the same seed, among as many rows as both
    have queried; None for the reference itself, and where the journals do not say which rows are duplicates."""
    evenness: float
    """Entropy of the classes of the labels over its maximum: 1 is even, 0 is one class only."""
    rarest: float
    """Share of the rarest class over an even share."""
    repeated: float | None
    """Share of rows whose input was labelled before, or earlier in the batch; None where the pool has no duplicates."""


def summarise_queries(experiment: ExperimentResults, reference: str) -> list[QuerySummary]:
    """Return a summary for each acquisition that queried any rows."""
    lines = []
    for name in experiment.acquisitions:
        trials = [trial for trial in experiment.trials_of(name) if _query_rows(trial)]
        if not trials:
            continue
        classes = [_class_counts(trial) for trial in trials]
        repeats = [share for trial in trials if (share := _share_of_repeats(experiment, trial)) is not None]
        overlaps = [
            share
            for mine, theirs in paired_trials(experiment, name, reference)
            if name != reference and _query_rows(mine) and _query_rows(theirs)
            if (share := _query_overlap(experiment, mine, theirs)) is not None
        ]
        lines.append(
            QuerySummary(
                experiment.title,
                name,
                round(median(len(_query_rows(trial)) for trial in trials)),
                median(overlaps) if overlaps else None,
                median(_evenness(counts) for counts in classes),
                median(min(counts) * len(counts) / max(sum(counts), 1) for counts in classes),
                median(repeats) if repeats else None,
            )
        )
    return lines


def _overlap(mine: Sequence[int], theirs: Sequence[int]) -> float:
    both = min(len(mine), len(theirs))
    reference_rows = set(theirs[:both])
    return sum(each in reference_rows for each in mine[:both]) / both


def _query_rows(trial: TrialResults) -> list[int]:
    return [row for each in trial.rounds for row in each.rows]


def _class_counts(trial: TrialResults) -> list[int]:
    """Return the number of labels of each class, in the order of the classes; rows of no class do not count."""
    counts = Counter(trial.classes[row] for row in _query_rows(trial) if row in trial.classes)
    return [counts[index] for index in range(len(trial.manifest["class_names"]))]


def _evenness(counts: Sequence[int]) -> float:
    shares = [count / max(sum(counts), 1) for count in counts if count]
    return sum(-share * math.log(share) for share in shares) / math.log(len(counts))


def _share_of_repeats(experiment: ExperimentResults, trial: TrialResults) -> float | None:
    """Return the share of duplicates that the journal counted, or else that the rows imply."""
    if _copies_per_input(experiment) == 1:
        return None
    counts = [each.metrics["queried"] for each in trial.rounds if "queried" in each.metrics]
    if len(counts) > 1:
        first, last = counts[0], counts[-1]
        return float((last["duplicates"] - first["duplicates"]) / (last["labels"] - first["labels"]))
    sources = _num_sources(experiment, trial)
    if counts or sources is None:
        return None
    seen = {row % sources for row in trial.initial_rows}
    again = 0
    for source in _source_inputs(trial, sources):
        again += source in seen
        seen.add(source)
    return again / len(_query_rows(trial))


def _query_overlap(experiment: ExperimentResults, mine: TrialResults, theirs: TrialResults) -> float | None:
    sources = _num_sources(experiment, mine)
    return None if sources is None else _overlap(_source_inputs(mine, sources), _source_inputs(theirs, sources))


def _source_inputs(trial: TrialResults, sources: int) -> list[int]:
    """Return the input of each queried row; duplicates have the same input."""
    return [row % sources for row in _query_rows(trial)]


def _num_sources(experiment: ExperimentResults, trial: TrialResults) -> int | None:
    """Return S where row i has input i % S: the pool holds S inputs, each equally often.

    None where rows of a repeated data set were removed or added: the journal does not say which remain.
    """
    pool = experiment.config.get("pool", {})
    changed = any(pool.get(key) for key in ("subset", "class_imbalance", "out_of_distribution"))
    if changed and _copies_per_input(experiment) > pool.get("duplicates", 1):
        return None
    return int(trial.manifest["num_rows"] // _copies_per_input(experiment))


def _copies_per_input(experiment: ExperimentResults) -> int:
    """Return how often an input occurs in the pool, by the data set and by [pool]."""
    data = experiment.config["data"]
    repeats = data["options"].get("repeats", 3) if data["name"] == "repeated-mnist" else 1
    return int(repeats * experiment.config.get("pool", {}).get("duplicates", 1))
