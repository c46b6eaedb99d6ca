"""Joint entropy of the labels of a batch, and their joint information about the draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.information.configurations import sample_configurations
from lindley.information.entropy import conditional_entropy
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs

MAX_ENUMERATED = 1 << 27
"""Number of configurations up to which all are enumerated: seconds at K = 100."""
_BLOCK_ELEMENTS = 1 << 21


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo estimate and its standard error, in the same unit."""

    value: float
    standard_error: float


def joint_entropy(batch_log_probs: BatchLogProbs) -> float:
    """Joint entropy H[y_1..B], exact, by enumerating all C**B configurations.  [B, K, C] -> nats.

    Raises InputError when there are more than MAX_ENUMERATED configurations.
    """
    num_rows, num_draws, num_classes = batch_log_probs.shape
    if num_classes**num_rows > MAX_ENUMERATED:
        raise InputError(
            "Use estimate_joint_information for this batch.",
            argument="batch_log_probs",
            expected=f"a batch with C**B of at most {MAX_ENUMERATED} configurations",
            got=f"{num_classes}**{num_rows}",
        )
    probs = batch_log_probs.detach().double().exp()  # at most 27 factors: nothing that matters underflows
    first = _configuration_probs(probs[: num_rows // 2]) / num_draws  # [C**(B/2), K]
    second = _configuration_probs(probs[num_rows // 2 :]).T.contiguous()  # [K, C**(B/2)]
    block = max(1, _BLOCK_ELEMENTS // second.shape[1])
    return float(sum(torch.special.entr(part @ second).sum() for part in first.split(block)))


def joint_information(batch_log_probs: BatchLogProbs) -> float:
    """Joint information I[y_1..B; θ] = H[y_1..B] - Σ_i E_k H[p_k(y_i)], exact.  [B, K, C] -> nats, from 0 to log K.

    Raises InputError when there are more than MAX_ENUMERATED configurations.
    """
    information = joint_entropy(batch_log_probs) - float(conditional_entropy(batch_log_probs.detach().double()).sum())
    return min(max(information, 0.0), math.log(batch_log_probs.shape[1]))  # beyond by rounding only: about 1e-15


def estimate_joint_information(
    batch_log_probs: BatchLogProbs, *, num_configurations: int = 10_000, seed: int
) -> Estimate:
    """Joint information I[y_1..B; θ] from sampled configurations, for batches of any size, in nats.

    I = log K - E_y H[θ | y]: each configuration gives log K minus the entropy of its posterior over the draws, which
    lies between 0 and log K, so the estimate does too. It is unbiased. The configurations are spread evenly over the
    draws, and the standard error ignores that, so it is rather too large than too small.

    Args:
        batch_log_probs: [B, K, C], in nats.
        num_configurations: Number of configurations to sample, at least 2.
        seed: Seed of the configurations.
    """
    if num_configurations < 2:
        expected = "at least 2, for the standard error"
        raise InputError(argument="num_configurations", expected=expected, got=num_configurations)
    num_draws = batch_log_probs.shape[1]
    block = max(num_draws, _BLOCK_ELEMENTS // num_draws)
    whole, rest = divmod(num_configurations, block)
    sizes = [block] * whole + [rest] * (rest > 0)
    values = torch.cat(
        [
            sample_configurations(
                batch_log_probs, num_configurations=size, seed=derive_seed(seed, "joint information", part)
            ).information()
            for part, size in enumerate(sizes)
        ]
    )
    value = min(float(values.mean()), math.log(num_draws))  # above it by rounding only: about 1e-15
    return Estimate(value, float(values.std()) / math.sqrt(num_configurations))


def _configuration_probs(probs: Tensor) -> Tensor:
    """p_k(y_1..B) of all configurations.  [B, K, C] -> [C**B, K]"""
    joint = probs.new_ones(1, probs.shape[1])
    for row in probs:
        joint = (joint[:, None, :] * row.T[None]).flatten(0, 1)
    return joint
