"""What one more row would add to a batch: gains of candidates under label paths, in blocks that stay in cache.

gain(x | S) = E over paths y_S of [ H(Σ_k w_k p_k(y_x)) - Σ_k w_k H(p_k(y_x)) ],  w_k = p(k | y_S).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.contracts import Predictions
from lindley.information import LabelPaths
from lindley.shapes import Positions, Scores

HOLD_BYTES = 1 << 29
"""Candidates that are kept for the next pick take at most this much memory."""
_BLOCK_BYTES = 1 << 20
_READ_ROWS = 512
_NEGLIGIBLE = {torch.float32: 1e-18, torch.float64: 1e-150}
"""Smaller factors are zero, so that no product is a subnormal number: those are a hundred times slower."""

Terms = Float[Tensor, "n C1 K"]
"""Per row: its C probabilities under each draw and, as one more line, its entropy under each draw."""


def gains(terms: Terms, paths: LabelPaths) -> Scores:
    """What each row adds to the batch that the paths stand for.  [n, C+1, K] -> [n] nats, float64

    Both terms of a gain come from one matrix product under the same weights, path by path: their difference is never
    negative but for rounding, and decays to zero as the batch fills up.
    """
    weights = _without_negligible(paths.log_posterior().exp().to(terms.dtype)).T.contiguous()  # [K, M]
    share = paths.log_share.exp().to(terms.dtype)  # [M]
    block_rows = max(1, _BLOCK_BYTES // (terms.element_size() * terms.shape[1] * len(share)))
    return torch.cat([_block_gains(block, weights, share) for block in terms.split(block_rows)])


def _block_gains(terms: Tensor, weights: Tensor, share: Tensor) -> Tensor:
    mixed = (terms.flatten(0, 1) @ weights).view(*terms.shape[:2], -1)  # [n, C+1, M]
    probs, conditional = mixed[:, :-1], mixed[:, -1]  # [n, C, M], [n, M]
    probs.clamp_min_(torch.finfo(probs.dtype).tiny)  # 0 log 0 = 0: tiny · log tiny is far below rounding
    surprise = torch.log(probs).mul_(probs).sum(1)  # [n, M]; vectorised, unlike entr
    return (surprise + conditional).neg_().mv(share).double().clamp_min_(0.0)  # [n]


class HeldTerms:
    """The terms of candidates, known by rank: rank r is position order[r] of the predictions.

    The rows of low rank are read once, in that order, and held as far as hold_bytes go; the others are read each time
    they are asked for. The best candidates have low ranks, so a search that starts with them reads few rows.
    """

    def __init__(self, predictions: Predictions, order: Positions, *, hold_bytes: int = HOLD_BYTES) -> None:
        self._predictions = predictions
        self._order = order
        first = _terms(predictions.take(order[:1]))
        capacity = min(len(order), hold_bytes // (first.numel() * first.element_size()))
        self._held = first.new_empty(capacity, *first.shape[1:])  # pages that are never written take no memory
        self._filled = 0

    def __call__(self, ranks: Positions) -> Terms:
        """[n] -> [n, C+1, K] in the order asked."""
        if len(self._held) <= int(ranks.max()):
            return _terms(self._predictions.take(self._order[ranks]))
        while self._filled <= int(ranks.max()):
            new = slice(self._filled, min(self._filled + _READ_ROWS, len(self._held)))
            self._held[new] = _terms(self._predictions.take(self._order[new]))
            self._filled = new.stop
        return self._held[ranks]


def _terms(log_probs: Tensor) -> Tensor:
    """[n, K, C] -> [n, C+1, K], float64 where the input is, float32 otherwise."""
    dtype = torch.float64 if log_probs.dtype == torch.float64 else torch.float32
    probs = log_probs.cpu().to(dtype).exp().transpose(1, 2)  # [n, C, K]
    entropies = torch.special.entr(probs).sum(1, keepdim=True)  # [n, 1, K]
    return _without_negligible(torch.cat([probs, entropies], 1))


def _without_negligible(factors: Tensor) -> Tensor:
    return factors.masked_fill_(factors < _NEGLIGIBLE[factors.dtype], 0.0)
