"""A subset of the candidates, without copying their predictions: rows that are labelled already are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.checks import validates_values
from lindley.contracts import Candidates, Chunk, T
from lindley.errors import InputError
from lindley.shapes import Positions, Rows


@final
class CandidateSubset:
    """The candidates at some positions, which must ascend."""

    def __init__(self, candidates: Candidates, positions: Positions) -> None:
        self.rows, self.draws_id = candidates.rows[positions], candidates.draws_id
        self.num_draws = candidates.num_draws
        self.values_checked = validates_values(candidates)
        self._candidates = candidates

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to the kept rows of every chunk; all chunks are read."""
        for result in self._candidates.scan(partial(_apply_to_kept, self.rows, function)):
            if result is not None:
                yield result[0]

    def take(self, rows: Rows) -> Chunk:
        """See Candidates.take."""
        return self._candidates.take(rows)


def exclude_ids(excluded: Sequence[str | int], ids: Sequence[str | int]) -> tuple[Positions, list[str | int]]:
    """Return the positions of the candidates that are not excluded, and the excluded ids that are no candidates.

    Ids are compared as text: 12 in one file is "12" in another. Raises InputError where no candidate is left.
    """
    by_text = {str(each): each for each in excluded}
    kept = [position for position, each in enumerate(ids) if str(each) not in by_text]
    if not kept:
        raise InputError(f"all {len(ids)} candidates are excluded; there is nothing to choose from", argument="exclude")
    known = {str(each) for each in ids}
    unknown = [each for text, each in by_text.items() if text not in known]
    return torch.tensor(kept, dtype=torch.int64), unknown


def _apply_to_kept(kept_rows: Rows, function: Callable[[Chunk], T], chunk: Chunk) -> tuple[T] | None:
    kept = torch.isin(chunk.rows, kept_rows)
    if not bool(kept.any()):
        return None
    return (function(chunk if bool(kept.all()) else _take_kept(chunk, kept)),)


def _take_kept(chunk: Chunk, kept: Tensor) -> Chunk:
    predictive, features = chunk.predictive, chunk.features
    return Chunk(
        chunk.rows[kept],
        None if predictive is None else predictive.take(kept.nonzero()[:, 0]),
        None if features is None else features[kept.to(features.device)],
    )
