"""What a study left behind: its trials, by panel, with what their journals say."""

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
"""What was measured together with a loss: where null was written for a loss beside it, it was infinite, not missing."""
Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialResults:
    """One acquisition under one seed: its rounds, in order, as the journal tells them (later events win)."""

    acquisition: str
    seed: int
    manifest: dict[str, Any]
    rounds: list[Round]
    initial_rows: tuple[int, ...]
    classes: Mapping[int, int]
    """By row that was labelled, its class; rows of none of the classes are missing."""
    folder: Path
    complete: bool
    resumed: tuple[Resumed, ...] = ()
    """Events that tell that the trial was continued under other versions, device or threads."""

    @property
    def machine(self) -> str:
        """The GPU or processor that it ran on, as far as it is known; "several" where it was continued on another."""
        changes = [change for event in self.resumed for change in event.changes.items()]
        if any(name in ("device", "cpu") and then is not None for name, (then, _) in changes):
            return "several"
        device = self.manifest.get("device") or "cpu"
        return str(self.manifest.get("cpu") or "an unknown processor") if device == "cpu" else str(device)

    @property
    def labels(self) -> list[int]:
        """How many labels the model of each round was fitted on, the initial ones included.  [R]"""
        return [each.labels for each in self.rounds]

    @property
    def first_fit(self) -> tuple[Any, Any]:
        """What tells its first model from others: accuracy and NLL on the test set, bit for bit."""
        measured = self.rounds[0].metrics
        return measured.get("accuracy"), measured.get("nll")

    def metric(self, name: str) -> Floats:
        """One test metric over the rounds, in its natural unit; NaN where it was not measured.  [R]

        One within another is named with a dot: "transfer.forest.accuracy". An NLL is infinite where a journal has null
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
        """One test metric of the model that was fitted on so many labels, of which there is a round."""
        return float(self.metric(name)[self.labels.index(labels)])

    def seconds(self, part: str) -> Floats:
        """Seconds of `fit`, `predict`, `select` or `observe` in each round; NaN where not recorded.  [R]"""
        values = [each.fit.seconds.get(part) for each in self.rounds]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def arrays(self, round: int, observer: str) -> Arrays | None:
        """What an observer stored in a round, or None; JournalError when the file is not the one the journal names."""
        named = self.rounds[round].fit.arrays.get(observer)
        return None if named is None else load_arrays(self.folder, named)

    def check_arrays(self) -> None:
        """JournalError where a file of arrays is missing or is not the one that the journal names."""
        for each in self.rounds:
            for named in each.fit.arrays.values():
                verify_arrays(self.folder, named)


@dataclass(frozen=True)
class ExperimentResults:
    """One panel: its settings and the trials found for it, by acquisition and seed."""

    name: str
    title: str
    config: dict[str, Any]
    trials: list[TrialResults]
    expected: tuple[tuple[str, int], ...] = ()
    """All trials of the study, as (acquisition, seed)."""
    missing: tuple[tuple[str, int], ...] = ()
    """Those of them that have no round yet, and are not set aside."""
    excluded: tuple[str, ...] = ()
    """What lies in the folder and is left out: which trial, and why."""
    failures: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Of the wanted trials that are not complete, what the last failure said."""

    @property
    def acquisitions(self) -> list[str]:
        """The acquisitions that have rounds: in the order of the study, then those run before and no longer in it."""
        found = {trial.acquisition for trial in self.trials}
        listed = [name for name in self.config["acquisitions"] if name in found]
        return listed + sorted(found - set(listed))

    @property
    def last_labels(self) -> int:
        """Where the finished trials are compared: max_labels, or the last number before it at which all have a round,
        as where max_labels was lowered to one between two rounds."""
        shared = [set(trial.labels) for trial in self.trials if trial.complete]
        end: int = self.config["schedule"]["max_labels"]
        return max(set.intersection(*shared), default=end) if shared else end

    @property
    def complete_trials(self) -> list[TrialResults]:
        """The trials that are complete, which have a round at `last_labels`."""
        last = self.last_labels
        return [trial for trial in self.trials if trial.complete and last in trial.labels]

    def trials_of(self, acquisition: str) -> list[TrialResults]:
        """The trials of one acquisition, by seed."""
        return [trial for trial in self.trials if trial.acquisition == acquisition]


@dataclass(frozen=True)
class StudyResults:
    """A whole study, finished or not."""

    name: str
    title: str
    description: str
    experiments: list[ExperimentResults]
    foreign: tuple[str, ...] = ()
    """Panels that lie in the folder and are not of the study."""


def paired_trials(experiment: ExperimentResults, first: str, second: str) -> list[tuple[TrialResults, TrialResults]]:
    """The trials of two acquisitions that share a seed, hence the initial labels."""
    others = {trial.seed: trial for trial in experiment.trials_of(second)}
    return [(trial, others[trial.seed]) for trial in experiment.trials_of(first) if trial.seed in others]


def _inner(metrics: Any, path: Sequence[str]) -> Any:
    for part in path:
        metrics = metrics.get(part) if isinstance(metrics, dict) else None
    return metrics
