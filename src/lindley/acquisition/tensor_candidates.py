"""Candidates whose predictions and features are tensors in memory, with as little as their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.checks import check_log_probs, validates_values
from lindley.contracts import Candidates, Categorical, Chunk, T
from lindley.errors import InputError
from lindley.row_index import RowIndex
from lindley.shapes import Features, Rows


@final
class TensorCandidates:
    """Candidates over tensors, which are neither copied nor changed.

    >>> uniform = torch.full((4, 2, 2), 0.5).log()
    >>> [len(chunk) for chunk in TensorCandidates(uniform, chunk_rows=3).scan(lambda chunk: chunk)]
    [3, 1]
    """

    def __init__(
        self,
        log_probs: Tensor | None,
        rows: Rows | None = None,
        *,
        features: Features | None = None,
        draws_id: str = "held",
        chunk_rows: int = 500,
    ) -> None:
        """Take the predictions and features of the rows.

        Args:
            log_probs: [N, K, C] nats; None before there is any model.
            rows: [N] ids; 0..N-1 unless they are given. Without predictions they must be given.
            features: [N, D], or None.
            draws_id: The id of the draws that the predictions are of.
            chunk_rows: Rows of a chunk, at least 1.

        Raises:
            InputError: If the predictions are not [N, K, C], one for each row, or there are no rows.
        """
        if chunk_rows < 1:
            raise InputError(argument="chunk_rows", expected="at least 1", got=chunk_rows)
        if rows is None and log_probs is None:
            raise InputError("candidates without predictions must have rows; give [N] ids.", argument="rows", got=None)
        self.rows = torch.arange(0 if log_probs is None else len(log_probs)) if rows is None else rows
        self.draws_id = "none" if log_probs is None else draws_id
        self._log_probs, self._features, self._chunk_rows = log_probs, features, chunk_rows
        self._index: RowIndex | None = None
        if log_probs is not None and (log_probs.dim() != 3 or len(self.rows) != len(log_probs)):
            check_log_probs(log_probs, self.rows)
        if features is not None and len(features) != len(self.rows):
            expected = f"[{len(self.rows)}, D], one vector per row"
            raise InputError(argument="features", expected=expected, got=[*features.shape])

    @property
    def num_draws(self) -> int:
        """The number of draws, K; 0 without predictions."""
        return 0 if self._log_probs is None else self._log_probs.shape[1]

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, in the order of the rows."""
        for start in range(0, len(self.rows), self._chunk_rows):
            yield function(
                self._chunk(self.rows[start : start + self._chunk_rows], slice(start, start + self._chunk_rows))
            )

    def take(self, rows: Rows) -> Chunk:
        """Return the predictions and features of some rows, in that order."""
        if self._index is None:
            self._index = RowIndex(self.rows)
        places, features = self._index(rows), self._features
        predictive = None if self._log_probs is None else partial(self._predictive, places)
        return Chunk(rows, predictive, None if features is None else features[places.to(features.device)])

    def _predictive(self, places: Tensor) -> Categorical:
        assert self._log_probs is not None
        return Categorical(self._log_probs[places.to(self._log_probs.device)])

    def _chunk(self, rows: Rows, places: slice) -> Chunk:
        predictive = None if self._log_probs is None else Categorical(self._log_probs[places])
        return Chunk(rows, predictive, None if self._features is None else self._features[places])


@final
class CandidatesWithFeatures:
    """Other candidates, and their features as a tensor."""

    def __init__(self, candidates: Candidates, features: Features) -> None:
        """Take features [N, D] in the order of the candidates' rows."""
        self.rows, self.draws_id, self.num_draws = candidates.rows, candidates.draws_id, candidates.num_draws
        self.values_checked = validates_values(candidates)
        self._candidates = candidates
        self._add = _AddFeatures(candidates.rows, features)

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, with its features."""
        return self._candidates.scan(partial(_apply_with_features, copy(self._add), function))

    def take(self, rows: Rows) -> Chunk:
        """Return the predictions and features of some rows, in that order."""
        return self._add.by_index(self._candidates.take(rows))


class _AddFeatures:
    def __init__(self, rows: Rows, features: Features) -> None:
        self._rows, self._features, self._index = rows, features, RowIndex(rows)
        self._next = 0  # where the next chunk of a scan starts if they come in order; a slice is cheaper than a search

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the next chunk of a scan with its features."""
        places = slice(self._next, self._next + len(chunk))
        self._next = places.stop
        if torch.equal(self._rows[places], chunk.rows):
            return chunk.with_features(self._features[places])
        return self.by_index(chunk)

    def by_index(self, chunk: Chunk) -> Chunk:
        """Return any chunk with its features."""
        places = self._index(chunk.rows)
        return chunk.with_features(self._features[places.to(self._features.device)])


def _apply_with_features(add: _AddFeatures, function: Callable[[Chunk], T], chunk: Chunk) -> T:
    return function(add(chunk))
