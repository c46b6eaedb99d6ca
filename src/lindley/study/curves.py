"""What a study left behind, read from its folder alone; learning curves with their bands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lindley.errors import JournalError
from lindley.loop.failures import read_failure
from lindley.loop.files import load_arrays, verify_arrays
from lindley.loop.journal import read_events
from lindley.loop.manifest import manifest_beside
from lindley.loop.state import fold
from lindley.study.folder import read_study
from lindley.study.schema import Panel, Study
from lindley.study.trials import Trial, trials_of_panel

_ACCURACY_BESIDE = {"nll": "accuracy", "nll_point": "accuracy_point"}
"""What was measured together with a loss: a null loss beside it was infinite, not missing."""
_OF_A_TRIAL = {"acquisition": str, "options": dict, "seed": int, "num_rows": int, "class_names": list}
"""What every version has written into manifests for reports."""
Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialResults:
    """One acquisition under one seed: its rounds, in order, as the journal tells them (later events win)."""

    acquisition: str
    seed: int
    manifest: dict[str, Any]
    rounds: list[dict[str, Any]]
    start: dict[str, Any]
    folder: Path
    complete: bool
    resumed: tuple[dict[str, Any], ...] = ()
    """Events that tell that the trial was continued under other versions, device or threads."""

    @property
    def labels(self) -> list[int]:
        """How many labels the model of each round was fitted on, the initial ones included.  [R]"""
        return [int(event["labels"]) for event in self.rounds]

    @property
    def first_fit(self) -> tuple[Any, Any]:
        """What tells its first model from others: accuracy and NLL on the test set, bit for bit."""
        measured = self.rounds[0]["metrics"]
        return measured.get("accuracy"), measured.get("nll")

    def metric(self, name: str) -> Floats:
        """One test metric over the rounds, in its natural unit; NaN where it was not measured.  [R]

        One within another is named with a dot: "transfer.forest.accuracy". An NLL is infinite where a journal has null
        beside an accuracy.
        """
        *outer, last = name.split(".")
        beside = _ACCURACY_BESIDE.get(last)
        values = []
        for event in self.rounds:
            value = _inner(event["metrics"], [*outer, last])
            infinite = beside is not None and _inner(event["metrics"], [*outer, beside]) is not None
            values.append(value if value is not None else np.inf if infinite else np.nan)
        return np.array(values, dtype=np.float64)

    def at(self, name: str, labels: int) -> float:
        """One test metric of the model that was fitted on so many labels, of which there is a round."""
        return float(self.metric(name)[self.labels.index(labels)])

    def seconds(self, part: str) -> Floats:
        """Seconds of `fit`, `predict`, `select` or `observe` in each round; NaN where not recorded.  [R]"""
        values = [event.get("seconds", {}).get(part) for event in self.rounds]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def arrays(self, round: int, observer: str) -> Arrays | None:
        """What an observer stored in a round, or None; JournalError when the file is not the one the journal names."""
        named = self.rounds[round].get("arrays", {}).get(observer)
        return None if named is None else load_arrays(self.folder, named)

    def check_arrays(self) -> None:
        """JournalError where a file of arrays is missing or is not the one that the journal names."""
        for event in self.rounds:
            for named in event.get("arrays", {}).values():
                verify_arrays(self.folder, named)


@dataclass(frozen=True)
class PanelResults:
    """One panel: its settings and the trials found for it, by acquisition and seed."""

    name: str
    title: str
    config: dict[str, Any]
    trials: list[TrialResults]
    wanted: tuple[tuple[str, int], ...] = ()
    """All trials of the study, as (acquisition, seed)."""
    missing: tuple[tuple[str, int], ...] = ()
    """Those of them that have no round yet, and are not set aside."""
    set_aside: tuple[str, ...] = ()
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
    def finished(self) -> list[TrialResults]:
        """The trials that are complete, which have a round at `last_labels`."""
        last = self.last_labels
        return [trial for trial in self.trials if trial.complete and last in trial.labels]

    def of(self, acquisition: str) -> list[TrialResults]:
        """The trials of one acquisition, by seed."""
        return [trial for trial in self.trials if trial.acquisition == acquisition]


@dataclass(frozen=True)
class StudyResults:
    """A whole study, finished or not."""

    name: str
    title: str
    description: str
    panels: list[PanelResults]
    foreign: tuple[str, ...] = ()
    """Panels that lie in the folder and are not of the study."""


@dataclass(frozen=True)
class Curve:
    """A metric against labels over seeds: median, band, and how many seeds got that far.  all [P]"""

    labels: NDArray[np.int64]
    median: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]
    band: str
    """What low and high are."""


def load_results(out: Path, study: Study | None = None, *, with_arrays: bool = False) -> StudyResults:
    """All that the journals of an output folder say; a study that is under way is welcome.

    study: what they are read as trials of, where it is not the folder's own. with_arrays: whether arrays will be read.

    A trial whose journal or manifest is damaged is set aside with what is wrong, and with_arrays so is one whose arrays
    are. Raises InputError where there is no study.
    """
    study = study or read_study(Path(out))
    titles = [panel.title for panel in study.panels]
    panels = [
        _load_panel(
            Path(out),
            panel,
            panel.title if titles.count(panel.title) == 1 else f"{panel.title} ({panel.name})",
            with_arrays=with_arrays,
        )
        for panel in study.panels
    ]
    there = {folder.parents[1].name for folder in (Path(out) / "trials").glob("*/*/seed-*")}
    foreign = tuple(sorted(there - {panel.name for panel in study.panels}))
    return StudyResults(study.name, study.title, study.description, panels, foreign)


def learning_curve(trials: Iterable[TrialResults], metric: str) -> Curve:
    """Median and band over seeds at each number of labels, of the seeds that reached it.

    The band is the smallest and the largest value for up to five seeds, else the quartiles.
    """
    reached: dict[int, list[float]] = {}
    for trial in trials:
        for labels, value in zip(trial.labels, trial.metric(metric), strict=True):
            if not np.isnan(value):
                reached.setdefault(labels, []).append(float(value))
    counts = np.array([len(reached[labels]) for labels in sorted(reached)], dtype=np.int64)
    few = counts.max(initial=0) <= 5
    low, median, high = (
        np.array([_quantile(reached[labels], share) for labels in sorted(reached)])
        for share in ((0.0, 0.5, 1.0) if few else (0.25, 0.5, 0.75))
    )
    band = "smallest to largest of the seeds" if few else "middle half of the seeds (interquartile range)"
    return Curve(np.array(sorted(reached), dtype=np.int64), median, low, high, counts, band)


def _quantile(values: Sequence[float], share: float) -> float:
    """As NumPy's, which makes NaN of what is infinite; here what lies between a number and infinity is infinite."""
    above = float(np.quantile(values, share, method="higher"))
    return above if np.isinf(above) else float(np.quantile(np.minimum(values, above), share))


