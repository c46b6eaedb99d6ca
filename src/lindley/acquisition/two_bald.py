"""2-BALD: joint information of a batch up to pairs, by inclusion and exclusion.

Source: Kirsch 2023, "Speeding up BatchBALD: a k-BALD family of approximations for active learning", arXiv:2301.09490.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.gains import HeldTerms
from lindley.acquisition.scores import bald
from lindley.acquisition.select import pointwise, tie_break
from lindley.contracts import Context, Predictions, Selection
from lindley.information.pairwise import block_information, floored, in_columns, rows_per_block
from lindley.shapes import Positions, Scores

_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256


def two_bald(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Greedily the rows with the largest BALD(x) - Σ_j I[y_x; y_j] over the rows j picked before; scores in nats.

    Sums over a batch to Σ_i I[y_i; θ] - Σ_i<j I[y_i; y_j], the first two terms of the joint information's expansion.
    What three rows share is subtracted three times, so in large batches scores fall below zero; the largest is still
    chosen, and of many informative rows that share too much, one that says nothing (score 0) comes first. Diagnostics:
    two_bald, the sum; negative_picks, how many scores are below zero; pairs_evaluated, the I[y_x; y_j] computed.
    """
    check_request(context, batch_size)
    search = PairSearch(context.candidates, pointwise(bald)(context), seed=seed)
    picks = [search.pick() for _ in range(batch_size)]
    scores = torch.tensor([gain for _, gain in picks], dtype=search.dtype)
    diagnostics = {
        "two_bald": float(scores.sum()),
        "negative_picks": int((scores < -_TIED[search.dtype]).sum()),
        "pairs_evaluated": search.pairs,
    }
    return Selection(context.candidates.rows[torch.tensor([position for position, _ in picks])], scores, diagnostics)


class PairSearch:
    """One pick after another. What a row shares with the batch only grows, so its last score bounds the next one.

    Each pair is computed at most once; rows whose bound is below the best score are not looked at.
    """

    def __init__(self, candidates: Predictions, scores: Scores, *, seed: int) -> None:
        self._order = scores.argsort(descending=True, stable=True)
        self._values = scores[self._order].double()
        self._ties = tie_break(candidates.rows, seed)[self._order]
        self._counted = torch.zeros(len(scores), dtype=torch.int64)  # members that a value has been reduced by
        self._terms = HeldTerms(candidates, self._order)
        self._members = self._terms.row[:0, :-1]  # [B, C, K]
        self.pairs = 0
        self.dtype = self._terms.row.dtype

    def pick(self) -> tuple[int, float]:
        """The next position and its score."""
        best, block, size = -math.inf, _BLOCK, len(self._members)
        while True:
            stale = self._values.masked_fill(self._counted == size, -math.inf)
            top = stale.topk(min(block, len(stale)))
            ranks = top.indices[(top.values > -math.inf) & (top.values >= best - _TIED[self.dtype])]
            if len(ranks) == 0:
                break
            self._values[ranks] -= self._shared(ranks)
            self._counted[ranks] = size
            best, block = self._best(), 2 * block
        finalists = ((self._counted == size) & (self._values >= self._best() - _TIED[self.dtype])).nonzero()[:, 0]
        rank = int(finalists[self._ties[finalists].argmax()])
        gain = float(self._values[rank])
        self._values[rank] = -math.inf
        self._members = torch.cat([self._members, floored(self._terms(torch.tensor([rank]))[:, :-1])])
        return int(self._order[rank]), gain

    def _best(self) -> float:
        return float(self._values[self._counted == len(self._members)].max())

    def _shared(self, ranks: Positions) -> Tensor:
        """What the rows share with the members that they have not been reduced by.  [n] -> [n] nats, float64"""
        first = int(self._counted[ranks].min())
        weights = torch.full_like(self._members[0, 0], 1 / self._members.shape[2])
        others = in_columns(self._members[first:], weights)
        rows = rows_per_block(self._members.shape[1], len(self._members) - first, weights.device)
        parts = [block_information(floored(self._terms(part)[:, :-1]), others, weights) for part in ranks.split(rows)]
        new = torch.arange(first, len(self._members)) >= self._counted[ranks, None]  # [n, b]
        self.pairs += int(new.sum())
        return (torch.cat(parts).cpu().double() * new).sum(1)
