"""One round of a project: its labels go into a session, and a model, probabilities and a queue come out.

The session's journal lies in `rounds/`; each set of classes has one of its own, so that a report reads it as a trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from lindley.acquisition import ACQUISITIONS
from lindley.acquisition.scan import take_log_probs
from lindley.contracts import (
    Classification,
    Draws,
    HasHyperparameters,
    Inputs,
    Labels,
    Learner,
    Pool,
    Posterior,
    TrainingData,
    as_categorical,
)
from lindley.information import bald, estimate_joint_information, mean_log_probs
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import Kind
from lindley.noise import row_uniforms
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.calibration import calibration_temperature
from lindley.posteriors.head.head import BayesianHead, HeadPosterior
from lindley.posteriors.temperature_scaling import scale_temperature
from lindley.session.events import Answer
from lindley.session.rounds import Observation, RoundView
from lindley.session.session import Session
from lindley.shapes import Features, LogProbs, MeanLogProbs, Rows, Scores

QUEUE_SIZE = 500
"""The number of items in a queue: the batch, then others by their score."""
FIRST_BATCH = "typiclust"
"""The acquisition of the batches before there is a label, where the project's own reads predictions."""
_CHUNK = 4096  # items predicted at a time
_AVERAGED = 100  # draws that are averaged for a model without a point prediction


@dataclass(frozen=True)
class RoundInput:
    """The data of a round."""

    features: Features
    """The features of all items, [N, D]."""
    class_names: tuple[str, ...]
    journal_name: str
    """The name of the session's journal: another one where the classes, or the items, are others."""
    labels: Mapping[int, int | Literal["none", "skip"]]
    """The index of each item's class, in the order of the labels; "none" if no class fits, "skip" if it was skipped."""
    excluded: Sequence[int]
    """The items that are not selected: those of the test stream, and those that someone has on the screen."""
    seed: int
    acquisition: str = "batchbald"
    batch_size: int = 10
    num_draws: int = 100
    descriptions: tuple[str, ...] = ()
    """A sentence about each class; empty where none is described. They are no part of the journal: they may change."""


