"""What is measured on the test set after every fit."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lindley.acquisition.checks import checked_chunks
from lindley.contracts import Draws
from lindley.information import mean_log_probs
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.session.predict import CHUNK_ROWS, PoolPredictions
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import ClassIndices
from lindley.study.metrics import (
    JOINT_SET,
    accuracy,
    brier,
    expected_calibration_error,
    joint_nll,
    nll,
    per_class_recall,
    written,
)


def observe_test_set(
    test_inputs: Tensor, test_classes: ClassIndices, *, num_classes: int
) -> Callable[[RoundView], Observation]:
    """The observer of accuracy, NLL, Brier, ECE and recall of the K-draw average, joint NLL of the draws, and accuracy
    and NLL of the point prediction (null where the posterior has none), on T test rows.

    The test rows go through the draws in the pool's chunks; only the average [T, C] and the probabilities of the true
    classes [T, K] are held. Joint NLL is of sets of ten rows at random, the same in every round; not there below ten
    rows. An NLL, the joint one too, is null where it is infinite: where a true class was given probability 0.
    """
    pool = MemoryPool(test_inputs)
    shuffled = torch.randperm(len(pool), generator=torch_generator(0, "sets of test rows"))

    def averaged(draws: Draws) -> tuple[Tensor, Tensor]:
        predictions = PoolPredictions(pool, torch.arange(len(pool)), draws, num_classes=num_classes, hold_bytes=0)
        means, of_true = [], []
        for chunk, classes in zip(
            checked_chunks(predictions, num_classes), test_classes.split(CHUNK_ROWS), strict=True
        ):
            means.append(mean_log_probs(chunk.double()).cpu())  # [n, C]
            columns = classes[:, None, None].expand(-1, chunk.shape[1], 1).to(chunk.device)
            of_true.append(chunk.gather(2, columns)[:, :, 0].cpu())  # [n, K]
        return torch.cat(means), torch.cat(of_true)

    def observe(view: RoundView) -> Observation:
        log_probs, of_true = averaged(view.draws)  # [T, C], [T, K]
        point = view.posterior.point()
        point_log_probs = averaged(point)[0] if point is not None else None
        return Observation(
            metrics={
                "accuracy": accuracy(log_probs, test_classes),
                "nll": written(nll(log_probs, test_classes)),
                **({"joint_nll": written(joint_nll(of_true[shuffled]))} if len(pool) >= JOINT_SET else {}),
                "brier": brier(log_probs, test_classes),
                "ece": expected_calibration_error(log_probs, test_classes),
                "recall": per_class_recall(log_probs, test_classes),
                "accuracy_point": accuracy(point_log_probs, test_classes) if point_log_probs is not None else None,
                "nll_point": written(nll(point_log_probs, test_classes)) if point_log_probs is not None else None,
            }
        )

    return observe
