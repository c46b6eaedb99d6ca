"""Accuracy, NLL, Brier score and recall of averaged log-probabilities [N, C], in nats.

Sums are in float64. A loss is infinite where the true class has probability 0.
"""

from __future__ import annotations

import torch

from lindley.errors import InputError
from lindley.shapes import ClassIndices, MeanLogProbs


def accuracy(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Share of rows whose most probable class is the true one, mean_i 1[argmax_c p_ic = y_i], in [0, 1]."""
    check_rows(log_probs, classes)
    return float((log_probs.argmax(1) == classes).double().mean())


@torch.no_grad()
def nll(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Negative log-likelihood of the true classes, -mean_i log p_{i y_i}, in nats."""
    check_rows(log_probs, classes)
    return float(-log_probs.double().gather(1, classes[:, None]).mean())


@torch.no_grad()
def brier(log_probs: MeanLogProbs, classes: ClassIndices) -> float:
    """Brier score over all classes, mean_i Σ_c (p_ic - 1[y_i = c])², in [0, 2].

    Source: Brier 1950, Monthly Weather Review 78(1).
    """
    check_rows(log_probs, classes)
    truth = torch.nn.functional.one_hot(classes, log_probs.shape[1]).double()  # [N, C]
    return float((log_probs.double().exp() - truth).square().sum(1).mean())


def class_recalls(log_probs: MeanLogProbs, classes: ClassIndices) -> list[float | None]:
    """Share of the rows of each class that are predicted to be of it, in [0, 1]; None for a class without rows.  [C]"""
    check_rows(log_probs, classes)
    num_classes = log_probs.shape[1]
    totals = torch.bincount(classes, minlength=num_classes)
    hits = torch.bincount(classes[log_probs.argmax(1) == classes], minlength=num_classes)
    return [hit / total if total else None for hit, total in zip(hits.tolist(), totals.tolist(), strict=True)]


def check_rows(log_probs: MeanLogProbs, classes: ClassIndices) -> None:
    """Raise InputError unless there are N predictions [N, C] of N classes, N at least 1."""
    if log_probs.dim() != 2 or log_probs.shape[:1] != classes.shape or classes.numel() == 0:
        raise InputError(
            "Average [N, K, C] over the draws with mean_log_probs first.",
            argument="log_probs",
            expected=f"[N, C] for classes [N], N at least 1, here {[*classes.shape]}",
            got=[*log_probs.shape],
        )
