"""Class probabilities counted from few labels, pulled towards the shares of the classes among all of them.

A leaf or a bootstrap that holds labels of one class says that no other is possible. Draws that are all certain have no
entropy of their own, so that BALD would be the predictive entropy and tell nothing else; and where one of them is
wrong its log-likelihood is -inf.
Source: the m-estimate of Cestnik 1990, "Estimating probabilities: a crucial task in machine learning".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import ClassIndices


def class_shares(classes: ClassIndices, importance: Tensor, num_classes: int) -> Tensor:
    """Shares of the classes among the labels, one label added to each, so that none is zero.  [L], [L] -> [C] float64

    `importance` is the weight of each label, 1 on average.
    """
    counts = torch.zeros(num_classes, dtype=torch.float64).index_add_(0, classes.cpu(), importance.cpu().double())
    return (counts + 1) / (counts.sum() + num_classes)


def smoothed(probs: Tensor, counts: Tensor | float, prior: float, shares: Tensor) -> Tensor:
    """(counts · probs + prior · shares) / (counts + prior): as if `prior` more labels had come in these shares.

    [n, C], [n, 1] labels that the probabilities were counted from, [C] -> [n, C]. Unchanged where prior is 0.
    """
    return (counts * probs + prior * shares) / (counts + prior)


def check_prior(prior: float) -> None:
    """Refuse what is no number of labels."""
    if not 0 <= prior < math.inf:
        raise InputError(f"prior must be a number of labels, 0 or more; got {prior!r}")