def spread_out(count: int, at_most: int) -> list[int]:
    """Up to so many of 0..count-1, evenly spaced, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, at_most))})


def paired(panel: PanelResults, first: str, second: str) -> list[tuple[TrialResults, TrialResults]]:
    """The trials of two acquisitions that share a seed, hence the initial labels."""
    others = {trial.seed: trial for trial in panel.of(second)}
    return [(trial, others[trial.seed]) for trial in panel.of(first) if trial.seed in others]


def _inner(metrics: Any, path: Sequence[str]) -> Any:
    for part in path:
        metrics = metrics.get(part) if isinstance(metrics, dict) else None
    return metrics


def _load_panel(out: Path, panel: Panel, title: str, *, with_arrays: bool) -> PanelResults:
    trials: list[TrialResults] = []
    set_aside: dict[Path, str] = {}
    for folder in sorted((out / "trials" / panel.name).glob("*/seed-*")):
        try:
            if trial := _read_trial(folder, panel):
                if with_arrays:
                    trial.check_arrays()
                trials.append(trial)
        except (JournalError, OSError) as error:
            set_aside[folder] = str(error)
    trials.sort(key=lambda trial: (trial.acquisition, trial.seed))
    trials, foreign = _of_common_beginnings(trials)
    set_aside |= {trial.folder: why for trial, why in foreign}
    wanted = {out / trial.folder: (trial.acquisition, trial.seed) for trial in trials_of_panel(panel)}
    there = {trial.folder: trial.complete for trial in trials}
    return PanelResults(
        panel.name,
        title,
        panel.model_dump(mode="json"),
        trials,
        tuple(wanted.values()),
        tuple(named for folder, named in wanted.items() if folder not in there and folder not in set_aside),
        tuple(f"{folder.relative_to(out).as_posix()}: left out, {why}" for folder, why in set_aside.items()),
        {
            named: failure.message
            for folder, named in wanted.items()
            if not there.get(folder) and (failure := read_failure(folder))
        },
    )


def _read_trial(folder: Path, panel: Panel) -> TrialResults | None:
    """The trial in a folder; None where no round was run yet.

    Raises JournalError where it is damaged, or not one of the panel under the settings that it has now.
    """
    events = read_events(folder)
    state, end = fold(events), panel.schedule.max_labels
    rounds = _until(end, state.rounds)
    manifest = manifest_beside(folder, rounds, _OF_A_TRIAL)
    if manifest is None or state.start is None or not rounds:
        return None
    if not _is_of(panel, manifest) or not folder.name.endswith(manifest["key"][:8]):  # e.g. a copy of a folder
        raise JournalError("it was run with other settings.")
    resumed = tuple(event for event in events if event["event"] == "resumed")
    name, seed = manifest["acquisition"], manifest["seed"]
    return TrialResults(name, seed, manifest, rounds, state.start, folder, state.reaches(end), resumed)


def _until(end: int, rounds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rounds up to `end` labels; one that was run further asks for nothing more in the last of them."""
    kept = [event for event in rounds if event["labels"] <= end]
    if 0 < len(kept) < len(rounds):
        kept[-1] = {**kept[-1], "selection": None}
    return kept


