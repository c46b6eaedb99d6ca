"""Some of the candidates, without copying what is predicted of them: what is labelled already is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.checks import validates_values
from lindley.contracts import Candidates, Chunk, T
from lindley.errors import InputError
from lindley.shapes import Positions, Rows


@final
class SomeCandidates:
    """The candidates at these positions, in ascending order."""

    def __init__(self, candidates: Candidates, positions: Positions) -> None:
        self.rows, self.draws_id = candidates.rows[positions], candidates.draws_id
        self.num_draws = candidates.num_draws
        self.values_checked = validates_values(candidates)
        self._candidates = candidates

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to what is left of every chunk; all chunks are read."""
        for found in self._candidates.scan(partial(_of_kept, self.rows, function)):
            if found is not None:
                yield found[0]

    def take(self, rows: Rows) -> Chunk:
        """Return what is known of some rows, in that order."""
        return self._candidates.take(rows)


def _of_kept(kept_rows: Rows, function: Callable[[Chunk], T], chunk: Chunk) -> tuple[T] | None:
    kept = torch.isin(chunk.rows, kept_rows)
    if not bool(kept.any()):
        return None
    return (function(chunk if bool(kept.all()) else _some(chunk, kept)),)


def _some(chunk: Chunk, kept: Tensor) -> Chunk:
    predictive, features = chunk.predictive, chunk.features
    return Chunk(
        chunk.rows[kept],
        None if predictive is None else predictive.take(kept.nonzero()[:, 0]),
        None if features is None else features[kept.to(features.device)],
    )


def left_after(excluded: list[str | int], ids: list[str | int] | range) -> tuple[Positions, list[str | int]]:
    """The positions of the candidates that are not excluded, and what was excluded but is no candidate.

    Ids are the same where they are written the same: 12 in one file is "12" in another. Raises InputError where none
    is left.
    """
    told = {str(each): each for each in excluded}
    left = torch.tensor([place for place, each in enumerate(ids) if str(each) not in told], dtype=torch.int64)
    if len(left) == 0:
        raise InputError(f"all {len(ids)} candidates are excluded; there is nothing to choose from")
    known = {str(each) for each in ids}
    return left, [each for text, each in told.items() if text not in known]
