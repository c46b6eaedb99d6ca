"""Gains of candidates under configurations of the labels of a batch, computed in blocks that stay in cache.

gain(x | S) = E over configurations y_S of [ H(Σ_k w_k p_k(y_x)) - Σ_k w_k H(p_k(y_x)) ],  w_k = p(k | y_S).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.acquisition.checks import chunk_log_probs
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.contracts import Chunk
from lindley.information import Configurations
from lindley.shapes import Positions, Scores
from lindley.torch_state import no_autocast

_BLOCK_BYTES = 1 << 20
_NEGLIGIBLE = {torch.float32: 1e-18, torch.float64: 1e-150}
"""Smaller factors are zero, so that no product is a subnormal number: those are a hundred times slower."""
_LOG_NEGLIGIBLE = -400.0  # a logarithm that stands for -inf where its probability is zero: 0 log 0 = 0

Terms = Float[Tensor, "n C1 K"]
"""The C probabilities of each row under each draw and, as one more line, its entropy under each draw."""
Weights = Float[Tensor, "K M"]
"""The probability of each draw, once the labels of a configuration are known."""
ConfigurationGains = Float[Tensor, "n M"]


@no_autocast()
def gains(terms: Terms, configurations: Configurations) -> Scores:
    """Return what each row adds to the batch of these configurations.  [n, C+1, K] -> [n] nats, float64"""
    weights = draw_weights(configurations, terms)
    share = configurations.log_share.exp().to(weights)  # [M]
    blocks = terms.split(block_rows(terms[:1], weights))
    return torch.cat([configuration_gains(block, weights).mv(share).double().clamp_min_(0.0).cpu() for block in blocks])


@no_autocast()
def configuration_gains(terms: Terms, weights: Weights) -> ConfigurationGains:
    """Return what each row adds on each configuration.  [n, C+1, K], [K, M] -> [n, M] nats

    Both terms of a gain come from one matrix product under the same weights: their difference is never negative but
    for rounding, and decays to zero as the batch fills up.
    """
    mixed = (terms.flatten(0, 1) @ weights).view(*terms.shape[:2], -1)  # [n, C+1, M]
    probs, conditional = mixed[:, :-1], mixed[:, -1]  # [n, C, M], [n, M]
    probs.clamp_min_(torch.finfo(probs.dtype).tiny)  # 0 log 0 = 0: tiny · log tiny is far below rounding
    gain = torch.log(probs).mul_(probs).sum(1)  # [n, M]; vectorised, unlike entr
    return gain.add_(conditional).neg_()


def draw_weights(configurations: Configurations, like: Tensor, columns: slice = slice(None)) -> Weights:
    """Return the probabilities of the draws given configurations, p(k | y_1..B).

    Args:
        configurations: Configurations of the labels of a batch.
        like: A tensor with the precision and device of the result.
        columns: The configurations that are wanted; by default all.

    Returns:
        The probabilities, [K, M], each column with sum 1.
    """
    log_likelihood = configurations.log_likelihood[columns]
    relative = (log_likelihood - log_likelihood.amax(1, keepdim=True)).to(like)  # [M, K], 0 at the likeliest draw
    return _drop_negligible(relative.softmax(1)).T.contiguous()


def block_rows(row: Tensor, weights: Tensor) -> int:
    """Return the rows of one block, whose mixtures fit a core's cache or a quarter of a GPU's free memory."""
    block_bytes = _BLOCK_BYTES if row.device.type != "cuda" else torch.cuda.mem_get_info(row.device)[0] // 4
    return max(1, block_bytes // (row.element_size() * row.shape[1] * weights.shape[1]))


def prepare_terms(chunk: Chunk, positions: Positions) -> tuple[Terms]:
    """Return the terms of a chunk's rows, float64 where the predictions are, float32 otherwise.  -> [n, C+1, K]"""
    return (_terms(chunk_log_probs(chunk)),)


def map_blocks(
    ranked: RankedCandidates, ranks: Positions, weights: Weights, function: Callable[[Terms, Weights], Tensor]
) -> Tensor:
    """Apply a function of terms and weights to blocks of rows that stay in cache.

    Args:
        ranked: Candidates whose terms are kept.
        ranks: Ranks of the rows, [n].
        weights: Probabilities of the draws on each configuration, [K, M].
        function: Function of terms and weights, [m, C+1, K], [K, M] -> [m, ...].

    Returns:
        The results, [n, ...], on the CPU.
    """
    blocks = ranks.split(block_rows(ranked.first[0], weights))
    return torch.cat([function(ranked(block)[0], weights).cpu() for block in blocks])


def _terms(log_probs: Tensor) -> Tensor:
    """Return probabilities and entropies.  [n, K, C] -> [n, C+1, K], float64 where the input is, else float32"""
    dtype = torch.float64 if log_probs.dtype == torch.float64 else torch.float32
    log_probs = log_probs.to(dtype).clamp_min(_LOG_NEGLIGIBLE)
    probs = _drop_negligible(log_probs.exp())  # [n, K, C]
    terms = probs.new_empty(len(probs), probs.shape[2] + 1, probs.shape[1])
    terms[:, :-1] = probs.transpose(1, 2)
    terms[:, -1] = (probs * log_probs).sum(2).neg_()
    return terms


def _drop_negligible(factors: Tensor) -> Tensor:
    return torch.nn.functional.threshold(factors, _NEGLIGIBLE[factors.dtype], 0.0, inplace=True)
