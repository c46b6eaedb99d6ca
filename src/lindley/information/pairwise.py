"""Mutual information of the labels of two rows: their joint distribution under the same draws against independence.

Everything here works with likelihood ratios. With a_k(y) = w_k p_k(y) / q(y) and b_k(y') = p_k(y') / r(y'), where q and
r are the averages under weights w over the draws, one matrix product gives

    ρ(y, y') = Σ_k a_k(y) b_k(y') = p(y, y') / (q(y) r(y')),      I[y; y'] = Σ q(y) r(y') ρ log ρ .

Independent labels have ρ = 1 and terms that vanish one by one, so nothing is lost in a difference of large entropies:
float32 is within 1e-6 nats of float64, whatever the number of classes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import BatchLogProbs, LogProbs
from lindley.torch_state import no_autocast

PairInformation = Float[Tensor, "N B"]
ProbsByClass = Float[Tensor, "n C K"]
"""Probabilities, each class's draws side by side: what the matrix products read."""
DrawWeights = Float[Tensor, "K"]
Scratch = Float[Tensor, "2 size"]

_FLOOR = {torch.float32: 1e-16, torch.float64: 1e-100}
"""The smallest probability: far below rounding, and large enough that no ratio is zero or a (slow) subnormal number."""
_BLOCK_ELEMENTS = defaultdict(lambda: 1 << 26, cpu=1 << 19)  # 2 MiB of float32 a thread: in cache
_BLOCK_COLUMNS = 1024


class LikelihoodRatios(NamedTuple):
    """The likelihood ratios of rows, p_k(y) / average(y) [n, C, K], and the averages [n, C]."""

    ratios: Tensor
    average: Tensor


class Columns(NamedTuple):
    """Likelihood ratios as the columns of one matrix product [K, m*C], and their averages [m*C]."""

    ratios: Tensor
    average: Tensor


def pairwise_information(log_probs: LogProbs, batch: BatchLogProbs) -> PairInformation:
    """Mutual information of two labels, I[y_i; y_j], one of the rows, one of the batch.  -> [N, B] nats.

    Both under the same draws. At least 0, at most the BALD score of either row. For a row with itself it is the
    information between two labels that the model would give to that row, one after the other: below the entropy.
    Raises InputError where draws or classes differ.
    """
    check_same_draws(log_probs, batch, "batch")
    if len(log_probs) == 0 or len(batch) == 0:
        return log_probs.new_zeros(len(log_probs), len(batch), dtype=compute_dtype(log_probs))
    weights = uniform_weights(log_probs)
    others = column_blocks(probs_by_class(batch), weights)
    blocks = log_probs.split(rows_per_block(log_probs.shape[2], len(batch), log_probs.device))
    memory = allocate_scratch(log_probs.shape[2], len(batch), weights)
    rows = (weigh_draws(likelihood_ratios(probs_by_class(block), weights), weights) for block in blocks)
    return torch.cat([block_information(block, others, memory) for block in rows])


def check_same_draws(log_probs: Tensor, others: Tensor, name: str) -> None:
    """Raise InputError where predictions have other numbers of draws or classes.

    Args:
        log_probs: [N, K, C].
        others: [M, K', C'], the predictions to compare.
        name: What the message calls the others.
    """
    if log_probs.shape[1:] != others.shape[1:]:
        raise InputError(
            "Predict both with one Draws object.",
            argument=name,
            expected=f"under the K draws and of the C classes of log_probs, [K, C] = {[*log_probs.shape[1:]]}",
            got=[*others.shape[1:]],
        )


def compute_dtype(log_probs: Tensor) -> torch.dtype:
    """Return float64 for input in float64, float32 for any other."""
    return torch.float64 if log_probs.dtype == torch.float64 else torch.float32


def probs_by_class(log_probs: Tensor) -> ProbsByClass:
    """Return probabilities with the classes before the draws, copied and detached.  [n, K, C] nats -> [n, C, K]"""
    dtype = compute_dtype(log_probs)
    own = log_probs.detach().to(dtype).transpose(1, 2).clone(memory_format=torch.contiguous_format)
    return own.exp_().clamp_min_(_FLOOR[dtype])


def floor_probs(probs: ProbsByClass) -> ProbsByClass:
    """Raise probabilities to the floor that `probs_by_class` gives them, so that none is zero.  [n, C, K]"""
    return probs.clamp_min(_FLOOR[probs.dtype])


