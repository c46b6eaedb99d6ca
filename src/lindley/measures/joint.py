"""The NLL of several labels together."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.errors import InputError

JOINT_SET = 10
"""Number of rows in a set of `joint_nll`."""


@torch.no_grad()
def joint_nll(log_probs_of_true: Tensor, *, set_size: int = JOINT_SET) -> float:
    """Negative log-likelihood per label of sets of labels, -mean_sets log mean_k Π_i p_k(y_i) / set_size, in nats.

    It measures the joint predictions of the draws, on which BatchBALD and EPIG are built. With sets of one row it is
    the `nll` of the average; with few draws it is larger than with many, in expectation.
    Source: Wen et al. 2021, arXiv:2107.09224; Osband et al. 2022, arXiv:2110.04629.

    Args:
        log_probs_of_true: [T, K], the log-probability of each row's true class under each draw, in nats.
        set_size: Rows of a set. Sets are consecutive rows, so their order should carry no meaning; rows that do not
            fill a set are left out.

    Raises:
        InputError: If there are fewer rows than a set has.
    """
    if log_probs_of_true.dim() != 2 or len(log_probs_of_true) < set_size:
        expected = f"[T, K] with T at least {set_size}"
        raise InputError(argument="log_probs_of_true", expected=expected, got=[*log_probs_of_true.shape])
    whole = len(log_probs_of_true) // set_size * set_size
    sets = log_probs_of_true[:whole].double().unflatten(0, (-1, set_size)).sum(1)  # [sets, K]
    return float(-(sets.logsumexp(1) - math.log(sets.shape[1])).mean() / set_size)
