"""Entropies of a categorical prediction and of its draws, in nats.

Sums and logarithms are taken in float64, block by block, so that a pool of any size needs a few MiB; results come
back in the precision of the input (float32 at least).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lindley.shapes import LogProbs, MeanLogProbs, Scores

_BLOCK_ELEMENTS = 1 << 16  # half a MiB of float64, from the heap and in cache: 2.5 times faster than 2 MiB


def mean_log_probs(log_probs: LogProbs) -> MeanLogProbs:
    """The predictive distribution, log E_k p_k(y).  [N, K, C] -> [N, C] nats.

    A class that no draw allows stays at -inf.
    """
    return by_blocks(lambda block: block.logsumexp(1) - math.log(block.shape[1]), log_probs)


def predictive_entropy(log_probs: LogProbs) -> Scores:
    """Entropy of the averaged prediction, H[E_k p_k(y)].  [N, K, C] -> [N] nats, from 0 to log C."""
    return by_blocks(lambda block: torch.special.entr(block.exp().mean(1)).sum(1), log_probs)


def conditional_entropy(log_probs: LogProbs) -> Scores:
    """Average entropy of the draws, E_k H[p_k(y)].  [N, K, C] -> [N] nats, from 0 to log C."""
    return by_blocks(lambda block: torch.special.entr(block.exp()).sum(2).mean(1), log_probs)


def bald(log_probs: LogProbs) -> Scores:
    """Mutual information between the label and the draw, I[y; θ | x].  [N, K, C] -> [N] nats.

    Zero when all draws agree; at most log min(K, C). H[E p] - E H[p] in float64, class by class: each class's share
    is at least zero (Jensen), so what rounding puts below zero (about 1e-17) is raised to zero.
    Source: Houlsby et al. 2011, arXiv:1112.5745.
    """
    return by_blocks(_bald_block, log_probs)


def by_blocks(function: Callable[[Tensor], Tensor], log_probs: LogProbs) -> Tensor:
    """Apply a function of rows to float64 blocks of rows.  [N, K, C] -> [N, ...] in the precision of the input."""
    dtype = torch.promote_types(log_probs.dtype, torch.float32)
    num_rows, num_draws, num_classes = log_probs.shape
    block_rows = max(1, _BLOCK_ELEMENTS // max(1, num_draws * num_classes))
    blocks = log_probs.split(block_rows) if num_rows else (log_probs,)
    return torch.cat([function(block.double()).to(dtype) for block in blocks])


def _bald_block(block: Tensor) -> Tensor:
    probs = block.exp()
    shares = torch.special.entr(probs.mean(1)) - torch.special.entr(probs).mean(1)  # [n, C]
    scores: Tensor = shares.clamp_min(0.0).sum(1)
    return scores