def uniform_weights(log_probs: Tensor) -> DrawWeights:
    """Return equal weights of the draws.  -> [K]"""
    num_draws = log_probs.shape[1]
    return torch.full((num_draws,), 1 / num_draws, dtype=compute_dtype(log_probs), device=log_probs.device)


@no_autocast()
def likelihood_ratios(probs: ProbsByClass, weights: DrawWeights) -> LikelihoodRatios:
    """Likelihood ratios of rows under weights of the draws.  [n, C, K], [K]"""
    average = probs @ weights  # [n, C]
    return LikelihoodRatios(probs / average[..., None], average)


def weigh_draws(rows: LikelihoodRatios, weights: DrawWeights) -> LikelihoodRatios:
    """Multiply the ratios of rows by the weights of the draws, as the product with columns requires."""
    return LikelihoodRatios(rows.ratios * weights, rows.average)


def column_blocks(probs: ProbsByClass, weights: DrawWeights) -> list[Columns]:
    """Return likelihood ratios as blocks of about a thousand columns, so that memory stays bounded."""
    num_classes, num_draws = probs.shape[1:]
    parts = (likelihood_ratios(part, weights) for part in probs.split(max(1, _BLOCK_COLUMNS // num_classes)))
    return [Columns(part.ratios.view(-1, num_draws).T.contiguous(), part.average.flatten()) for part in parts]


def rows_per_block(num_classes: int, num_others: int, device: torch.device) -> int:
    """Number of rows that stay in cache together with one block of columns.

    Args:
        num_classes: C.
        num_others: Number of rows that the columns stand for.
        device: Where the product is computed.
    """
    num_columns = min(num_others, max(1, _BLOCK_COLUMNS // num_classes)) * num_classes
    elements = _BLOCK_ELEMENTS[device.type] * (torch.get_num_threads() if device.type == "cpu" else 1)
    return max(1, elements // (num_classes * num_columns))


def allocate_scratch(num_classes: int, num_others: int, weights: DrawWeights) -> Scratch:
    """Allocate memory that the blocks overwrite in turn: allocating it for each block costs more than the product.

    Args:
        num_classes: C.
        num_others: Number of rows that the columns stand for.
        weights: [K]; their device and precision are those of the memory.
    """
    num_columns = min(num_others, max(1, _BLOCK_COLUMNS // num_classes)) * num_classes
    num_rows = rows_per_block(num_classes, num_others, weights.device) * num_classes
    return weights.new_empty(2, num_rows * num_columns)


@no_autocast()
def mutual_information_terms(
    rows: ProbsByClass, others: Columns, memory: Scratch | None = None
) -> Float[Tensor, "nC mC"]:
    """Terms ρ log ρ of the mutual information, of each class of the rows with each of the others.  -> [n*C, m*C]

    Args:
        rows: [n, C, K], likelihood ratios times the weights of the draws.
        others: One block of columns.
        memory: Scratch memory; the result lies in it, and is valid until the next call.
    """
    shape = (rows.shape[0] * rows.shape[1], others.ratios.shape[1])
    memory = rows.new_empty(2, shape[0] * shape[1]) if memory is None else memory
    ratios, terms = (part[: shape[0] * shape[1]].view(shape) for part in memory)
    torch.mm(rows.flatten(0, 1), others.ratios, out=ratios)
    return torch.log(ratios, out=terms).mul_(ratios)


def block_information(rows: LikelihoodRatios, others: list[Columns], memory: Scratch | None = None) -> PairInformation:
    """Mutual information I[y_i; y_j] of one block of rows with each of the others.  -> [n, B] nats

    Args:
        rows: Likelihood ratios times the weights of the draws.
        others: All columns, block by block.
        memory: Scratch memory for one block.
    """
    num_rows, num_classes, _ = rows.ratios.shape
    parts = []
    for part in others:
        terms = mutual_information_terms(rows.ratios, part, memory).view(num_rows, num_classes, -1)  # [n, C, m*C]
        by_class = terms.mul_(rows.average[..., None]).sum(1).mul_(part.average)  # [n, m*C]
        parts.append(by_class.view(num_rows, -1, num_classes).sum(2))
    return torch.cat(parts, 1).clamp_min_(0.0)
