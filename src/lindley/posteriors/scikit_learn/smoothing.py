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


def class_shares(classes: ClassIndices, sample_weight: Tensor, num_classes: int) -> Tensor:
    """Return the shares of the classes among the labels, one label added to each.  [L], [L] -> [C] float64

    `sample_weight` is the weight of each label.
    """
    counts = torch.zeros(num_classes, dtype=torch.float64).index_add_(0, classes.cpu(), sample_weight.cpu().double())
    return (counts + 1) / (counts.sum() + num_classes)


def smooth(probs: Tensor, counts: Tensor | float, pseudo_count: float, shares: Tensor) -> Tensor:
    """Return (counts · probs + a · shares) / (counts + a): as if a = pseudo_count more labels had come in these shares.

    [n, C], [n, 1] labels that the probabilities were counted from, [C] -> [n, C]. Unchanged where pseudo_count is 0.
    """
    return (counts * probs + pseudo_count * shares) / (counts + pseudo_count)


def check_pseudo_count(pseudo_count: float) -> None:
    """Refuse what is no number of labels."""
    if not 0 <= pseudo_count < math.inf:
        raise InputError(f"pseudo_count must be a number of labels, 0 or more; got {pseudo_count!r}")
