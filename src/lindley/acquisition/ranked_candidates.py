"""Candidates in the order in which a greedy search evaluates them, with a cache of their tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.top_k import tie_break
from lindley.contracts import Candidates, Chunk
from lindley.shapes import Positions, Scores

HOLD_BYTES = 1 << 29
"""Memory that the cache takes at most."""
_MOST_ROWS = 512
"""Rows that are read and prepared at a time."""

Prepare = Callable[[Chunk, Positions], tuple[Tensor, ...]]
"""Function of a chunk and the positions of its rows -> tensors of them, [n, ...] each."""


@final
class RankedCandidates:
    """Candidates by rank: rank r is position order[r], and rank 0 has the largest bound.

    The tensors of low ranks are kept, as far as the memory goes. The others are read and prepared at each use. The best
    candidates have low ranks, so that a search reads few rows twice.
    """

    def __init__(
        self,
        candidates: Candidates,
        bounds: Scores,
        prepare: Prepare,
        *,
        seed: int,
        read_rows: int = 512,
        hold_bytes: int = HOLD_BYTES,
    ) -> None:
        """Sort the candidates by their bounds, largest first.

        Args:
            candidates: The rows, [N].
            bounds: The most that each row can add, [N].
            prepare: Function that computes the tensors of rows.
            seed: Seed of the order among equal gains.
            read_rows: Ranks that are read and prepared together, at least 1.
            hold_bytes: Memory of the cache.
        """
        self.order = bounds.argsort(descending=True, stable=True)
        """Positions by rank, [N]."""
        self.bounds = bounds[self.order].double()
        """Bounds by rank, [N]; -inf where the row is picked."""
        self.ties = tie_break(candidates.rows, seed)[self.order]
        """Numbers by rank, [N]; among equal gains the larger number wins."""
        self._candidates, self._by_rank, self._prepare = candidates, candidates.rows[self.order], prepare
        self.first = self._read(slice(0, 1))
        """The tensors of rank 0, [1, ...] each, with the sizes, precision and device of all."""
        row_bytes = sum(part.numel() * part.element_size() for part in self.first)
        capacity = min(len(self.order), hold_bytes // max(1, row_bytes))
        self._held = tuple(part.new_empty(capacity, *part.shape[1:]) for part in self.first)  # unwritten pages are free
        self._capacity, self._read_rows = capacity, read_rows
        self._filled = torch.zeros(-(-capacity // read_rows), dtype=torch.bool)
        self._num_ready = 0  # ranks below it are kept

    def __call__(self, ranks: Positions) -> tuple[Tensor, ...]:
        """Return the tensors of some ranks, in that order.  [n] -> tensors [n, ...]"""
        last = int(ranks.max())
        if last >= self._capacity:
            return self._read(ranks)
        if last >= self._num_ready:
            self._fill(ranks)
        return tuple(part[ranks.to(part.device)] for part in self._held)

    def take(self, rank: int) -> Chunk:
        """Return one row with its predictions and features."""
        return self._candidates.take(self._by_rank[rank : rank + 1])

    def _fill(self, ranks: Positions) -> None:
        blocks = (ranks // self._read_rows).unique()
        blocks = blocks[~self._filled[blocks]]
        if not len(blocks):
            return
        missing = (blocks[:, None] * self._read_rows + torch.arange(self._read_rows)).flatten()
        for ranks in missing[missing < self._capacity].split(_MOST_ROWS):
            new = _as_slice(ranks)
            for held, part in zip(self._held, self._read(new), strict=True):
                held[new if isinstance(new, slice) else new.to(held.device)] = part
        self._filled[blocks] = True
        gaps = (~self._filled).nonzero()
        self._num_ready = int(gaps[0]) * self._read_rows if len(gaps) else self._capacity

    def _read(self, ranks: Positions | slice) -> tuple[Tensor, ...]:
        return self._prepare(self._candidates.take(self._by_rank[ranks]), self.order[ranks])


def _as_slice(ranks: Positions) -> Positions | slice:
    """Return ascending ranks without a gap as a slice, which is read and written faster; others as they are."""
    first, last = int(ranks[0]), int(ranks[-1])
    return slice(first, last + 1) if last - first == len(ranks) - 1 else ranks
