"""Joint entropy and joint information of a batch: what the labels of B rows, taken together, say about the draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.information.entropy import conditional_entropy
from lindley.information.paths import sample_paths
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs

MAX_ENUMERATED = 1 << 27
"""Label paths that are still enumerated: seconds at K = 100."""
_BLOCK_ELEMENTS = 1 << 21


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo estimate and its standard error, in the same unit."""

    value: float
    standard_error: float


def joint_entropy(batch_log_probs: BatchLogProbs) -> float:
    """H[y_1..B], exact, by enumerating all C**B label paths.  [B, K, C] -> nats.

    Raises InputError when there are more than MAX_ENUMERATED paths.
    """
    num_rows, num_draws, num_classes = batch_log_probs.shape
    if num_classes**num_rows > MAX_ENUMERATED:
        raise InputError(
            f"exact joint entropy enumerates C**B label paths, at most {MAX_ENUMERATED}; "
            f"got {num_classes}**{num_rows}. Use estimate_joint_information for this batch."
        )
    probs = batch_log_probs.detach().double().exp()  # at most 27 factors: nothing that matters underflows
    first = _path_probs(probs[: num_rows // 2]) / num_draws  # [C**(B/2), K]
    second = _path_probs(probs[num_rows // 2 :]).T.contiguous()  # [K, C**(B/2)]
    block = max(1, _BLOCK_ELEMENTS // second.shape[1])
    return float(sum(torch.special.entr(part @ second).sum() for part in first.split(block)))


def joint_information(batch_log_probs: BatchLogProbs) -> float:
    """I[y_1..B; θ] = H[y_1..B] - Σ_i E_k H[p_k(y_i)], exact.  [B, K, C] -> nats, from 0 to log K.

    Raises InputError when there are more than MAX_ENUMERATED paths.
    """
    information = joint_entropy(batch_log_probs) - float(conditional_entropy(batch_log_probs.detach().double()).sum())
    return min(max(information, 0.0), math.log(batch_log_probs.shape[1]))  # beyond by rounding only: about 1e-15


def estimate_joint_information(batch_log_probs: BatchLogProbs, *, num_paths: int = 10_000, seed: int) -> Estimate:
    """I[y_1..B; θ] from sampled label paths, for batches of any size.  [B, K, C] -> nats.

    I = log K - E_y H[θ | y]: each path gives log K minus the entropy of its posterior over the draws, which lies
    between 0 and log K, so the estimate does too. It is unbiased; the paths are spread evenly over the draws, and the
    standard error ignores that, so it is rather too large than too small.
    """
    if num_paths < 2:
        raise InputError(f"a standard error needs num_paths of at least 2; got {num_paths}")
    num_draws = batch_log_probs.shape[1]
    block = max(num_draws, _BLOCK_ELEMENTS // num_draws)
    sizes = [block] * (num_paths // block) + ([num_paths % block] if num_paths % block else [])
    per_path = torch.cat(
        [
            sample_paths(
                batch_log_probs, num_paths=size, seed=derive_seed(seed, "joint information", part)
            ).information()
            for part, size in enumerate(sizes)
        ]
    )
    value = min(float(per_path.mean()), math.log(num_draws))  # above it by rounding only: about 1e-15
    return Estimate(value, float(per_path.std()) / math.sqrt(num_paths))


def _path_probs(probs: Tensor) -> Tensor:
    """p_k(y_1..B) of all paths.  [B, K, C] -> [C**B, K]"""
    paths = probs.new_ones(1, probs.shape[1])
    for row in probs:
        paths = (paths[:, None, :] * row.T[None]).flatten(0, 1)
    return paths
