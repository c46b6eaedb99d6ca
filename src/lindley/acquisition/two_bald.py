"""2-BALD: joint information of a batch up to pairs, by inclusion and exclusion.

Source: Kirsch 2023, "Speeding up BatchBALD: a k-BALD family of approximations for active learning", arXiv:2301.09490.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.gains import HOLD_BYTES
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.scores import bald
from lindley.acquisition.select import pointwise, tie_break
from lindley.contracts import Candidates, Context, Selection
from lindley.information.pairwise import (
    Columns,
    LikelihoodRatios,
    block_information,
    classes_first,
    likelihood_ratios,
    rows_per_block,
    uniform_weights,
    weigh_draws,
)
from lindley.shapes import Positions, Scores

_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256
_READ_ROWS = 512


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

    def __init__(self, candidates: Candidates, scores: Scores, *, seed: int) -> None:
        self._order = scores.argsort(descending=True, stable=True)
        self._values = scores[self._order].double()
        self._ties = tie_break(candidates.rows, seed)[self._order]
        self._counted = torch.zeros(len(scores), dtype=torch.int64)  # members that a value has been reduced by
        self._rows = HeldRatios(candidates, self._order)
        self._members: list[Columns] = []
        self.pairs = 0
        self.dtype = self._rows.dtype

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
        score = float(self._values[rank])
        self._values[rank] = -math.inf
        self._members.append(self._rows.columns(rank))
        return int(self._order[rank]), score

    def _best(self) -> float:
        return float(self._values[self._counted == len(self._members)].max())

    def _shared(self, ranks: Positions) -> Tensor:
        """What the rows share with the members that they have not been reduced by.  [n] -> [n] nats, float64"""
        if not self._members:
            return torch.zeros(len(ranks), dtype=torch.float64)
        shared = torch.empty(len(ranks), dtype=torch.float64)
        for counted in self._counted[ranks].unique().tolist():
            alike = (self._counted[ranks] == counted).nonzero()[:, 0]
            members = self._members[counted:]
            others = Columns(torch.cat([each.ratios for each in members], 1), torch.cat([m.average for m in members]))
            for part in alike.split(self._rows.per_block(len(members))):
                shared[part] = block_information(self._rows(ranks[part]), [others]).double().sum(1).cpu()
            self.pairs += len(alike) * len(members)
        return shared


class HeldRatios:
    """The likelihood ratios of candidates by rank: computed once, in that order, and held as far as memory is given."""

    def __init__(self, candidates: Candidates, order: Positions, *, hold_bytes: int = HOLD_BYTES) -> None:
        self._candidates, self._by_rank = candidates, candidates.rows[order]
        first = self._read(slice(0, 1))
        self.dtype, self._device = first.ratios.dtype, first.ratios.device
        capacity = min(len(order), hold_bytes // (first.ratios.numel() * first.ratios.element_size()))
        self._held = LikelihoodRatios(*(part.new_empty(capacity, *part.shape[1:]) for part in first))
        self._filled = 0

    def __call__(self, ranks: Positions) -> LikelihoodRatios:
        """[n] ranks, weighted -> [n, C, K] ratios, [n, C] averages"""
        last = int(ranks.max())
        if last >= len(self._held.ratios):
            return self._read(ranks)
        while self._filled <= last:
            new = slice(self._filled, min(self._filled + _READ_ROWS, len(self._held.ratios)))
            for held, part in zip(self._held, self._read(new), strict=True):
                held[new] = part
            self._filled = new.stop
        ranks = ranks.to(self._device)
        return LikelihoodRatios(self._held.ratios[ranks], self._held.average[ranks])

    def columns(self, rank: int) -> Columns:
        """One row as others are multiplied with it."""
        rows = self(torch.tensor([rank]))
        return Columns(rows.ratios[0].T * rows.ratios.shape[2], rows.average[0])

    def per_block(self, num_members: int) -> int:
        """Rows whose pairs with that many members stay in cache."""
        return min(_READ_ROWS, rows_per_block(self._held.ratios.shape[1], num_members, self._device))

    def _read(self, ranks: Positions | slice) -> LikelihoodRatios:
        log_probs = take_log_probs(self._candidates, self._by_rank[ranks])
        weights = uniform_weights(log_probs)
        return weigh_draws(likelihood_ratios(classes_first(log_probs), weights), weights)
