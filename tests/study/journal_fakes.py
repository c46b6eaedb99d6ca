"""Synthetic output folders in the format of a real run: study.json, manifests, journals with their checks, arrays.

Only the numbers are invented. What each trial shows is given by plain functions, so that a test says in one line
which study it wants: `write_study(out, study, accuracy=lambda ask: ...)`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from lindley.datasets.moons import moons_class_probability, two_moons
from lindley.files import write_json
from lindley.session.events import Answer, Answered, ArraysFile, Event, Fitted, Queried, Started
from lindley.session.journal_file import JournalStore
from lindley.session.manifest import write_manifest
from lindley.study.config.schema import Experiment, Study
from lindley.study.results import TrialResults
from lindley.study.trials import Trial, trials_of


@dataclass(frozen=True)
class Asked:
    """Which number is wanted: of which trial, in which round, after how many labels."""

    experiment: Experiment
    acquisition: str
    seed: int
    round: int
    labels: int

    @property
    def noise(self) -> np.random.Generator:
        """A generator of its own for each round of each trial; the first fit is one for all trials of a seed."""
        whose = self.acquisition if self.round else "all"
        text = f"{self.experiment.name}/{whose}/{self.seed}/{self.round}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


Number = Callable[[Asked], float]
Observer = Callable[[Asked], Mapping[str, np.ndarray]]


def experiment_table(name: str, acquisitions: Any, **changes: Any) -> dict[str, Any]:
    """An experiment as a study file would have it; `changes` override single keys of it and of its schedule."""
    schedule = {"initial_labels": 20, "initial": "balanced", "batch_size": 20, "max_labels": 200}
    schedule |= {key: changes.pop(key) for key in list(changes) if key in schedule}
    names = acquisitions if isinstance(acquisitions, dict) else {method: {} for method in acquisitions}
    table = {
        "name": name,
        "title": name.capitalize(),
        "seeds": 5,
        "data": {"name": "digits"},
        "model": {"network": "digits-mlp", "num_draws": 100},
        "schedule": schedule,
        "acquisitions": names,
    }
    return table | changes


def make_study(*experiments: dict[str, Any], name: str = "made-up", title: str = "A made-up study") -> Study:
    """A valid study of these experiments."""
    description = "Numbers invented for tests."
    table = {"name": name, "title": title, "description": description, "experiments": list(experiments)}
    return Study.model_validate_json(json.dumps(table))


def write_study(
    out: Path,
    study: Study,
    *,
    accuracy: Number,
    select_seconds: Number = lambda ask: 1.0,
    grid: Observer | None = None,
    information: Observer | None = None,
    more: Callable[[Asked], Mapping[str, Any]] = lambda ask: {},
    rounds_done: Callable[[Trial], int | None] = lambda trial: None,
) -> Path:
    """The whole folder.

    more: further metrics of a round. rounds_done: how many rounds a trial has so far; None for all, 0 for not started.
    """
    write_json(out / "study.json", study.model_dump(mode="json"))
    with patch("os.fsync"):  # invented journals need not survive a power cut
        for trial in trials_of(study):
            done = rounds_done(trial)
            if done != 0:
                _write_trial(out, trial, done, accuracy, select_seconds, grid, information, more)
    return out


def _write_trial(
    out: Path,
    trial: Trial,
    done: int | None,
    accuracy: Number,
    select_seconds: Number,
    grid: Observer | None,
    information: Observer | None,
    more: Callable[[Asked], Mapping[str, Any]],
) -> None:
    folder = out / trial.folder
    write_manifest(folder, _manifest(trial))
    schedule = trial.experiment.schedule
    wanted = trial.experiment.observe.information
    with JournalStore(folder) as store:
        store.append(
            [Started(key=trial.key), *_answered("initial", 0, range(schedule.initial_labels), trial.experiment)]
        )
        for round in range(schedule.num_rounds if done is None else done):
            ask = Asked(trial.experiment, trial.acquisition, trial.seed, round, schedule.num_labels_at(round))
            seen = {"grid": grid(ask)} if grid is not None and trial.experiment.observe.grid else {}
            if information is not None and wanted is not None and wanted.acquisition == trial.acquisition:
                seen |= {"information": information(ask)} if ask.labels in wanted.labels else {}
            arrays = {name: store.save_arrays(f"round-{round:03d}-{name}", each) for name, each in seen.items()}
            store.append(_round(ask, float(accuracy(ask)), arrays, float(select_seconds(ask)), more(ask)))


def _manifest(trial: Trial) -> dict[str, Any]:
    planar = trial.experiment.observe.grid
    return {
        "format": 1,
        "key": trial.key,
        "experiment": trial.experiment.name,
        "acquisition": trial.acquisition,
        "options": trial.options,
        "seed": trial.seed,
        "semantic": trial.key_settings(),
        "versions": {"lindley": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "python": "3.12.1"},
        "data_hashes": {"pool_inputs": "ab" * 32, "pool_classes": "cd" * 32},
        "device": "cpu",
        "cpu": "made up",
        "precision": "float32",
        "threads": 1,
        "class_names": ["upper moon", "lower moon"] if planar else [str(index) for index in range(10)],
        "num_rows": 1198,
        "num_test": 599,
        "platform": "Linux-x86_64",
    }


def _num_classes(experiment: Experiment) -> int:
    return 2 if experiment.observe.grid else 10


def _answered(purpose: Any, round: int, rows: Iterable[int], experiment: Experiment) -> list[Event]:
    """A query and the answers to it."""
    rows = list(rows)
    scores = [0.5] * len(rows) if purpose == "train" else []
    answers = [Answer(row, row % _num_classes(experiment), uuid="") for row in rows]
    return [Queried(round=round, purpose=purpose, rows=rows, scores=scores), Answered.from_answers(answers)]


def _round(
    ask: Asked, accuracy: float, arrays: dict[str, ArraysFile], select_seconds: float, more: Mapping[str, Any]
) -> list[Event]:
    schedule = ask.experiment.schedule
    batch = min(schedule.batch_size, schedule.max_labels - ask.labels)
    start = schedule.initial_labels
    order = start + replace(ask, round=-1).noise.permutation(1198 - start)  # one order for each trial
    rows = order[ask.labels - start :][:batch].tolist()
    error = 1 - accuracy
    metrics = {
        "accuracy": accuracy,
        "nll": 3 * error + 0.02,
        "joint_nll": 3.4 * error + 0.02,
        "brier": 1.4 * error,
        "ece": 0.2 * error + 0.01,
        "recall": [accuracy] * (_num_classes(ask.experiment) - 1) + [None],
        "accuracy_point": max(accuracy - 0.004, 0.0),
        "nll_point": 3.5 * error + 0.02,
    }
    seconds = {"fit": 2.0 + 0.01 * ask.labels, "predict": 0.5, "select": select_seconds, "observe": 0.1}
    fit = Fitted(round=ask.round, labels=ask.labels, metrics={**metrics, **more}, arrays=arrays, seconds=seconds)
    return [fit, *(_answered("train", ask.round, rows, ask.experiment) if batch else [])]


def changed(trial: TrialResults, number: int, **values: Any) -> None:
    """Change what the fit of a round says, as if the journal had said so."""
    round = trial.rounds[number]
    trial.rounds[number] = replace(round, fit=round.fit.model_copy(update=values))


def rising(ask: Asked, *, start: float = 0.6, end: float = 0.96, scale: float = 60.0) -> float:
    """An accuracy that rises with the labels from start towards end; noise of half a point."""
    gained = 1 - np.exp(-(ask.labels - ask.experiment.schedule.initial_labels) / scale)
    return float(np.clip(start + (end - start) * gained + 0.005 * ask.noise.standard_normal(), 0, 1))


def moons_table(acquisitions: Any, **changes: Any) -> dict[str, Any]:
    """A two-moons experiment that stores its surface, and the information of its batches at 10 and 20 labels."""
    observe = {"grid": True, "information": {"acquisition": "bald", "labels": [10, 20], "picks": 12}}
    settings = {"initial_labels": 10, "batch_size": 5, "max_labels": 30, "observe": observe}
    moons = {"data": {"name": "two-moons"}, "model": {"network": "moons-mlp", "num_draws": 100}}
    return experiment_table("two-moons", acquisitions, **(settings | moons | changes))


NEAR, OVERLAP, FAR = "near", "overlap", "far"


@dataclass(frozen=True)
class FakePlane:
    """The grid observer of an invented model whose belief is that of noisier moons; places(ask) says what it asks for.

    NEAR: the model is undecided there, the law of the data is not. OVERLAP: both are. FAR: neither is.
    """

    places: Callable[[Asked], list[str]]

    def __call__(self, ask: Asked) -> dict[str, np.ndarray]:
        xs, ys, belief, pool, classes = _plane()
        initial, batch = ask.experiment.schedule.initial_labels, ask.experiment.schedule.batch_size
        earlier = [replace(ask, round=number) for number in range(ask.round)]
        asked = [self._picks(each) for each in earlier]
        last = ask.labels >= ask.experiment.schedule.max_labels
        entropy = -(belief * np.log(belief) + (1 - belief) * np.log1p(-belief))
        arrays = {
            "xs": xs,
            "ys": ys,
            "mean_prob": belief,
            "predictive_entropy": entropy,
            "conditional_entropy": 0.6 * entropy,
            "labelled_inputs": np.concatenate([pool[:initial], *asked]),
            "labelled_classes": np.concatenate([classes[:initial], np.arange(batch * ask.round) % 2]),
            "labelled_round": np.concatenate([np.full(initial, -1), np.repeat(np.arange(ask.round), batch)]),
            "selected_inputs": np.empty((0, 2)) if last else self._picks(ask),
        }
        return arrays | ({"pool_inputs": pool, "pool_classes": classes} if ask.round == 0 else {})

    def _picks(self, ask: Asked) -> np.ndarray:
        found = _places()
        return np.array([ask.noise.choice(found[place], axis=0) for place in self.places(ask)])


def fake_information(ask: Asked) -> dict[str, np.ndarray]:
    """The information observer: sums grow for ever, joint information stays below log K; nats."""
    wanted = ask.experiment.observe.information
    assert wanted is not None
    picks = np.arange(1, wanted.picks + 1)
    num_draws = ask.experiment.model.num_draws
    arrays = {"picks": picks, "num_draws": np.array(num_draws), "log_num_draws": np.array(np.log(num_draws))}
    for name, first, scale in (("bald", 0.45, 9.0), ("batchbald", 0.4, 6.0), ("random", 0.1, 30.0)):
        arrays[f"sum_bald_{name}"] = first * picks
        arrays[f"joint_{name}"] = np.minimum(np.log(num_draws) * (1 - np.exp(-picks / scale)), first * picks)
        arrays[f"joint_se_{name}"] = np.where(picks > 6, 0.02, 0.0)
        arrays[f"inputs_{name}"] = ask.noise.choice(_plane()[3], wanted.picks, replace=False)
    return arrays


TRANSFER = {"transfer": {"models": ["forest", "head"], "labels": [40, 80, 120, 160, 200]}}


def fake_transfer(ask: Asked) -> dict[str, Any]:
    """The metrics of the transfer observer: models that end lower than the one that asks."""
    wanted = ask.experiment.observe.transfer
    if wanted is None or ask.labels not in wanted.labels:
        return {}
    ends = {name: 0.85 - 0.1 * place for place, name in enumerate(wanted.models)}
    return {"transfer": {name: {"accuracy": rising(ask, start=0.4, end=end), "nll": 1.0} for name, end in ends.items()}}


RARE = {"class_imbalance": {"8": 0.1}}


def fake_asked(ask: Asked) -> dict[str, Any]:
    """The metrics of the observer of a corrupted pool: every fifth label is of a rare class."""
    if not ask.experiment.pool.class_imbalance:
        return {}
    kinds = ("labels", "minority_class", "duplicates", "mislabelled", "out_of_distribution")
    asked, pool = (dict(zip(kinds, (count, count // 5, 0, 0, 0), strict=True)) for count in (ask.labels, 1198))
    return {"queried": asked, "pool": pool}


@cache
def _plane() -> tuple[np.ndarray, ...]:
    data = two_moons(seed=0, num_pool=200, num_test=10)
    xs, ys = np.linspace(-2, 3, 41), np.linspace(-1.5, 2, 31)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    belief = moons_class_probability(torch.from_numpy(points), 0.35).numpy().reshape(31, 41).clip(1e-6, 1 - 1e-6)
    return xs, ys, belief, data.pool.read(torch.arange(200)).double().numpy(), data.classes.numpy()


@cache
def _places() -> dict[str, np.ndarray]:
    """Grid points by the kind of place they are."""
    xs, ys, belief, *_ = _plane()
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    truth = moons_class_probability(torch.from_numpy(points), 0.2).numpy()
    undecided = (belief.reshape(-1) > 0.25) & (belief.reshape(-1) < 0.75)
    ambiguous = (truth > 0.2) & (truth < 0.8)
    return {
        NEAR: points[undecided & ~ambiguous],
        OVERLAP: points[undecided & ambiguous],
        FAR: points[~undecided & ~ambiguous & ((belief < 0.1) | (belief > 0.9)).reshape(-1)],
    }
