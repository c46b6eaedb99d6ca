"""An independent judge of batches: joint information under many draws and many label configurations.

It shares no code with the package's estimators. A configuration takes one label for each row from one draw's
predictions; its log-likelihood under every draw is one row of a matrix product, [M, B * C] one-hot labels times
[B * C, K] log-probabilities, so that 100,000 configurations under 10,000 draws take seconds for 10 rows and a minute
for 100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK_ELEMENTS = 1 << 21
_IMPOSSIBLE = -1e4  # a logarithm that stands for -inf: 0 times it is 0, and exp of it is 0


@dataclass(frozen=True)
class Judgement:
    """I[y_1..B; θ] in nats, its standard error, and what it leaves of log K.

    The rest is E_y H[θ | y], computed as it is and not as a difference: where batches have used up log K to four digits
    it still tells them apart.
    """

    information: float
    standard_error: float
    left: float


def judge(batch_log_probs: Tensor, *, num_configurations: int = 100_000, seed: int = 0) -> Judgement:
    """Joint information of a batch: log K - E_y H[θ | y], which is unbiased.  [B, K, C] -> nats, at most log K

    The draws own equally many configurations as far as K divides num_configurations; the standard error ignores that,
    so it is rather too large than too small.
    """
    num_rows, num_draws, num_classes = batch_log_probs.shape
    labels = _sampled_labels(batch_log_probs, num_configurations, seed)  # [M, B]
    table = batch_log_probs.float().clamp_min(_IMPOSSIBLE).transpose(1, 2).reshape(-1, num_draws)  # [B * C, K]
    offsets = torch.arange(num_rows) * num_classes
    parts = []
    for block in labels.split(max(1, _BLOCK_ELEMENTS // num_draws)):
        one_hot = torch.zeros(len(block), len(table)).scatter_(1, block + offsets, 1.0)  # [m, B * C]
        parts.append(_entropy_of_draws(one_hot @ table))
    remaining = torch.cat(parts).double()
    left = float(remaining.mean())
    return Judgement(math.log(num_draws) - left, float(remaining.std()) / math.sqrt(num_configurations), left)


def _entropy_of_draws(log_likelihood: Tensor) -> Tensor:
    """H[θ | configuration] of each configuration; its argument is overwritten.  [m, K] -> [m]

    The likeliest draw has weight 1 and is left out of the sums, so that small entropies keep their digits.
    """
    likeliest = log_likelihood.max(1, keepdim=True)
    relative = log_likelihood.sub_(likeliest.values).clamp_min_(-80.0)
    weights = relative.exp().scatter_(1, likeliest.indices, 0.0)
    others = weights.sum(1)
    return others.log1p() - torch.linalg.vecdot(weights, relative) / (1 + others)


def _sampled_labels(batch_log_probs: Tensor, num_configurations: int, seed: int) -> Tensor:
    """[M, B]: configuration m takes its labels from draw m modulo K."""
    generator = torch.Generator().manual_seed(seed)
    owners = torch.arange(num_configurations) % batch_log_probs.shape[1]
    labels = torch.empty(num_configurations, len(batch_log_probs), dtype=torch.int64)
    for member, row in enumerate(batch_log_probs):
        cumulative = row.double().exp().cumsum(1)  # [K, C]
        cumulative /= cumulative[:, -1:].clone()
        noise = torch.rand(num_configurations, 1, dtype=torch.float64, generator=generator)
        labels[:, member] = (cumulative[owners] <= noise).sum(1)
    return labels
