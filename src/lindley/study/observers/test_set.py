"""The metrics of the test set, measured after every fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Draws
from lindley.information import mean_log_probs
from lindley.measures.catalogue import METRICS, MetricSpec, Prediction
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.session.pool_predictions import CHUNK_ROWS, PoolPredictions
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import ClassIndices

Value = TypeVar("Value", float, list[float | None])


def observe_test_set(
    test_inputs: Tensor, test_classes: ClassIndices, *, num_classes: int
) -> Callable[[RoundView], Observation]:
    """Return the observer of every metric of the catalogue on T test rows.

    The test rows go through the draws in the pool's chunks; only the average [T, C] and the probabilities of the true
    classes [T, K] are held. Metrics of the draws are given the rows in a random order, the same in every round. Those
    of the point prediction are null where the posterior has none.

    Args:
        test_inputs: [T, ...], the inputs.
        test_classes: [T], their true classes.
        num_classes: C.
    """
    pool = MemoryPool(test_inputs)
    shuffled = torch.randperm(len(pool), generator=torch_generator(0, "sets of test rows"))

    def average_predictions(draws: Draws) -> tuple[Tensor, Tensor]:
        predictions = PoolPredictions(pool, torch.arange(len(pool)), draws, num_classes=num_classes, hold_bytes=0)
        means, of_true = [], []
        for chunk, classes in zip(
            scan_log_probs(predictions, num_classes), test_classes.split(CHUNK_ROWS), strict=True
        ):
            means.append(mean_log_probs(chunk.double()).cpu())  # [n, C]
            columns = classes[:, None, None].expand(-1, chunk.shape[1], 1).to(chunk.device)
            of_true.append(chunk.gather(2, columns)[:, :, 0].cpu())  # [n, K]
        return torch.cat(means), torch.cat(of_true)

    specs = [spec for spec in METRICS.values() if "classification" in spec.tasks and len(pool) >= spec.min_rows]

    def observe(view: RoundView) -> Observation:
        log_probs, of_true = average_predictions(view.draws)  # [T, C], [T, K]
        predictions: dict[Prediction, tuple[Tensor, ...]] = {
            "average": (log_probs, test_classes),
            "draws": (of_true[shuffled],),
        }
        if (point := view.posterior.point()) is not None:
            predictions["point"] = (average_predictions(point)[0], test_classes)
        return Observation(metrics={spec.name: _measure(spec, predictions) for spec in specs})

    return observe


def journal_value(value: Value) -> Value | None:
    """Return a measured value as a journal holds it, whose numbers are finite: None where it is infinite."""
    return None if value == math.inf else value


def _measure(spec: MetricSpec, predictions: Mapping[Prediction, tuple[Tensor, ...]]) -> Any:
    return journal_value(spec.compute(*predictions[spec.prediction])) if spec.prediction in predictions else None
