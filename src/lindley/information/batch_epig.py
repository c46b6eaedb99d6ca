"""Batch EPIG: the information of the labels of B rows, taken together, about predictions elsewhere."""

from __future__ import annotations

import math

import torch

from lindley.errors import InputError
from lindley.information.configurations import (
    Configurations,
    ConfigurationValues,
    empty_configurations,
    sample_configurations,
)
from lindley.information.joint import Estimate
from lindley.information.pairwise import column_blocks, mutual_information_terms, probs_by_class, uniform_weights
from lindley.shapes import BatchLogProbs, TargetLogProbs

MAX_CONFIGURATIONS = 1 << 17
"""Number of configurations up to which all are enumerated: 100 MiB at K = 100."""
_BLOCK_CONFIGURATIONS = 128


def batch_epig(batch_log_probs: BatchLogProbs, targets: TargetLogProbs) -> float:
    """Mean over targets of I[y_1..B; y*], exact, by enumerating all C**B configurations.

    [B, K, C], [T, K, C] -> nats.

    From 0 to the smaller of log C and the joint information of the batch. Not submodular: of y* = y_1 xor y_2 each
    label alone has no information, and both have all.
    Raises InputError when there are more than MAX_CONFIGURATIONS configurations, or where draws or classes differ.
    """
    num_rows, num_draws, num_classes = batch_log_probs.shape
    if num_classes**num_rows > MAX_CONFIGURATIONS:
        raise InputError(
            "Use estimate_batch_epig for this batch.",
            argument="batch_log_probs",
            expected=f"a batch with C**B of at most {MAX_CONFIGURATIONS} configurations",
            got=f"{num_classes}**{num_rows}",
        )
    configurations = empty_configurations(num_draws)
    for row in batch_log_probs:
        configurations = configurations.extend(row, num_configurations=MAX_CONFIGURATIONS, seed=0)
    return float(information_on_targets(configurations, targets) @ configurations.log_share.exp())


def estimate_batch_epig(
    batch_log_probs: BatchLogProbs, targets: TargetLogProbs, *, num_configurations: int = 10_000, seed: int
) -> Estimate:
    """Batch EPIG from sampled configurations, for batches of any size, in nats.

    Unbiased; the standard error takes the configurations as independent. They are spread evenly over the draws, so it
    is rather too large than too small.

    Args:
        batch_log_probs: [B, K, C], in nats.
        targets: [T, K, C], in nats, under the same draws.
        num_configurations: Number of configurations to sample, at least 2.
        seed: Seed of the configurations.
    """
    if num_configurations < 2:
        expected = "at least 2, for the standard error"
        raise InputError(argument="num_configurations", expected=expected, got=num_configurations)
    configurations = sample_configurations(batch_log_probs, num_configurations=num_configurations, seed=seed)
    values = information_on_targets(configurations, targets)
    return Estimate(float(values.mean()), float(values.std()) / math.sqrt(num_configurations))


def information_on_targets(configurations: Configurations, targets: TargetLogProbs) -> ConfigurationValues:
    """Information of each configuration about the targets, mean KL[p(y* | y_1..B) || p(y*)].  -> [M] nats"""
    posterior = configurations.log_posterior().exp()  # [M, K]
    if posterior.shape[1] != targets.shape[1] or len(targets) == 0:
        expected = f"[T, {posterior.shape[1]}, C], T at least 1"
        raise InputError(argument="targets", expected=expected, got=[*targets.shape])
    targets = targets.double()
    others = column_blocks(probs_by_class(targets), uniform_weights(targets))
    total = torch.zeros(len(posterior), dtype=torch.float64)
    for part in others:
        blocks = posterior[:, None, :].split(_BLOCK_CONFIGURATIONS)
        total += torch.cat([mutual_information_terms(block, part).mv(part.average) for block in blocks])
    return total.div_(len(targets)).clamp_min_(0.0)
