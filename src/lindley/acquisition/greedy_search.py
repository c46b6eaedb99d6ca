"""The greedy choice of a batch: one pick after another, each the row that adds most to an objective.

`GreedySearch` has what all objectives share: the order in which candidates are evaluated, their tensors in memory,
ties, and the rows that are picked. An objective says what one more row adds and how the best row is found. Where a
gain falls as the batch grows, as the information of labels does (it is submodular), an earlier gain of a row bounds
its gain now, and `best_pick` evaluates only the rows that their bounds do not exclude.
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
"""Largest difference in nats that counts as rounding."""
BLOCK = 256
"""Candidates whose gains are computed at a time."""


@dataclass(frozen=True)
class Pick:
    """The candidate that was chosen, its gain in nats, and how many were evaluated for it."""

    rank: int
    gain: float
    evaluated: int
    standard_error: float = 0.0
    """The standard error of the gain, in nats; 0 where it is exact."""
    columns: int = 0
    """Candidates times configurations that were computed."""
    position: int = -1
    """The place among the candidates, once the search has taken it."""


@runtime_checkable
class Objective(Protocol):
    """The value of a batch, and the state of one greedy search."""

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the tensors [n, ...] that the search keeps of some rows, from which gains are computed."""
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
            bounds: The most that each row can add to an empty batch, [N]; candidates are read in this order.
            objective: The value of a batch.
            seed: Seed of the order among equal gains.
            read_rows: Candidates that are read and prepared together, at least 1.
            hold_bytes: Memory for the tensors of candidates; those that do not fit are read each time.
        """
        self.objective = objective
        self._ranked = RankedCandidates(
            candidates, bounds, objective.prepare, seed=seed, read_rows=read_rows, hold_bytes=hold_bytes
        )

    def pick(self) -> Pick:
        """Pick the best row."""
        found = self.objective.find(self._ranked)
        return self._add(replace(found, position=int(self._ranked.order[found.rank])))

    def picks(self, count: int) -> list[Pick]:
        """Pick the best row, `count` times."""
        return [self.pick() for _ in range(count)]

    def add_picked(self, positions: Positions) -> None:
        """Add rows to the batch that another search has picked, in any order."""
        for rank in torch.isin(self._ranked.order, positions).nonzero()[:, 0].tolist():
            self._add(Pick(rank, 0.0, 0, position=int(self._ranked.order[rank])))

    def _add(self, pick: Pick) -> Pick:
        self._ranked.bounds[pick.rank] = -math.inf
        self.objective.add(self._ranked, pick)
        return pick


def best_pick(
    bounds: Tensor,
    compute_gains: Callable[[Positions], Scores],
    tie_break: Tensor,
    *,
    slack: float,
    tied: float,
    block: int = BLOCK,
) -> Pick:
    """Find the candidate with the largest gain. It is exact.

    A candidate is left out only when its bound is more than the slack below the best gain found. Gains within `tied`
    of the best count as equal: the largest tie_break among them wins, and where no bound is above `tied` it wins
    without an evaluation.

    Args:
        bounds: The largest gain possible for each candidate, [N], updated in place with every gain that is computed;
            -inf where it is picked already.
        compute_gains: Function of ranks, [n], that returns their gains, [n].
        tie_break: Numbers by which equal gains are ordered, [N]; the larger wins.
        slack: How much a gain may exceed its bound.
        tied: Largest difference of gains that counts as rounding.
        block: Candidates whose gains are computed at a time.

    Returns:
        The rank, its gain, and the number of candidates evaluated.
    """
    fresh = torch.zeros(len(bounds), dtype=torch.bool)
    best = -math.inf
    while bounds.max() > tied or best > -math.inf:
        top = bounds.masked_fill(fresh, -math.inf).topk(min(block, len(bounds)))
        ranks = top.indices[(top.values > -math.inf) & (top.values >= best - tied - _cap_slack(slack, best))]
        if len(ranks) == 0:
            break
        bounds[ranks] = compute_gains(ranks)
        fresh[ranks] = True
        best = max(best, float(bounds[ranks].max()))
    finalists = ((bounds > -math.inf) & (fresh | (not fresh.any())) & (bounds >= best - tied)).nonzero()[:, 0]
    rank = int(finalists[tie_break[finalists].argmax()])
    return Pick(rank, float(bounds[rank]), int(fresh.sum()))


def _cap_slack(slack: float, best: float) -> float:
    """Return a slack of at most half of the best gain, so that noise in a full batch does not evaluate every row."""
    return min(slack, best / 2) if math.isfinite(slack) and math.isfinite(best) else slack


def rows_in_order(candidates: Candidates, picks: list[Pick]) -> Rows:
    """Return the rows that were picked, in that order.  -> [B]"""
    return candidates.rows[torch.tensor([pick.position for pick in picks])]


def build_selection(
    candidates: Candidates, picks: list[Pick], dtype: torch.dtype, diagnostics: Diagnostics
) -> Selection:
    """Return picks as a selection.

    Args:
        candidates: The rows that were offered, [N].
        picks: The batch, [B], in the order picked.
        dtype: Precision of the scores, which are the gains.
        diagnostics: Diagnostics of the choice, by name.
    """
    gains = torch.tensor([pick.gain for pick in picks], dtype=torch.float64)
    return Selection(rows_in_order(candidates, picks), gains.to(dtype), diagnostics)
