"""How good a prediction is: from mean log-probabilities [N, C] in nats and the true classes [N].

Sums are in float64. What is infinite (the true class was given probability 0) is returned so, not repaired; a journal
holds null for it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import ClassIndices, MeanLogProbs

ECE_BINS = 15
JOINT_SET = 10
"""Rows whose labels are taken together by `joint_nll`."""


def accuracy(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Share of rows whose most probable class is the true one: mean_i 1[argmax_c p_ic = y_i], in [0, 1]."""
    _check(log_probs, classes)
    return float((log_probs.argmax(1) == classes).double().mean())


@torch.no_grad()
def nll(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Negative log-likelihood of the true classes, -mean_i log p_{i y_i}, in nats."""
    _check(log_probs, classes)
    return float(-log_probs.double().gather(1, classes[:, None]).mean())


def written(loss: float) -> float | None:
    """A loss as a journal holds it, whose numbers are finite: null where it is infinite."""
    return None if loss == math.inf else loss


@torch.no_grad()
def brier(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Brier score over all classes, mean_i Σ_c (p_ic - 1[y_i = c])², in [0, 2].

    Source: Brier 1950, Monthly Weather Review 78(1).
    """
    _check(log_probs, classes)
    truth = torch.nn.functional.one_hot(classes, log_probs.shape[1]).double()  # [N, C]
    return float((log_probs.double().exp() - truth).square().sum(1).mean())


@torch.no_grad()
def expected_calibration_error(log_probs: MeanLogProbs, classes: ClassIndices, *, num_bins: int = ECE_BINS) -> float:
    """Gap between confidence and accuracy, Σ_b (n_b / N) |accuracy_b - confidence_b|, in [0, 1].

    Confidence is the probability of the most probable class; the bins are num_bins equal parts of (0, 1], each open
    on the left. Source: Guo et al. 2017, arXiv:1706.04599, eq. 3 (with their 15 bins).
    """
    _check(log_probs, classes)
    best, predicted = log_probs.double().max(1)
    confidence = best.exp()  # [N]
    gaps = (predicted == classes).double() - confidence  # [N]
    bins = (confidence * num_bins).ceil().long().clamp(1, num_bins) - 1  # [N]
    summed = torch.zeros(num_bins, dtype=torch.float64).index_add_(0, bins, gaps)
    return float(summed.abs().sum() / classes.numel())


@torch.no_grad()
def joint_nll(log_probs_of_true: Tensor, *, set_size: int = JOINT_SET) -> float:
    """Negative log-likelihood per label of sets of labels, -mean_sets log mean_k Π_i p_k(y_i) / set_size, in nats.

    log_probs_of_true [T, K] are each draw's log-probabilities of the true classes: what one function says of several
    inputs at once is what BatchBALD and EPIG stand on. Sets are consecutive rows, so their order should carry no
    meaning; rows that do not fill a set are left out. Sets of 1 give `nll` of the average; with few draws it is larger
    than with many, in expectation. Source: Wen et al. 2021, arXiv:2107.09224; Osband et al. 2022, arXiv:2110.04629.
    """
    if log_probs_of_true.dim() != 2 or len(log_probs_of_true) < set_size:
        raise InputError(
            f"log_probs_of_true must be [T, K] with T at least {set_size}; got {[*log_probs_of_true.shape]}"
        )
    whole = len(log_probs_of_true) // set_size * set_size
    sets = log_probs_of_true[:whole].double().unflatten(0, (-1, set_size)).sum(1)  # [sets, K]
    return float(-(sets.logsumexp(1) - math.log(sets.shape[1])).mean() / set_size)


def per_class_recall(log_probs: MeanLogProbs, classes: ClassIndices) -> list[float | None]:
    """Of the rows of each class, the share that is given that class, in [0, 1]; None for a class without rows.  [C]"""
    _check(log_probs, classes)
    num_classes = log_probs.shape[1]
    there = torch.bincount(classes, minlength=num_classes)
    found = torch.bincount(classes[log_probs.argmax(1) == classes], minlength=num_classes)
    return [hit / all_of if all_of else None for hit, all_of in zip(found.tolist(), there.tolist(), strict=True)]


def _check(log_probs: MeanLogProbs, classes: ClassIndices) -> None:
    if log_probs.dim() != 2 or log_probs.shape[:1] != classes.shape or classes.numel() == 0:
        raise InputError(
            f"log_probs must be [N, C] and classes [N], N at least 1; got {[*log_probs.shape]} and {[*classes.shape]}. "
            "Average [N, K, C] over the draws with mean_log_probs first."
        )
