"""The trainer: events -> features -> one round -> model, probabilities and queue, in files.

As a process, `python -m lindley.labelling.trainer DIR`, it reads the number of an epoch from a line of stdin and
answers in lines of JSON. It never writes into the database; only one works on a project at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch

from lindley.contracts import Classification, Posterior
from lindley.errors import DataError, LindleyError
from lindley.files import write_json
from lindley.labelling.class_sentences import descriptions_of, judge_sentences, sentences_as_prior
from lindley.labelling.epochs import Epoch, keep_predictions, write_epoch
from lindley.labelling.item_features import ItemFeatures, feature_method, item_features
from lindley.labelling.left_out import are_random_labels_due, find_suspect_labels, fit_random_labels
from lindley.labelling.project import Project
from lindley.labelling.snapshot import Snapshot, take_snapshot
from lindley.labelling.training_round import (
    ProjectLearners,
    RoundInput,
    RoundOutput,
    project_learners,
    run_project_round,
)
from lindley.posteriors import save_posterior
from lindley.posteriors.head.head import HeadPosterior
from lindley.posteriors.temperature_scaling import TemperatureScaledPosterior
from lindley.session.locks import FileLock

MODELS, ROUNDS = "models", "rounds"
KEPT_MODELS = 2
"""The number of newest models that are kept."""
_LOCK_SECONDS = 60.0  # that a trainer of a server that was killed may still need
Report = Callable[[dict[str, object]], None]


class ItemReader:
    """Reads a project for its rounds: features again only where items were added, and the events that are new.

    While a page is read nobody can write on an SQLite without WAL, and a trainer, which gives way to others, may stop
    in the middle of a page: it reads no more than it must.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._features: ItemFeatures | None = None
        self._snapshot: Snapshot | None = None

    def read(self, on_progress: Report) -> tuple[ItemFeatures, Snapshot]:
        """Return the features of all items and what is known of as many: more may be added meanwhile."""
        while True:
            self._snapshot = snapshot = take_snapshot(self._project, self._snapshot)
            if self._features is not None and len(self._features.vectors) == len(snapshot.streams):
                return self._features, snapshot
            self._features = item_features(
                self._project, on_progress=lambda done, total: on_progress(_progress("features", done, total))
            )


def train_epoch(
    project: Project, number: int, *, items: ItemReader | None = None, on_progress: Report = lambda message: None
) -> Epoch:
    """Train on all labels that count now, and write the epoch into its files.

    Args:
        project: The project.
        number: The number of the epoch.
        items: What read the items of the rounds before; None: they are read anew.
        on_progress: Called with {"stage": ..., "done": ..., "total": ...}.

    Raises:
        InputError: If there is no class or nothing to choose from, or an item cannot be read.
        HeldError: If another process trains.
    """
    with FileLock(project.folder / "trainer", timeout=_LOCK_SECONDS):
        found, snapshot = (items or ItemReader(project)).read(on_progress)
        on_progress(_progress("model", 0, 1))
        features = torch.from_numpy(np.array(found.vectors))
        method = feature_method(project.settings, project.folder)
        prior_mean = sentences_as_prior(method, features, snapshot.classes)
        learners = project_learners(project.settings.kind, prior_mean)
        output = run_project_round(
            _round_input(project, snapshot, features),
            learners,
            project.folder / ROUNDS,
            previous=_previous(project, snapshot),
        )
        random = _random_labels(project, snapshot, features, learners)
        return _write(project, number, snapshot, output, found.version, random)


def _round_input(project: Project, snapshot: Snapshot, features: torch.Tensor) -> RoundInput:
    index = {class_id: place for place, class_id in enumerate(snapshot.class_ids)}
    labels = {item: index[value] if isinstance(value, int) else value for item, value in snapshot.train.items()}
    settings = project.settings
    content = json.dumps([snapshot.class_ids, len(features)]).encode()
    return RoundInput(
        features,
        snapshot.class_names,
        hashlib.sha256(content).hexdigest()[:12],
        labels,
        [item for item in snapshot.excluded if item not in labels],
        settings.seed,
        settings.acquisition,
        settings.batch_size,
        settings.num_draws,
        descriptions_of(snapshot.classes),
    )


def _previous(project: Project, snapshot: Snapshot) -> torch.Tensor | None:
    """Return the probabilities of the newest epoch, [N, C] nats; None where they are of other classes, or damaged."""
    try:
        epoch, probs = project.current_epoch(), project.probs()
    except DataError:  # the epoch of this round takes its place
        return None
    if epoch is None or probs is None or epoch.class_ids != snapshot.class_ids:
        return None
    return torch.from_numpy(probs).log()


