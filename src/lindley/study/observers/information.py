"""The information of a batch as it grows: the sum of its BALD scores against that of its labels together."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np
from torch import Tensor

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.scan import take_log_probs
from lindley.contracts import Context
from lindley.information import Configurations, bald, empty_configurations
from lindley.seeds import derive_seed
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import BatchLogProbs
from lindley.study.observers import INFORMATION_PICKERS

NUM_CONFIGURATIONS = 10_000
"""Label configurations: with two classes, exact for the first 13 picks."""


def observe_information(num_picks: int, labels: Collection[int]) -> Callable[[RoundView], Observation]:
    """Return the observer that lets each of INFORMATION_PICKERS choose P = num_picks candidates at some of the rounds.

    They choose at these numbers of labels, and all candidates where there are fewer. Its arrays: picks [P] = 1..P;
    num_draws and log_num_draws (nats), which bounds the joint information; for each acquisition a sum_bald_a [P], the
    running sum of the scores, joint_a [P] and joint_se_a [P], the joint information of the first p picks and its
    standard error (0 where exact), all in nats; for two-dimensional data inputs_a [P, 2].
    """

    def observe(view: RoundView) -> Observation:
        count = min(num_picks, view.candidates.rows.numel())
        if view.num_labels not in labels or count == 0:
            return Observation()
        num_draws = view.draws.num_draws
        arrays = {
            "picks": np.arange(1, count + 1),
            "num_draws": np.array(num_draws),
            "log_num_draws": np.array(math.log(num_draws)),
        }
        for name in INFORMATION_PICKERS:
            arrays |= {f"{key}_{name}": array for key, array in _batch(view, name, count).items()}
        return Observation(arrays=arrays)

    return observe


def information_growth(
    batch_log_probs: BatchLogProbs, *, seed: int, num_configurations: int = NUM_CONFIGURATIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Joint information of the first 1..B rows of a batch, I[y_1..b; θ], and its standard errors.  -> [B], [B] nats

    The configurations of `information` are extended row by row: exact while there are at most num_configurations of
    them (standard error 0), sampled from there on.

    Args:
        batch_log_probs: [B, K, C] nats.
        seed: Of the sampled configurations.
        num_configurations: Configurations up to which all are enumerated.
    """
    configurations = empty_configurations(batch_log_probs.shape[1])
    values, errors = [], []
    for row in batch_log_probs:
        configurations = configurations.extend(row, num_configurations=num_configurations, seed=seed)
        value, error = _information(configurations)
        values.append(value)
        errors.append(error)
    return np.array(values), np.array(errors)


def _information(configurations: Configurations) -> tuple[float, float]:
    """Return log K - E[H[θ | y]], and its standard error where configurations are sampled."""
    gained = configurations.information()  # [M]
    value = float((configurations.log_share.exp() * gained).sum())
    return value, 0.0 if configurations.exact else float(gained.std()) / math.sqrt(gained.numel())


def _batch(view: RoundView, name: str, num_picks: int) -> dict[str, np.ndarray]:
    seed = derive_seed(view.seed, view.index, "information", name)
    context = Context(candidates=view.candidates, labelled=view.labels.rows, task=view.task, round=view.index)
    rows = acquisition_named(name)(context, num_picks, seed=seed).rows.cpu()  # [P]
    log_probs = take_log_probs(view.candidates, rows).cpu()  # [P, K, C]
    joint, error = information_growth(log_probs, seed=seed)
    arrays = {"sum_bald": bald(log_probs.double()).cumsum(0).numpy(), "joint": joint, "joint_se": error}
    inputs = view.pool.read(rows)
    if isinstance(inputs, Tensor) and inputs.shape[1:] == (2,):
        arrays["inputs"] = inputs.cpu().numpy()
    return arrays