@dataclass(frozen=True)
class RoundOutput:
    """The results of a round."""

    queue: tuple[QueueRow, ...]
    acquisition: str
    posterior: Posterior | None = None
    """The model, calibrated; None while there is no label."""
    log_probs: MeanLogProbs | None = None
    """The calibrated log-probabilities of all items, [N, C] nats."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The joint information of the batch in nats (`information`), its standard error, the mean information of one of
    its items (`item_information`), and how often the predictions equal those of the round before (`agreement`)."""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    """The hyperparameters that the fit chose, if any."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    labelled: tuple[int, ...] = ()
    """The items of the labels from which the model learned, in the order of its fit."""


@dataclass(frozen=True)
class ProjectLearners:
    """The two learners of a project, which learn from the same labels."""

    chooser: Learner
    """Learner of the model whose draws choose the batch. It knows no sentences: where they are sure, its draws would
    agree, and nothing would be asked there."""
    predictor: Learner
    """Learner of the model that predicts, and that people get."""
    has_prior: bool = False
    """Whether the predictor can be fitted without labels."""


def project_learners(kind: Kind, prior_mean: Tensor | None = None) -> ProjectLearners:
    """Return the learners of a project.

    The features of texts, images and rows are made so that their variances mean something: they have one unit. From few
    labels, or labels that were chosen, the evidence may take each feature's own unit instead, or a prior so strong that
    several points of accuracy are lost (measured, `benchmarks/labelling_quality.py`).

    Args:
        kind: What the items are; vectors of one's own may have columns of any units.
        prior_mean: The mean of the prior of the weights, [D + 1, C]; None: 0.
    """
    scale = "evidence" if kind == "vectors" else "common"
    predictor = BayesianHead(prior_precision="leave-one-out", scale=scale, prior_mean=prior_mean)
    return ProjectLearners(BayesianHead(scale=scale), predictor, has_prior=prior_mean is not None)


def run_project_round(
    given: RoundInput, learners: ProjectLearners, folder: Path, *, previous: MeanLogProbs | None = None
) -> RoundOutput:
    """Bring the labels into the session of these classes, and let it choose the next batch, as far as there are items.

    Args:
        given: The features, labels and options.
        learners: Fit the models.
        folder: The folder of the journals, `rounds/` of a project.
        previous: The probabilities of the round before, with which the new ones are compared. [N, C] nats

    Raises:
        InputError: If a label is of no item.
    """
    pool, task = MemoryPool(given.features), Classification(given.class_names, given.descriptions)
    has_labels = any(isinstance(value, int) for value in given.labels.values())
    acquisition = given.acquisition if has_labels or ACQUISITIONS[given.acquisition].prediction_free else FIRST_BATCH
    excluded = {*given.excluded}
    if ACQUISITIONS[acquisition].prediction_free:  # these compare directions, which items without a feature do not have
        excluded.update((torch.linalg.vector_norm(given.features, dim=1) == 0).nonzero()[:, 0].tolist())
    if not has_labels and len(excluded | given.labels.keys()) == len(pool):
        return RoundOutput((), acquisition)
    observer = _PoolObserver(learners.predictor, previous)
    session = Session(
        pool,
        learners.chooser,
        acquisition,
        task=task,
        num_draws=given.num_draws,
        batch_size=given.batch_size,
        store=folder / given.journal_name,
        features=_Identity(),
        seed=given.seed,
        observers={"pool": observer},
        key=given.journal_name,
    )
    with session:
        synchronise(session, given.labels)
        waiting = {row for query in session.state.queries for row in query.rows}  # of the batch before the first label
        free = len(pool) - len(excluded | given.labels.keys() | (waiting if has_labels else set()))
        result = session.step(sorted(excluded), batch_size=min(given.batch_size, free))
    if result.posterior is None and learners.has_prior:
        observer.predict(TrainingData(pool, Labels([], []), task), given.seed)
    batch = torch.tensor([], dtype=torch.int64) if result.selection is None else result.selection.rows
    return RoundOutput(
        _queue(given, batch, acquisition, observer.scores, result.index),
        acquisition,
        observer.posterior,
        observer.log_probs,
        observer.metrics,
        _hyperparameters(observer.posterior),
        dict(result.seconds),
        observer.labelled,
    )


def synchronise(session: Session, labels: Mapping[int, int | Literal["none", "skip"]]) -> None:
    """Withdraw the answers of a session that are no longer so, and tell those that are new."""
    state = session.state
    known = {row: _value(answer) for row, answer in state.answers.items()}
    changed = [row for row, value in known.items() if labels.get(row) != value]
    if changed:
        session.withdraw(changed)
    fresh = [row for row in labels if row not in known or row in {*changed}]
    session.tell([_answer(row, labels[row]) for row in fresh])


def _answer(row: int, value: int | Literal["none", "skip"]) -> Answer:
    if isinstance(value, int):
        return Answer(row, value)
    return Answer(row, outcome="skip" if value == "skip" else "none_of_the_classes")


def _value(answer: Answer) -> int | Literal["none", "skip"]:
    if answer.outcome == "label":
        assert isinstance(answer.value, int)
        return answer.value
    return "skip" if answer.outcome == "skip" else "none"


def calibrate(posterior: Posterior) -> Posterior:
    """Return a head whose probabilities are calibrated by its own labels; other posteriors as they are."""
    if not isinstance(posterior, HeadPosterior):
        return posterior
    return scale_temperature(posterior, calibration_temperature(posterior))


def _hyperparameters(posterior: Posterior | None) -> dict[str, Any]:
    setting: object = posterior.setting if isinstance(posterior, HasHyperparameters) else {}
    return dict(setting) if isinstance(setting, Mapping) else {}


class _Identity:
    """The features are the inputs themselves."""

    def features(self, inputs: Inputs) -> Features:
        assert isinstance(inputs, Tensor)
        return inputs


class _PoolObserver:
    """Scores every item by the model that chooses, predicts it by the other, and measures the batch."""

    def __init__(self, predictor: Learner, previous: MeanLogProbs | None) -> None:
        self.posterior: Posterior | None = None
        self.scores: Scores | None = None
        self.log_probs: MeanLogProbs | None = None
        self.metrics: dict[str, Any] = {}
        self.labelled: tuple[int, ...] = ()
        self._predictor = predictor
        self._previous = previous

    def __call__(self, view: RoundView) -> Observation:
        parts = torch.arange(len(view.pool)).split(_CHUNK)
        self.scores = torch.cat([bald(_log_probs(view.draws, view.pool, rows)) for rows in parts])  # [N]
        log_probs = self.predict(TrainingData(view.pool, view.labels, view.task), view.seed)
        if view.selection is not None:
            batch = take_log_probs(view.candidates, view.selection.rows)
            found = estimate_joint_information(batch, seed=view.seed)
            self.metrics |= {"information": found.value, "information_se": found.standard_error}
            # The joint information of a batch ends at log K; the mean of its items' own has no such end.
            self.metrics["item_information"] = float(bald(batch).mean())
        if self._previous is not None and self._previous.shape == log_probs.shape:
            self.metrics["agreement"] = float((self._previous.argmax(1) == log_probs.argmax(1)).double().mean())
        return Observation(self.metrics)

    def predict(self, data: TrainingData, seed: int) -> MeanLogProbs:
        """Fit the model that predicts, store it, calibrated, and its probabilities of all items; return the latter.

        It predicts by its most probable weights: the average of few labels' draws is far too unsure.
        """
        self.posterior = calibrate(self._predictor.fit(data, seed=seed))
        self.labelled = tuple(data.labels.rows.tolist())
        predictions = self.posterior.point() or self.posterior.draw(_AVERAGED, seed=seed)
        parts = torch.arange(len(data.pool)).split(_CHUNK)
        self.log_probs = torch.cat(
            [mean_log_probs(_log_probs(predictions, data.pool, rows)) for rows in parts]
        )  # [N, C]
        return self.log_probs


def _log_probs(draws: Draws, pool: Pool, rows: Rows) -> LogProbs:
    return as_categorical(draws.predict(pool.read(rows))).log_probs


def _queue(given: RoundInput, batch: Rows, acquisition: str, scores: Scores | None, index: int) -> tuple[QueueRow, ...]:
    """Return the batch in a random order, so that its first items are no easier than its last, and others by BALD."""
    order = row_uniforms(batch, given.seed, "queue", index).argsort()
    ranked = [QueueRow(item, acquisition) for item in batch[order].tolist()]
    if scores is None or ACQUISITIONS[acquisition].prediction_free:
        return tuple(ranked)  # the server goes on at random
    free = torch.ones(len(scores), dtype=torch.bool)
    free[[*given.excluded, *given.labels, *batch.tolist()]] = False
    rows = free.nonzero()[:, 0]
    best = rows[scores[rows].argsort(descending=True, stable=True)[: max(0, QUEUE_SIZE - len(ranked))]]
    return (*ranked, *(QueueRow(item, "bald", score=float(scores[item])) for item in best.tolist()))
