"""2-BALD: joint information of a batch up to pairs, by inclusion and exclusion.

Source: Kirsch 2023, "Speeding up BatchBALD: a k-BALD family of approximations for active learning", arXiv:2301.09490.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request, chunk_log_probs
from lindley.acquisition.greedy_search import BLOCK, TIED, GreedySearch, Pick, build_selection
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.acquisition.scores import bald
from lindley.acquisition.top_k import pointwise
from lindley.contracts import Chunk, Context, Selection
from lindley.information.pairwise import (
    Columns,
    LikelihoodRatios,
    block_information,
    likelihood_ratios,
    probs_by_class,
    rows_per_block,
    uniform_weights,
    weigh_draws,
)
from lindley.shapes import Positions

_MOST_ROWS = 512


def two_bald(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Select greedily the rows with the largest BALD(x) - Σ_j I[y_x; y_j] over the rows j picked before.

    The scores of a batch sum to Σ_i I[y_i; θ] - Σ_i<j I[y_i; y_j], the first two terms of the joint information's
    expansion. Information that three rows share is subtracted three times, so that scores fall below zero in large
    batches. The largest is still chosen: an uninformative row (score 0) then comes before informative rows that
    share too much.

    Args:
        context: The candidates with their predictions, [N, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the order among equal scores.

    Returns:
        The rows in the order picked; scores in nats. Diagnostics: `two_bald`, the sum of the scores;
        `negative_picks`, how many are below zero; `pairs_evaluated`, the I[y_x; y_j] computed.

    Raises:
        InputError: If the request or the predictions cannot be used.
    """
    check_request(context, batch_size)
    scores = pointwise(bald)(context)
    objective = PairObjective(len(scores), scores.dtype)
    picks = GreedySearch(context.candidates, scores, objective, seed=seed).picks(batch_size)
    gains = torch.tensor([pick.gain for pick in picks], dtype=scores.dtype)
    diagnostics = {
        "two_bald": float(gains.sum()),
        "negative_picks": int((gains < -TIED[scores.dtype]).sum()),
        "pairs_evaluated": objective.pairs,
    }
    return build_selection(context.candidates, picks, scores.dtype, diagnostics)


class PairObjective:
    """BALD of each row, less the information that it shares with the rows picked before.

    The shared information only grows, so the last score of a row bounds its next one. Each pair is computed at most
    once; rows whose bound is below the best score are not evaluated.
    """

    def __init__(self, num_rows: int, dtype: torch.dtype, *, block: int = BLOCK) -> None:
        """Begin with an empty batch.

        Args:
            num_rows: Number of candidates, N.
            dtype: Precision of the scores.
            block: Number of candidates that are evaluated first; it doubles each time.
        """
        self.pairs = 0
        """Number of the I[y_x; y_j] that were computed."""
        self._members: list[Columns] = []
        self._counted = torch.zeros(num_rows, dtype=torch.int64)  # members that a row's score has been reduced by
        self._tied, self._block = TIED[dtype], block

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the weighted likelihood ratios of some rows, and their averages.  -> [n, C, K], [n, C]"""
        log_probs = chunk_log_probs(chunk)
        weights = uniform_weights(log_probs)
        return tuple(weigh_draws(likelihood_ratios(probs_by_class(log_probs), weights), weights))

    def find(self, ranked: RankedCandidates) -> Pick:
        """See Objective.find; exact. A score may be below zero."""
        counted, scores, tied = self._counted, ranked.bounds, self._tied
        best, block, size = -math.inf, self._block, len(self._members)
        while True:
            stale = scores.masked_fill(counted == size, -math.inf)
            top = stale.topk(min(block, len(stale)))
            ranks = top.indices[(top.values > -math.inf) & (top.values >= best - tied)]
            if len(ranks) == 0:
                break
            scores[ranks] -= self._overlap(ranked, ranks, counted[ranks])
            counted[ranks] = size
            best, block = float(scores[counted == size].max()), 2 * block
        best = float(scores[counted == size].max())
        finalists = ((counted == size) & (scores >= best - tied)).nonzero()[:, 0]
        rank = int(finalists[ranked.ties[finalists].argmax()])
        return Pick(rank, float(scores[rank]), int((counted == size).sum()))

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """See Objective.add."""
        ratios, average = ranked(torch.tensor([pick.rank]))
        self._members.append(Columns(ratios[0].T * ratios.shape[2], average[0]))

    def _overlap(self, ranked: RankedCandidates, ranks: Positions, counted: Tensor) -> Tensor:
        """Return the information that rows share with members beyond those counted.  [n], [n] -> [n] nats, float64"""
        overlap = torch.zeros(len(ranks), dtype=torch.float64)
        if not self._members:
            return overlap
        for count in counted.unique().tolist():
            alike = (counted == count).nonzero()[:, 0]
            members = self._members[count:]
            others = Columns(torch.cat([each.ratios for each in members], 1), torch.cat([m.average for m in members]))
            for part in alike.split(_rows_per_block(ranked, len(members))):
                rows = LikelihoodRatios(*ranked(ranks[part]))
                overlap[part] = block_information(rows, [others]).double().sum(1).cpu()
            self.pairs += len(alike) * len(members)
        return overlap


def _rows_per_block(ranked: RankedCandidates, num_members: int) -> int:
    """Return the number of rows whose pairs with that many members stay in cache."""
    ratios = ranked.first[0]
    return min(_MOST_ROWS, rows_per_block(ratios.shape[1], num_members, ratios.device))