def _of_common_beginnings(
    trials: Sequence[TrialResults],
) -> tuple[list[TrialResults], list[tuple[TrialResults, str]]]:
    """The trials that can be paired, and those that cannot: of other data, or with other initial labels, than most of
    their seed, as in folders copied from several machines; or with other options than most of an acquisition that the
    study no longer has, whose seeds would count twice."""
    options: dict[str, Counter[str]] = {}
    for trial in trials:
        options.setdefault(trial.acquisition, Counter())[_options_of(trial)] += 1
    kept, foreign = [], []
    for trial in trials:
        seed = [each for each in trials if each.seed == trial.seed]
        data = Counter(known for each in seed if (known := _data_of(each)))
        begun = Counter(tuple(each.start["rows"]) for each in seed)
        if _data_of(trial) not in (None, *(known for known, _ in data.most_common(1))):
            foreign.append((trial, "it was run on other data than most trials of its seed."))
        elif tuple(trial.start["rows"]) != begun.most_common(1)[0][0]:
            foreign.append((trial, "it began with other labels than most trials of its seed."))
        elif _options_of(trial) != options[trial.acquisition].most_common(1)[0][0]:
            foreign.append((trial, f"it has other options than most trials of {trial.acquisition}."))
        else:
            kept.append(trial)
    return kept, foreign


def _data_of(trial: TrialResults) -> str | None:
    """The hashes of its data; None where an early version did not record them."""
    hashes = trial.manifest.get("data_hashes")
    return json.dumps(hashes, sort_keys=True) if hashes else None


def _options_of(trial: TrialResults) -> str:
    return json.dumps(trial.manifest["options"], sort_keys=True)


def _is_of(panel: Panel, manifest: dict[str, Any]) -> bool:
    """Whether a trial has the settings of the panel: a folder may hold older trials with others."""
    name = manifest["acquisition"]
    options = panel.acquisitions.get(name, manifest["options"])
    key: str = manifest["key"]
    return Trial(panel, name, dict(options), manifest["seed"]).key == key
