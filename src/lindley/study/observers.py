"""What is measured on the test set after every fit, and which observers a panel asks for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lindley.acquisition.checks import checked_chunks
from lindley.contracts import Draws
from lindley.information import mean_log_probs
from lindley.loop.predict import PoolPredictions
from lindley.loop.rounds import Observation, RoundView
from lindley.pools.memory import MemoryPool
from lindley.shapes import ClassIndices
from lindley.study.metrics import accuracy, brier, expected_calibration_error, nll, per_class_recall


def observe_test_set(
    test_inputs: Tensor, test_classes: ClassIndices, *, num_classes: int
) -> Callable[[RoundView], Observation]:
    """The observer of accuracy, NLL, Brier, ECE and recall of the K-draw average, and accuracy and NLL of the point
    prediction (null where the posterior has none), on T test rows.

    The test rows go through the draws in the pool's chunks; only the average [T, C] is held, in float64.
    """
    pool = MemoryPool(test_inputs)

    def averaged(draws: Draws) -> Tensor:
        predictions = PoolPredictions(pool, torch.arange(len(pool)), draws, num_classes=num_classes, hold_bytes=0)
        return torch.cat([mean_log_probs(chunk.double()).cpu() for chunk in checked_chunks(predictions, num_classes)])

    def observe(view: RoundView) -> Observation:
        log_probs = averaged(view.draws)  # [T, C]
        point = view.posterior.point()
        point_log_probs = averaged(point) if point is not None else None
        return Observation(
            metrics={
                "accuracy": accuracy(log_probs, test_classes),
                "nll": nll(log_probs, test_classes),
                "brier": brier(log_probs, test_classes),
                "ece": expected_calibration_error(log_probs, test_classes),
                "recall": per_class_recall(log_probs, test_classes),
                "accuracy_point": accuracy(point_log_probs, test_classes) if point_log_probs is not None else None,
                "nll_point": nll(point_log_probs, test_classes) if point_log_probs is not None else None,
            }
        )

    return observe
