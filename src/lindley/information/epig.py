"""EPIG: the expected information of a row's label about predictions elsewhere, rather than about the model itself."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from lindley.errors import InputError
from lindley.information.pairwise import (
    Columns,
    DrawWeights,
    ProbsByClass,
    Scratch,
    allocate_scratch,
    check_same_draws,
    column_blocks,
    compute_dtype,
    likelihood_ratios,
    mutual_information_terms,
    probs_by_class,
    rows_per_block,
    uniform_weights,
    weigh_draws,
)
from lindley.shapes import LogProbs, Scores, TargetLogProbs
from lindley.torch_state import no_autocast

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
        raise InputError(argument="targets", expected="[T, K, C] with T at least 1", got=[*targets.shape])
    if len(log_probs) == 0:
        return log_probs.new_zeros(0, dtype=compute_dtype(log_probs))
    weights = uniform_weights(log_probs)
    others = column_blocks(probs_by_class(targets), weights)
    blocks = log_probs.split(rows_per_block(log_probs.shape[2], len(targets), log_probs.device))
    memory = allocate_scratch(log_probs.shape[2], len(targets), weights)
    scores = weights.new_empty(len(log_probs))
    for block, part in zip(blocks, scores.split(len(blocks[0])), strict=True):
        part.copy_(mean_information(probs_by_class(block), others, weights, memory))
    return scores


@no_autocast()
def mean_information(
    probs: ProbsByClass, targets: list[Columns], weights: DrawWeights, memory: Scratch | None = None
) -> MeanInformation:
    """Mean over targets of I[y; y*] under weights of the draws, for one block of rows.  -> [n] nats.

    Sums over one block of targets are in the precision of the probabilities, sums over blocks in float64.

    Args:
        probs: [n, C, K], the probabilities of the rows.
        targets: The columns of the targets, as likelihood ratios under the same weights.
        weights: [K], the weights of the draws; they sum to one.
        memory: Scratch memory for one block, see `pairwise.allocate_scratch`.
    """
    num_rows, num_classes, _ = probs.shape
    rows = weigh_draws(likelihood_ratios(probs, weights), weights)
    total = torch.zeros(num_rows, dtype=torch.float64, device=probs.device)
    for part in targets:
        by_class = mutual_information_terms(rows.ratios, part, memory).mv(part.average)  # [n*C]
        total += (by_class.view(num_rows, num_classes) * rows.average).sum(1)
    num_targets = sum(len(part.average) for part in targets) // num_classes
    return total.div_(num_targets).clamp_min_(0.0)
