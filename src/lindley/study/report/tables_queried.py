"""Tables of corrupted pools: the kinds of queried rows, and the recall of minority classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median

import numpy as np

from lindley.study.plot_style import acquisition_title
from lindley.study.report.tables import Table, format_spread
from lindley.study.results import ExperimentResults, TrialResults

_KINDS = {
    "minority_class": "of minority classes %",
    "duplicates": "duplicates %",
    "mislabelled": "mislabelled %",
    "out_of_distribution": "out of distribution %",
}
"""Kinds of rows that the journals count, with their columns."""


def query_kinds_table(experiment: ExperimentResults) -> Table | None:
    """Return the share of each kind among the rows queried after the initial ones; None where no pool is corrupted."""
    trials = [trial for trial in experiment.complete_trials if "queried" in trial.rounds[0].metrics]
    if not trials:
        return None
    held = [trial.rounds[0].metrics["pool"] for trial in trials]
    kinds = [kind for kind in _KINDS if any(pool[kind] for pool in held)]
    rows = [("the pool", "", f"{median(pool['labels'] for pool in held):.0f} rows", *_shares(held, kinds))]
    for name in experiment.acquisitions:
        queried = [_query_counts(experiment, trial) for trial in trials if trial.acquisition == name]
        if queried:
            rows.append(
                (acquisition_title(name), str(len(queried)), f"{queried[0]['labels']}", *_shares(queried, kinds))
            )
    note = (
        "Shares of the queried rows, without the initial ones that all acquisitions of a seed share: rows of minority "
        "classes, duplicates of a row queried before, mislabelled rows, and out-of-distribution rows, which give no "
        "training label. Median (smallest to largest) over the seeds of finished trials. The first line has the shares "
        "of the pool, where all duplicates of a row but the first count. Random queries are the reference."
    )
    columns = ("acquisition", "seeds", "queried", *(_KINDS[kind] for kind in kinds))
    return Table(f"queried-{experiment.name}", experiment.title, columns, tuple(rows), note)


def minority_recall_table(experiment: ExperimentResults) -> Table | None:
    """Return the recall of each minority class at the last number of labels, and means; None without any."""
    trials = experiment.complete_trials
    minority = list(experiment.config["pool"]["class_imbalance"])
    if not trials or not minority:
        return None
    rows = []
    for name in experiment.acquisitions:
        found = [_recalls(experiment, trial) for trial in trials if trial.acquisition == name]
        if found:
            others = [each for each in found[0] if each not in minority]
            cells = [format_spread([100 * recall[each] for recall in found], 1) for each in minority]
            cells += [
                format_spread([100 * _mean(recall, group) for recall in found], 1)
                for group in (minority, others)
                if group
            ]
            rows.append((acquisition_title(name), str(len(found)), *cells))
    note = (
        "Share of the test rows of a class that the model predicts correctly, at the last number of labels. The test "
        "set is not corrupted. Median (smallest to largest) over the seeds of finished trials."
    )
    means = (
        ("minority, mean %", "others, mean %")
        if len(minority) < len(trials[0].manifest["class_names"])
        else ("mean %",)
    )
    columns = ("acquisition", "seeds", *(f"{name} %" for name in minority), *means)
    return Table(f"minority-recall-{experiment.name}", experiment.title, columns, tuple(rows), note)


def final_round(experiment: ExperimentResults, trial: TrialResults) -> int:
    """Return the round of a finished trial at the study's last number of labels."""
    return trial.labels.index(experiment.last_labels)


def _query_counts(experiment: ExperimentResults, trial: TrialResults) -> dict[str, int]:
    """Return the counts of the rows queried after the initial ones."""
    first, last = (trial.rounds[number].metrics["queried"] for number in (0, final_round(experiment, trial)))
    return {kind: last[kind] - first[kind] for kind in last}


def _shares(counts: Sequence[dict[str, int]], kinds: Sequence[str]) -> list[str]:
    return [
        format_spread([100 * each[kind] / each["labels"] if each["labels"] else np.nan for each in counts], 1)
        for kind in kinds
    ]


def _recalls(experiment: ExperimentResults, trial: TrialResults) -> dict[str, float]:
    """Return the recall by class; NaN for a class without test rows."""
    recalls = trial.rounds[final_round(experiment, trial)].metrics["recall"]
    names = trial.manifest["class_names"]
    return {name: np.nan if recall is None else recall for name, recall in zip(names, recalls, strict=True)}


def _mean(recalls: Mapping[str, float], classes: Sequence[str]) -> float:
    """Return the mean over the classes that have test rows; NaN where none has."""
    known = [recalls[name] for name in classes if not np.isnan(recalls[name])]
    return fmean(known) if known else np.nan