def _random_labels(
    project: Project, snapshot: Snapshot, features: torch.Tensor, learners: ProjectLearners
) -> dict[str, Any]:
    """Return the predictions of a model of the test labels alone: those of the epoch before while they are recent."""
    try:
        epoch = project.current_epoch()
    except DataError:
        epoch = None
    kept = epoch.metrics.get("random_labels") if epoch is not None and epoch.class_ids == snapshot.class_ids else None
    index = {class_id: place for place, class_id in enumerate(snapshot.class_ids)}
    labels = {item: index[value] for item, value in snapshot.test.items() if isinstance(value, int) and value in index}
    if not are_random_labels_due(len(labels), None if kept is None else len(kept["items"])):
        return {} if kept is None else {"random_labels": kept}
    task = Classification(snapshot.class_names)
    found = fit_random_labels(features, labels, learners.predictor, task, seed=project.settings.seed)
    if found is None:
        return {}
    predicted = [snapshot.class_ids[place] for place in found.predicted]
    return {"random_labels": {"items": [*found.items], "predicted": predicted}}


def _write(
    project: Project,
    number: int,
    snapshot: Snapshot,
    output: RoundOutput,
    feature_version: str,
    random: Mapping[str, Any],
) -> Epoch:
    version, probs = "", None
    kept: dict[str, Any] = {}
    suspects: dict[str, Any] = {}
    if output.posterior is not None and output.log_probs is not None:
        version = f"r{number}"
        _save_model(project.folder / MODELS / version, output.posterior, snapshot, feature_version)
        probs = output.log_probs.exp().float().numpy()
        test = [row for row, stream in enumerate(snapshot.streams) if stream != "train"]
        kept = keep_predictions(probs, test, snapshot.class_ids)
        found = find_suspect_labels(output.posterior, output.labelled, snapshot.class_ids)
        suspects = {"suspects": [asdict(each) for each in found]}
    epoch = Epoch(
        number,
        snapshot.upto_seq,
        output.acquisition,
        snapshot.class_ids,
        sum(value != "skip" for value in snapshot.train.values()),
        output.queue,
        version,
        feature_version,
        {**output.metrics, **_sentence_gains(output.posterior, snapshot), **suspects, **random},
        output.hyperparameters,
        output.seconds,
        **kept,
    )
    write_epoch(project.folder, epoch, probs)
    models = [path for path in (project.folder / MODELS).glob("r*") if path.name[1:].isdecimal()]
    for old in sorted(models, key=lambda path: int(path.name[1:]))[:-KEPT_MODELS]:
        shutil.rmtree(old)
    return epoch


def _sentence_gains(posterior: Posterior | None, snapshot: Snapshot) -> dict[str, Any]:
    """Return what the classes' sentences are worth; nothing where there are none, or no labels to judge them."""
    posterior = posterior.posterior if isinstance(posterior, TemperatureScaledPosterior) else posterior
    if not isinstance(posterior, HeadPosterior) or posterior.prior_scale is None:
        return {}
    labels = posterior.fit_result.regression.classes
    found = judge_sentences(posterior.prior_gains(), labels, snapshot.classes) if len(labels) else ()
    return {"sentences": [asdict(each) for each in found]}


def _save_model(folder: Path, posterior: Posterior, snapshot: Snapshot, feature_version: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what a trainer that was killed left
    save_posterior(posterior, folder)
    content = {
        "class_ids": snapshot.class_ids,
        "class_names": snapshot.class_names,
        "feature_version": feature_version,
        "upto_seq": snapshot.upto_seq,
    }
    write_json(folder / "model.json", content)


def _progress(stage: str, done: int, total: int) -> dict[str, object]:
    return {"stage": stage, "done": done, "total": total}


def main() -> None:
    """Train whenever a line asks for it. End where stdin ends: the server is gone, however it went."""
    say = _take_stdout()
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), name="lindley-requests", daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)
    torch.set_num_threads(1)
    with Project.open(sys.argv[1]) as project:
        items = ItemReader(project)
        while True:
            number = json.loads(requests.get())["epoch"]
            try:
                train_epoch(project, number, items=items, on_progress=say)
                say({"event": "done", "epoch": number})
            except (LindleyError, OSError) as error:
                say({"event": "failed", "error": str(error)})


def _listen(requests: SimpleQueue[bytes]) -> None:
    with open(0, "rb", buffering=0, closefd=False) as pipe:
        for line in pipe:
            requests.put(line)
    os._exit(0)  # in the midst of a round, too: its files are whole or absent


def _take_stdout() -> Report:
    """Return what sends a message; what anything else prints goes to stderr, which is the log."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(message: dict[str, object]) -> None:
        print(json.dumps(message), file=pipe, flush=True)

    return say


if __name__ == "__main__":
    main()
