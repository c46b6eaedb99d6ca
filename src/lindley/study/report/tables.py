"""Tables of a report, as text and as CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lindley.files import write_atomically
from lindley.measures.catalogue import METRICS, MetricSpec, Place, metrics_at
from lindley.spreadsheet import quote_cell
from lindley.study.comparison.curves import evenly_spaced
from lindley.study.comparison.labels_to_target import (
    CONFIRMATION_ROUNDS,
    accuracy_levels,
    labels_to_target,
    median_crossing,
)
from lindley.study.plot_style import acquisition_title
from lindley.study.results import ExperimentResults, StudyResults, TrialResults


@dataclass(frozen=True)
class Table:
    """A table of text cells; `name` is the stem of its CSV file."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def labels_table(experiment: ExperimentResults) -> Table:
    """Return the median labels to reach each accuracy and keep it for two rounds; all labels count."""
    note = (
        "Median over seeds of the first number of labels at which the accuracy is reached and kept for the next two "
        "rounds. All labels count, the initial ones included. “> n”: not reached with n labels. *: provisional, since "
        "it is reached in the last two rounds."
    )
    return _crossings_table(experiment, f"labels-needed-{experiment.name}", note, CONFIRMATION_ROUNDS)


def first_labels_table(experiment: ExperimentResults) -> Table:
    """Return the median labels at which each accuracy is first reached, kept or not, as most publications count."""
    note = (
        "Median over seeds of the first number of labels at which the accuracy is reached, even if the next round "
        "loses it. Most publications count like this, although it rewards luck. All labels count, the initial ones "
        "included. “> n”: not reached with n labels."
    )
    return _crossings_table(experiment, f"labels-at-first-{experiment.name}", note, 0)


def _crossings_table(experiment: ExperimentResults, name: str, note: str, confirmation_rounds: int) -> Table:
    levels = accuracy_levels(experiment.trials)
    rows = []
    for acquisition in experiment.acquisitions:
        trials = experiment.trials_of(acquisition)
        medians = [
            str(
                median_crossing(
                    [labels_to_target(trial, level, confirmation_rounds=confirmation_rounds) for trial in trials]
                )
            )
            for level in levels
        ]
        rows.append((acquisition_title(acquisition), str(len(trials)), *medians))
    columns = ("acquisition", "seeds", *(f"{100 * level:g} %" for level in levels))
    return Table(name, experiment.title, columns, tuple(rows), note)


_COLUMNS = 6
"""Number of columns of a learning curve's table."""


def accuracy_table(experiment: ExperimentResults) -> Table:
    """Return the learning curves in numbers: median accuracy (smallest to largest) at a few numbers of labels."""
    return _curve_table(experiment, "accuracy", "Test accuracy in percent", digits=1)


def nll_table(experiment: ExperimentResults) -> Table:
    """Return the curves of the NLL in numbers, in bits: medians (smallest to largest) at a few numbers of labels."""
    return _curve_table(experiment, "nll", "NLL on the test set in bits; low is good", digits=3)


def _curve_table(experiment: ExperimentResults, metric: str, what: str, *, digits: int) -> Table:
    grid = sorted({labels for trial in experiment.trials for labels in trial.labels})
    shown = [grid[place] for place in evenly_spaced(len(grid), _COLUMNS)]
    rows = []
    for name in experiment.acquisitions:
        trials = experiment.trials_of(name)
        cells = [_cell_at(trials, metric, labels, digits) for labels in shown]
        rows.append((acquisition_title(name), str(len(trials)), *cells))
    note = f"{what}: median (smallest to largest) over the seeds that reached each number of labels."
    note += " rounds.csv has every round."
    columns = ("acquisition", "seeds", *(f"{labels} labels" for labels in shown))
    return Table(f"{metric}-{experiment.name}", experiment.title, columns, tuple(rows), note)


def _cell_at(trials: Sequence[TrialResults], metric: str, labels: int, digits: int) -> str:
    there = [trial for trial in trials if labels in trial.labels]
    cell = format_spread([METRICS[metric].unit.scale * trial.metric_at(metric, labels) for trial in there], digits)
    return cell if len(there) in (0, len(trials)) else f"{cell}, of {len(there)}"


def final_metrics_table(experiment: ExperimentResults) -> Table:
    """Return every metric at the study's last number of labels: medians (smallest to largest) over finished trials."""
    rows, last, specs = [], experiment.last_labels, available_metrics("table", experiment.trials)
    for name in experiment.acquisitions:
        trials = [trial for trial in experiment.complete_trials if trial.acquisition == name]
        if trials:
            cells = [
                format_spread(
                    [trial.metric_at(spec.name, last) * spec.unit.scale for trial in trials], spec.unit.digits
                )
                for spec in specs
            ]
            rows.append((acquisition_title(name), str(len(trials)), f"{last}", *cells))
    note = (
        "Median (smallest to largest) over the seeds of finished trials, on the test set. “Dropout off” is the "
        "single prediction without dropout; the other metrics use the average over the draws. Joint NLL is the NLL per "
        "label of the labels of ten rows together."
    )
    columns = ("acquisition", "seeds", "labels", *(spec.column_title for spec in specs))
    return Table(f"final-{experiment.name}", experiment.title, columns, tuple(rows), note)


