"""Batch EPIG: what the labels of B rows, taken together, are expected to say about predictions elsewhere."""

from __future__ import annotations

import math

import torch

from lindley.errors import InputError
from lindley.information.joint import Estimate
from lindley.information.pairwise import classes_first, in_columns, surprise, uniform_weights
from lindley.information.paths import LabelPaths, PathShares, no_labels, sample_paths
from lindley.shapes import BatchLogProbs, TargetLogProbs

MAX_PATHS = 1 << 17
"""Label paths that are still enumerated: 100 MiB at K = 100."""
_BLOCK_PATHS = 128


def batch_epig(batch_log_probs: BatchLogProbs, targets: TargetLogProbs) -> float:
    """Mean over targets of I[y_1..B; y*], exact, by enumerating all C**B label paths.  [B, K, C], [T, K, C] -> nats.

    From 0 to the smaller of log C and the joint information of the batch. Not submodular: of y* = y_1 xor y_2 each
    label alone says nothing, and both say all.
    Raises InputError when there are more than MAX_PATHS paths, or where draws or classes differ.
    """
    num_rows, num_draws, num_classes = batch_log_probs.shape
    if num_classes**num_rows > MAX_PATHS:
        raise InputError(
            f"exact batch EPIG enumerates C**B label paths, at most {MAX_PATHS}; got {num_classes}**{num_rows}. "
            "Use estimate_batch_epig for this batch."
        )
    paths = no_labels(num_draws)
    for row in batch_log_probs:
        paths = paths.extended(row, num_paths=MAX_PATHS, seed=0)
    return float(information_on_targets(paths, targets) @ paths.log_share.exp())


def estimate_batch_epig(
    batch_log_probs: BatchLogProbs, targets: TargetLogProbs, *, num_paths: int = 10_000, seed: int
) -> Estimate:
    """Batch EPIG from sampled label paths, for batches of any size.  [B, K, C], [T, K, C] -> nats.

    Unbiased; the standard error takes the paths as independent. They are spread evenly over the draws, so it is rather
    too large than too small.
    """
    if num_paths < 2:
        raise InputError(f"a standard error needs num_paths of at least 2; got {num_paths}")
    paths = sample_paths(batch_log_probs, num_paths=num_paths, seed=seed)
    per_path = information_on_targets(paths, targets)
    return Estimate(float(per_path.mean()), float(per_path.std()) / math.sqrt(num_paths))


def information_on_targets(paths: LabelPaths, targets: TargetLogProbs) -> PathShares:
    """What each path tells about the targets, the mean over them of KL[p(y* | path) || p(y*)].  -> [M] nats"""
    posterior = paths.log_posterior().exp()  # [M, K]
    if posterior.shape[1] != targets.shape[1] or len(targets) == 0:
        raise InputError(f"targets must be [T, {posterior.shape[1]}, C], T of 1 or more; got {[*targets.shape]}")
    targets = targets.double()
    others = in_columns(classes_first(targets), uniform_weights(targets))
    total = torch.zeros(len(posterior), dtype=torch.float64)
    for part in others:
        blocks = posterior[:, None, :].split(_BLOCK_PATHS)
        total += torch.cat([surprise(block, part).mv(part.average) for block in blocks])
    return total.div_(len(targets)).clamp_min_(0.0)
