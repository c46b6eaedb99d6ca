"""EPIG: what a row's label is expected to say about predictions elsewhere, rather than about the model itself."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from lindley.errors import InputError
from lindley.information.pairwise import (
    ClassesFirst,
    Columns,
    DrawWeights,
    Scratch,
    check_same_draws,
    classes_first,
    in_columns,
    relative,
    rows_per_block,
    scratch,
    surprise,
    uniform_weights,
    weighted,
    wide,
)
from lindley.modes import no_autocast
from lindley.shapes import LogProbs, Scores, TargetLogProbs

MeanInformation = Float64[Tensor, "n"]


def epig(log_probs: LogProbs, targets: TargetLogProbs) -> Scores:
    """Expected predictive information gain, the mean over targets of I[y; y*].  [N, K, C], [T, K, C] -> [N] nats.

    Exact for these draws, from p(y, y*) = 1/K Σ_k p_k(y) p_k(y*): one matrix product [N·C, K] x [K, T·C], in blocks.
    At least 0; at most the row's BALD score and the targets' mean BALD score. float32 is within 1e-6 nats of float64.
    Raises InputError where draws or classes differ, or without targets.
    Source: Bickford Smith et al. 2023, "Prediction-oriented Bayesian active learning", arXiv:2304.08151.
    """
    check_same_draws(log_probs, targets, "targets")
    if len(targets) == 0:
        raise InputError("EPIG is a mean over targets; got none")
    if len(log_probs) == 0:
        return log_probs.new_zeros(0, dtype=wide(log_probs))
    weights = uniform_weights(log_probs)
    others = in_columns(classes_first(targets), weights)
    blocks = log_probs.split(rows_per_block(log_probs.shape[2], len(targets), log_probs.device))
    memory = scratch(log_probs.shape[2], len(targets), weights)
    scores = weights.new_empty(len(log_probs))
    for block, part in zip(blocks, scores.split(len(blocks[0])), strict=True):
        part.copy_(mean_information(classes_first(block), others, weights, memory))
    return scores


@no_autocast()
def mean_information(
    probs: ClassesFirst, targets: list[Columns], weights: DrawWeights, memory: Scratch | None = None
) -> MeanInformation:
    """Mean over targets of I[y; y*] where the draws have these weights, one block of rows.  [n, C, K] -> [n] nats.

    The targets are relative to the same weights. Sums over one block of targets are in the precision given, over
    blocks in float64.
    """
    num_rows, num_classes, _ = probs.shape
    rows = weighted(relative(probs, weights), weights)
    total = torch.zeros(num_rows, dtype=torch.float64, device=probs.device)
    for part in targets:
        by_class = surprise(rows.ratios, part, memory).mv(part.average)  # [n*C]
        total += (by_class.view(num_rows, num_classes) * rows.average).sum(1)
    num_targets = sum(len(part.average) for part in targets) // num_classes
    return total.div_(num_targets).clamp_min_(0.0)
