"""Class probabilities counted from few labels, smoothed towards the shares of the classes among all labels.

A leaf or a bootstrap with labels of one class would rule out all others. Draws that are all certain have no entropy of
their own, so that BALD would equal the predictive entropy; and where one of them is wrong, its log-likelihood is -inf.
Source: the m-estimate of Cestnik 1990, "Estimating probabilities: a crucial task in machine learning".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import ClassIndices


def class_shares(classes: ClassIndices, sample_weight: Tensor, num_classes: int) -> Tensor:
    """Return the shares of the classes among the labels, with one label added to each class.  -> [C] float64

    Args:
        classes: [L], the classes of the labels.
        sample_weight: [L], the weights of the labels.
        num_classes: C.
    """
    counts = torch.zeros(num_classes, dtype=torch.float64).index_add_(0, classes.cpu(), sample_weight.cpu().double())
    return (counts + 1) / (counts.sum() + num_classes)


def smooth(probs: Tensor, counts: Tensor | float, pseudo_count: float, shares: Tensor) -> Tensor:
    """Return (counts · probs + a · shares) / (counts + a), as if a more labels had these shares.  -> [n, C]

    Args:
        probs: [n, C], class probabilities.
        counts: [n, 1], the number of labels behind each row of probabilities.
        pseudo_count: a, in labels; 0 changes nothing.
        shares: [C], the shares of the classes.
    """
    return (counts * probs + pseudo_count * shares) / (counts + pseudo_count)


def check_pseudo_count(pseudo_count: float) -> None:
    """Raise InputError unless a pseudo-count is a finite number of labels, 0 or more."""
    if not 0 <= pseudo_count < math.inf:
        raise InputError(argument="pseudo_count", expected="a number of labels, 0 or more", got=pseudo_count)
