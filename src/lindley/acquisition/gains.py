"""What one more row would add to a batch: gains of candidates under label paths, in blocks that stay in cache.

gain(x | S) = E over paths y_S of [ H(Σ_k w_k p_k(y_x)) - Σ_k w_k H(p_k(y_x)) ],  w_k = p(k | y_S).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.acquisition.scan import take_log_probs
from lindley.contracts import Candidates
from lindley.information import Configurations
from lindley.modes import no_autocast
from lindley.shapes import Positions, Scores

HOLD_BYTES = 1 << 29
"""Candidates that are kept for the next pick take at most this much memory."""
_BLOCK_BYTES = 1 << 20
_READ_ROWS = 512
_NEGLIGIBLE = {torch.float32: 1e-18, torch.float64: 1e-150}
"""Smaller factors are zero, so that no product is a subnormal number: those are a hundred times slower."""
_LOG_NEGLIGIBLE = -400.0  # a logarithm that stands for -inf where its probability is zero: 0 log 0 = 0

Terms = Float[Tensor, "n C1 K"]
"""Per row: its C probabilities under each draw and, as one more line, its entropy under each draw."""
Weights = Float[Tensor, "K M"]
"""Per path: the probability of each draw, once the labels of the path are known."""
PathGains = Float[Tensor, "n M"]


@no_autocast()
def gains(terms: Terms, paths: Configurations) -> Scores:
    """What each row adds to the batch that the paths stand for.  [n, C+1, K] -> [n] nats, float64"""
    weights = draw_weights(paths, terms)
    share = paths.log_share.exp().to(weights)  # [M]
    blocks = terms.split(block_rows(terms[:1], weights))
    return torch.cat([path_gains(block, weights).mv(share).double().clamp_min_(0.0).cpu() for block in blocks])


@no_autocast()
def path_gains(terms: Terms, weights: Weights) -> PathGains:
    """What each row adds where each path is what was answered.  [n, C+1, K], [K, M] -> [n, M] nats.

    Both terms of a gain come from one matrix product under the same weights: their difference is never negative but
    for rounding, and decays to zero as the batch fills up.
    """
    mixed = (terms.flatten(0, 1) @ weights).view(*terms.shape[:2], -1)  # [n, C+1, M]
    probs, conditional = mixed[:, :-1], mixed[:, -1]  # [n, C, M], [n, M]
    probs.clamp_min_(torch.finfo(probs.dtype).tiny)  # 0 log 0 = 0: tiny · log tiny is far below rounding
    surprise = torch.log(probs).mul_(probs).sum(1)  # [n, M]; vectorised, unlike entr
    return surprise.add_(conditional).neg_()


def draw_weights(paths: Configurations, like: Tensor, columns: slice = slice(None)) -> Weights:
    """p(k | y_1..B) of some of the paths, in the precision and on the device of `like`.  -> [K, M]"""
    log_likelihood = paths.log_likelihood[columns]
    relative = (log_likelihood - log_likelihood.amax(1, keepdim=True)).to(like)  # [M, K], 0 at the likeliest draw
    return _without_negligible(relative.softmax(1)).T.contiguous()


def block_rows(row: Tensor, weights: Tensor) -> int:
    """Rows whose mixtures fill one block: what fits a core's cache, or a quarter of a GPU's free memory."""
    block_bytes = _BLOCK_BYTES if row.device.type != "cuda" else torch.cuda.mem_get_info(row.device)[0] // 4
    return max(1, block_bytes // (row.element_size() * row.shape[1] * weights.shape[1]))


class HeldTerms:
    """The terms of candidates, known by rank: rank r is position order[r] of the candidates.

    The rows of low rank are read once, in that order, and held as far as hold_bytes go; the others are read each time
    they are asked for. The best candidates have low ranks, so a search that starts with them reads few rows.
    """

    def __init__(self, candidates: Candidates, order: Positions, *, hold_bytes: int = HOLD_BYTES) -> None:
        self._candidates = candidates
        self._by_rank = candidates.rows[order]
        self.row = _terms(take_log_probs(candidates, self._by_rank[:1]))
        """[1, C+1, K]: one row, for the sizes, dtype and device of all."""
        capacity = min(len(order), hold_bytes // (self.row.numel() * self.row.element_size()))
        self._held = self.row.new_empty(capacity, *self.row.shape[1:])  # pages never written take no memory
        self._filled = 0

    def __call__(self, ranks: Positions) -> Terms:
        """[n] -> [n, C+1, K] in the order asked."""
        if len(self._held) <= int(ranks.max()):
            return _terms(take_log_probs(self._candidates, self._by_rank[ranks]))
        while self._filled <= int(ranks.max()):
            new = slice(self._filled, min(self._filled + _READ_ROWS, len(self._held)))
            self._held[new] = _terms(take_log_probs(self._candidates, self._by_rank[new]))
            self._filled = new.stop
        return self._held[ranks.to(self._held.device)]

    def mapped(self, ranks: Positions, weights: Weights, function: Callable[[Terms, Weights], Tensor]) -> Tensor:
        """A function of terms and weights over blocks of rows; results on the CPU.  [n] -> [n, ...]"""
        blocks = ranks.split(block_rows(self.row, weights))
        return torch.cat([function(self(block), weights).cpu() for block in blocks])


def _terms(log_probs: Tensor) -> Tensor:
    """[n, K, C] -> [n, C+1, K], float64 where the input is, float32 otherwise."""
    dtype = torch.float64 if log_probs.dtype == torch.float64 else torch.float32
    log_probs = log_probs.to(dtype).clamp_min(_LOG_NEGLIGIBLE)
    probs = _without_negligible(log_probs.exp())  # [n, K, C]
    terms = probs.new_empty(len(probs), probs.shape[2] + 1, probs.shape[1])
    terms[:, :-1] = probs.transpose(1, 2)
    terms[:, -1] = (probs * log_probs).sum(2).neg_()
    return terms


def _without_negligible(factors: Tensor) -> Tensor:
    return torch.nn.functional.threshold(factors, _NEGLIGIBLE[factors.dtype], 0.0, inplace=True)
