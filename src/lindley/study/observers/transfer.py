"""The use of one model's labels for others: a forest or a head fitted on the labels that the model queried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Draws, Learner, TrainingData
from lindley.datasets.dataset import Dataset
from lindley.information import mean_log_probs
from lindley.measures.scores import accuracy, nll
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import build_learner
from lindley.seeds import derive_seed
from lindley.session.pool_predictions import PoolPredictions
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import ClassIndices
from lindley.study.config.schema import Transfer
from lindley.study.observers.test_set import journal_value
from lindley.training.config import TrainingConfig

_OPTIONS = {"head": {"scale": "feature"}}
"""Options that are not a model's defaults: the kept results of the study `transfer` are those of this head."""


def observe_models(transfer: Transfer, dataset: Dataset, device: str) -> Callable[[RoundView], Observation]:
    """Return the observer of what models of the catalogue learn from the trial's labels.

    They train no network, so that they have no settings of an experiment.

    Args:
        transfer: The models, their number of draws and the numbers of labels.
        dataset: The test set and the task.
        device: Where they are fitted.
    """
    learners = {
        name: build_learner(
            name, None, TrainingConfig(), device=device, members=transfer.num_draws, options=_OPTIONS.get(name)
        )
        for name in transfer.models
    }
    return observe_transfer(
        learners,
        dataset.test_inputs,
        dataset.test_classes,
        num_classes=dataset.task.num_classes,
        num_draws=transfer.num_draws,
        labels=transfer.labels,
    )


def observe_transfer(
    learners: Mapping[str, Learner],
    test_inputs: Tensor,
    test_classes: ClassIndices,
    *,
    num_classes: int,
    num_draws: int,
    labels: Collection[int] = (),
) -> Callable[[RoundView], Observation]:
    """Return the observer of `transfer`: by name, the accuracy and NLL (nats) of each learner on the test rows.

    Each is fitted on the trial's labels. Its fit and its draws have seeds of their own for every round.

    Args:
        learners: By name.
        test_inputs: [T, ...], the inputs.
        test_classes: [T], their true classes.
        num_classes: C.
        num_draws: Draws that are averaged.
        labels: The numbers of labels at which they are fitted; in every round where none is given.
    """
    pool = MemoryPool(test_inputs)

    def average_predictions(draws: Draws) -> Tensor:
        predictions = PoolPredictions(pool, torch.arange(len(pool)), draws, num_classes=num_classes, hold_bytes=0)
        return torch.cat([mean_log_probs(chunk.double()).cpu() for chunk in scan_log_probs(predictions, num_classes)])

    def measure(name: str, learner: Learner, view: RoundView) -> dict[str, float | None]:
        fit, draw = (derive_seed(view.seed, view.index, "transfer", name, part) for part in ("fit", "draw"))
        posterior = learner.fit(TrainingData(view.pool, view.labels, view.task), seed=fit)
        log_probs = average_predictions(posterior.draw(num_draws, seed=draw))  # [T, C]
        return {"accuracy": accuracy(log_probs, test_classes), "nll": journal_value(nll(log_probs, test_classes))}

    def observe(view: RoundView) -> Observation:
        if labels and view.num_labels not in labels:
            return Observation()
        return Observation(metrics={"transfer": {name: measure(name, each, view) for name, each in learners.items()}})

    return observe
