"""The greedy choice of a batch: one pick after another, each the row that adds most to an objective.

`GreedySearch` holds what all objectives share: the order in which candidates are looked at, what is kept of them in
memory, ties, and who is taken. An objective says what one more row adds and how the best row is found. Where a gain
falls as the batch grows, as the information of labels does (it is submodular), what a row gained before bounds what it
gains now, and `best_pick` looks only at those whose bound does not rule them out.
Source: Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set functions".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from torch import Tensor

from lindley.acquisition.ranked_candidates import HOLD_BYTES, RankedCandidates
from lindley.contracts import Candidates, Chunk, Diagnostics, Selection
from lindley.shapes import Positions, Rows, Scores

TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
BLOCK = 256
"""Candidates whose gains are computed at a time."""


@dataclass(frozen=True)
class Pick:
    """The candidate that was chosen, its gain in nats, and how many were evaluated for it."""

    rank: int
    gain: float
    evaluated: int
    standard_error: float = 0.0
    """Of the gain, in nats; 0 where it is exact."""
    columns: int = 0
    """Candidates times configurations that were computed."""
    position: int = -1
    """The place among the candidates, once the search has taken it."""


@runtime_checkable
class Objective(Protocol):
    """What a batch is worth: the state of one greedy search."""

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return what the search keeps of some rows: tensors [n, ...], all that a gain is computed from."""
        ...

    def find(self, ranked: RankedCandidates) -> Pick:
        """Find the row that adds most to the batch so far; bounds may be lowered on the way."""
        ...

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """Add a row to the batch."""
        ...


AnyObjective = TypeVar("AnyObjective", bound=Objective)


@final
class GreedySearch(Generic[AnyObjective]):
    """One pick after another by one objective, over candidates of which the most promising are kept in memory."""

    def __init__(
        self,
        candidates: Candidates,
        bounds: Scores,
        objective: AnyObjective,
        *,
        seed: int,
        read_rows: int = 512,
        hold_bytes: int = HOLD_BYTES,
    ) -> None:
        """Rank the candidates.

        Args:
            candidates: The rows to choose from, [N].
            bounds: [N], what each row can add to an empty batch at most; the order in which candidates are read.
            objective: What a batch is worth.
            seed: Seed of the order among equal gains.
            read_rows: Candidates that are read and prepared together, at least 1.
            hold_bytes: Memory for what is kept of candidates; the others are read each time.
        """
        self.objective = objective
        self._ranked = RankedCandidates(
            candidates, bounds, objective.prepare, seed=seed, read_rows=read_rows, hold_bytes=hold_bytes
        )

    def pick(self) -> Pick:
        """Take the best row."""
        found = self.objective.find(self._ranked)
        return self._taken(replace(found, position=int(self._ranked.order[found.rank])))

    def picks(self, count: int) -> list[Pick]:
        """Take the best row so many times."""
        return [self.pick() for _ in range(count)]

    def include(self, positions: Positions) -> None:
        """Count rows as picked already, in any order."""
        for rank in torch.isin(self._ranked.order, positions).nonzero()[:, 0].tolist():
            self._taken(Pick(rank, 0.0, 0, position=int(self._ranked.order[rank])))

    def _taken(self, pick: Pick) -> Pick:
        self._ranked.bounds[pick.rank] = -math.inf
        self.objective.add(self._ranked, pick)
        return pick


def best_pick(
    bounds: Tensor,
    gains_of: Callable[[Positions], Scores],
    tie_break: Tensor,
    *,
    slack: float,
    tied: float,
    block: int = BLOCK,
) -> Pick:
    """Find the candidate with the largest gain. It is exact.

    A candidate is left out only when its bound is more than the slack below the best gain found. Gains within `tied`
    of the best are equal as far as rounding can tell: the largest tie_break among them wins, and where no bound is
    above `tied` it wins without a look at anyone.

    Args:
        bounds: [N], updated in place with every gain computed; -inf: taken already.
        gains_of: [n] ranks -> [n] gains.
        tie_break: [N], larger wins among equal gains.
        slack: How much a gain may exceed its bound.
        tied: Differences of gains that are rounding.
        block: Candidates whose gains are computed at a time.

    Returns:
        The rank, its gain, and the number of candidates evaluated.
    """
    fresh = torch.zeros(len(bounds), dtype=torch.bool)
    best = -math.inf
    while bounds.max() > tied or best > -math.inf:
        top = bounds.masked_fill(fresh, -math.inf).topk(min(block, len(bounds)))
        ranks = top.indices[(top.values > -math.inf) & (top.values >= best - tied - _allowance(slack, best))]
        if len(ranks) == 0:
            break
        bounds[ranks] = gains_of(ranks)
        fresh[ranks] = True
        best = max(best, float(bounds[ranks].max()))
    finalists = ((bounds > -math.inf) & (fresh | (not fresh.any())) & (bounds >= best - tied)).nonzero()[:, 0]
    rank = int(finalists[tie_break[finalists].argmax()])
    return Pick(rank, float(bounds[rank]), int(fresh.sum()))


def _allowance(slack: float, best: float) -> float:
    """A finite slack is at most half of the best gain: else a batch that is full would look at everyone for noise."""
    return min(slack, best / 2) if math.isfinite(slack) and math.isfinite(best) else slack


def rows_of(candidates: Candidates, picks: list[Pick]) -> Rows:
    """Return the rows that were picked, in that order.  -> [B]"""
    return candidates.rows[torch.tensor([pick.position for pick in picks])]


def selection_of(candidates: Candidates, picks: list[Pick], dtype: torch.dtype, diagnostics: Diagnostics) -> Selection:
    """Return picks as a selection.

    Args:
        candidates: What was chosen from.
        picks: [B], in the order picked.
        dtype: The precision of the scores, which are the gains.
        diagnostics: What the method says about its choice.
    """
    gains = torch.tensor([pick.gain for pick in picks], dtype=torch.float64)
    return Selection(rows_of(candidates, picks), gains.to(dtype), diagnostics)
