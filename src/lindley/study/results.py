"""The results of a study: its trials by experiment, as recorded in their journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lindley.measures.catalogue import METRICS
from lindley.session.events import Resumed
from lindley.session.files import load_arrays, verify_arrays
from lindley.session.state import Round

_ACCURACY_BESIDE = {
    name: "accuracy_point" if spec.prediction == "point" else "accuracy"
    for name, spec in METRICS.items()
    if spec.bounds[1] == np.inf
}
"""The accuracy measured together with each loss: where it is present, a null loss means infinity, not missing."""
Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialResults:
    """One acquisition with one seed: its rounds in order, as the journal records them (later events win)."""

    acquisition: str
    seed: int
    manifest: dict[str, Any]
    rounds: list[Round]
    initial_rows: tuple[int, ...]
    classes: Mapping[int, int]
    """The class of each labelled row; rows of none of the classes are missing."""
    folder: Path
    complete: bool
    resumed: tuple[Resumed, ...] = ()
    """Events of a continuation under other versions, device or threads."""

    @property
    def machine(self) -> str:
        """The GPU or processor of the trial, as far as it is known; "several" where it continued on another one."""
        changes = [change for event in self.resumed for change in event.changes.items()]
        if any(name in ("device", "cpu") and then is not None for name, (then, _) in changes):
            return "several"
        device = self.manifest.get("device") or "cpu"
        return str(self.manifest.get("cpu") or "an unknown processor") if device == "cpu" else str(device)

    @property
    def labels(self) -> list[int]:
        """Number of training labels in each round, the initial ones included.  [R]"""
        return [each.labels for each in self.rounds]

    @property
    def first_fit(self) -> tuple[Any, Any]:
        """Fingerprint of the first fit: accuracy and NLL on the test set, bit for bit."""
        measured = self.rounds[0].metrics
        return measured.get("accuracy"), measured.get("nll")

    def metric(self, name: str) -> Floats:
        """Return a test metric over the rounds, in its natural unit; NaN where it was not measured.  [R]

        A nested metric is named with a dot: "transfer.forest.accuracy". An NLL is infinite where a journal has null
        beside an accuracy.
        """
        *outer, last = name.split(".")
        beside = _ACCURACY_BESIDE.get(last, "")
        values = []
        for each in self.rounds:
            measured = _inner(each.metrics, outer)
            there = measured if isinstance(measured, dict) else {}
            value, infinite = there.get(last), last in there and there.get(beside) is not None
            values.append(value if value is not None else np.inf if infinite else np.nan)
        return np.array(values, dtype=np.float64)

    def metric_at(self, name: str, labels: int) -> float:
        """Return a test metric of the round with this number of labels."""
        return float(self.metric(name)[self.labels.index(labels)])

    def seconds(self, part: str) -> Floats:
        """Return the seconds of `fit`, `predict`, `select` or `observe` in each round; NaN where unknown.  [R]"""
        values = [each.fit.seconds.get(part) for each in self.rounds]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def arrays(self, round: int, observer: str) -> Arrays | None:
        """Return the arrays of an observer in a round, or None; raises JournalError where the file was altered."""
        named = self.rounds[round].fit.arrays.get(observer)
        return None if named is None else load_arrays(self.folder, named)

    def check_arrays(self) -> None:
        """Raise JournalError where a file of arrays is missing or was altered."""
        for each in self.rounds:
            for named in each.fit.arrays.values():
                verify_arrays(self.folder, named)


@dataclass(frozen=True)
class ExperimentResults:
    """One experiment: its settings and its trials, by acquisition and seed."""

    name: str
    title: str
    config: dict[str, Any]
    trials: list[TrialResults]
    expected: tuple[tuple[str, int], ...] = ()
    """All trials of the study, as (acquisition, seed)."""
    missing: tuple[tuple[str, int], ...] = ()
    """Trials of the study without a round that are not excluded."""
    excluded: tuple[str, ...] = ()
    """Sentences on the trials in the folder that are excluded, with the reason."""
    failures: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The last error of each incomplete trial of the study."""

    @property
    def acquisitions(self) -> list[str]:
        """The acquisitions with rounds: in the order of the study, then those that it no longer has."""
        found = {trial.acquisition for trial in self.trials}
        listed = [name for name in self.config["acquisitions"] if name in found]
        return listed + sorted(found - set(listed))

    @property
    def last_labels(self) -> int:
        """The number of labels at which complete trials are compared.

        It is max_labels, or the last number below it at which all of them have a round: max_labels may have been
        lowered to a number between two rounds.
        """
        shared = [set(trial.labels) for trial in self.trials if trial.complete]
        end: int = self.config["schedule"]["max_labels"]
        return max(set.intersection(*shared), default=end) if shared else end

    @property
    def complete_trials(self) -> list[TrialResults]:
        """The complete trials that have a round at `last_labels`."""
        last = self.last_labels
        return [trial for trial in self.trials if trial.complete and last in trial.labels]

    def trials_of(self, acquisition: str) -> list[TrialResults]:
        """Return the trials of one acquisition, by seed."""
        return [trial for trial in self.trials if trial.acquisition == acquisition]


@dataclass(frozen=True)
class StudyResults:
    """A whole study, finished or not."""

    name: str
    title: str
    description: str
    experiments: list[ExperimentResults]
    unknown_experiments: tuple[str, ...] = ()
    """Names of experiments in the folder that the study does not have."""


def paired_trials(experiment: ExperimentResults, first: str, second: str) -> list[tuple[TrialResults, TrialResults]]:
    """Return the pairs of trials of two acquisitions that share a seed, hence the initial labels.

    Args:
        experiment: The trials.
        first: The acquisition of the first of each pair.
        second: The acquisition of the second.
    """
    others = {trial.seed: trial for trial in experiment.trials_of(second)}
    return [(trial, others[trial.seed]) for trial in experiment.trials_of(first) if trial.seed in others]


def _inner(metrics: Any, path: Sequence[str]) -> Any:
    for part in path:
        metrics = metrics.get(part) if isinstance(metrics, dict) else None
    return metrics