def seconds_table(experiment: ExperimentResults) -> Table:
    """Return the median seconds of each part of a round and of a trial, by machine where there are several."""
    parts = ("fit", "predict", "select", "observe")
    machines = sorted({trial.machine for trial in experiment.trials})
    apart = len(machines) > 1 or machines == ["several"]
    rows = []
    for machine, name in product(machines, experiment.acquisitions):
        trials = [trial for trial in experiment.trials_of(name) if trial.machine == machine]
        if trials:
            cells = [_number(_median([value for each in trials for value in each.seconds(part)]), 3) for part in parts]
            whole = [float(np.nansum([trial.seconds(part) for part in parts])) for trial in trials]
            where = (machine,) if apart else ()
            rows.append((acquisition_title(name), *where, str(len(trials)), *cells, _number(_median(whole), 1)))
    note = "Median seconds of one round over all rounds and seeds, and of a whole trial."
    if apart:
        note += " The number of trials that shared a machine is unknown."
    columns = ("acquisition", *(("on",) if apart else ()), "trials", *parts, "whole trial")
    return Table(f"seconds-{experiment.name}", experiment.title, columns, tuple(rows), note)


EXPERIMENT_TABLES: dict[str, Callable[[ExperimentResults], Table]] = {
    "Accuracy by number of labels": accuracy_table,
    "NLL by number of labels": nll_table,
    "Labels to reach and keep an accuracy": labels_table,
    "Labels to first reach an accuracy": first_labels_table,
    "Metrics at the last number of labels": final_metrics_table,
    "Run time in seconds": seconds_table,
}
"""The tables of an experiment by heading."""
_NUMBER = re.compile(r"[-+−]?(\d+(\.\d*)?|\.\d+|inf|∞)([eE][-+]?\d+)?")
_PREDICTIONS = ("average", "point", "draws")
"""Order of the metrics in rounds.csv, by the prediction that they measure."""


def available_metrics(place: Place, trials: Iterable[TrialResults]) -> list[MetricSpec]:
    """Return the metrics that a report shows in a place and that some round of the trials has."""
    found = {name for trial in trials for each in trial.rounds for name in each.metrics}
    return [spec for spec in metrics_at(place) if spec.name in found]


def write_rounds(results: StudyResults, path: Path) -> None:
    """Write every round of every trial in natural units (accuracy in [0, 1], NLL in nats) as CSV."""
    specs = available_metrics("table", [trial for experiment in results.experiments for trial in experiment.trials])
    names = [spec.name for spec in sorted(specs, key=lambda spec: _PREDICTIONS.index(spec.prediction))]
    columns = ("experiment", "acquisition", "seed", "round", "labels", *names, "fit_s", "predict_s", "select_s")
    rows = [
        (experiment.name, trial.acquisition, trial.seed, number, labels, *map(_exact, values))
        for experiment in results.experiments
        for trial in experiment.trials
        for number, (labels, values) in enumerate(zip(trial.labels, _series(trial, names), strict=True))
    ]
    write_csv(path, columns, rows)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write one CSV file in UTF-8, whole or not at all. No text of it is a formula to a spreadsheet program.

    Args:
        path: Where it is written.
        columns: The header.
        rows: The cells of each row.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([[_cell(each) for each in row] for row in (columns, *rows)])
    write_atomically(path, text.getvalue().encode())


def _cell(value: object) -> object:
    """Quote text that a spreadsheet would run as a formula; numbers, also those written as text, stay as they are."""
    return quote_cell(value) if isinstance(value, str) and not _NUMBER.fullmatch(value) else value


def format_spread(values: Sequence[float], digits: int, *, signed: bool = False) -> str:
    """Return the median (smallest to largest) of the values that are known, or the only one; a dash where none is.

    Args:
        values: Numbers; NaN where a value is not known.
        digits: After the point.
        signed: Whether positive numbers have a plus sign.
    """
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return "–"
    sign = "+" if signed else ""
    middle = f"{_median(known):{sign}.{digits}f}"
    between = " to " if signed else "–"
    low, high = f"{min(known):{sign}.{digits}f}", f"{max(known):{sign}.{digits}f}"
    return (middle if len(known) == 1 else f"{middle} ({low}{between}{high})").replace("inf", "∞")


def _series(trial: TrialResults, names: Sequence[str]) -> NDArray[np.float64]:
    """Return each round's metrics and seconds.  [R, ...]"""
    metrics = [trial.metric(name) for name in names]
    return np.stack([*metrics, *(trial.seconds(part) for part in ("fit", "predict", "select"))], axis=1)


def _exact(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value))


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def _number(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"
