"""Predictions and features of a pool's rows under frozen draws: lazy, and kept whole only where they fit.

The chunk grid and the bytes that may be kept are constants of the code, not of the machine: float sums depend
on the chunk, and a trial must give the same bits on a machine with more memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from lindley.contracts import Categorical, Chunk, Draws, FeatureExtractor, Pool, T, as_categorical
from lindley.errors import InputError
from lindley.row_index import RowIndex
from lindley.shapes import LogProbs, Positions, Rows

A = TypeVar("A")

CHUNK_ROWS = 500
"""Rows that go through the model at a time."""
HOLD_BYTES = 1 << 30
"""The size up to which predictions are computed once and kept."""


class PoolPredictions:
    """Lazy log-probabilities of some rows of a pool under some draws; these are `Candidates`.

    Nothing is computed before the first `scan` or `take`. Where all predictions fit into `hold_bytes`, the first use
    computes them and later uses read them; the same holds for features. Where they do not fit, every pass computes them
    again, and `take` computes the chunks of the grid in which its rows lie, so that a row always has the same bits.
    """

    def __init__(
        self,
        pool: Pool,
        rows: Rows,
        draws: Draws | None,
        *,
        num_classes: int,
        chunk_rows: int = CHUNK_ROWS,
        hold_bytes: int = HOLD_BYTES,
    ) -> None:
        """Store the parts from which predictions are computed.

        Args:
            pool: Holds the inputs.
            rows: Rows of the pool, [N].
            draws: The functions that predict; None where there is no model yet, and only features are read.
            num_classes: The number of classes that the predictions must have, C.
            chunk_rows: The number of rows that go through the model at a time.
            hold_bytes: Predictions, and features, of at most this size are kept.
        """
        self.rows = rows
        self.draws_id = "none" if draws is None else draws.id
        self.num_draws = 0 if draws is None else draws.num_draws
        self.seconds = 0.0
        """Time spent in the model so far."""
        self._num_classes = num_classes
        self._chunk_rows = chunk_rows
        self._pool, self._hold_bytes = pool, hold_bytes
        self._index: RowIndex | None = None
        self._predictions = _ChunkCache(partial(_predict, pool, draws, num_classes), rows, chunk_rows, hold_bytes)
        self._features: _ChunkCache | None = None

    def attach_features(self, extractor: FeatureExtractor) -> PoolPredictions:
        """Return the same candidates with features; predictions that are kept are shared."""
        featured = copy(self)
        featured.seconds = 0.0
        featured._features = _ChunkCache(
            partial(_extract, self._pool, extractor), self.rows, self._chunk_rows, self._hold_bytes
        )
        return featured

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return self.rows.numel(), self.num_draws, self._num_classes

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, in the order of rows; the model runs where the function reads.

        Raises:
            InputError: If the draws return another shape. Acquisitions check the numbers where they read them.
        """
        for start in range(0, self.rows.numel(), self._chunk_rows):
            rows = self.rows[start : start + self._chunk_rows]
            features = None if self._features is None else partial(self._time, self._features.chunk, start)
            yield function(Chunk(rows, partial(self._categorical, self._predictions.chunk, start), features))

    def take(self, rows: Rows) -> Chunk:
        """Return some rows with their predictions and features, in that order; the model runs where they are read."""
        if self._index is None:
            self._index = RowIndex(self.rows)
        places = self._index(rows)
        features = None if self._features is None else partial(self._time, self._features.take, places)
        return Chunk(rows, partial(self._categorical, self._take_log_probs, places), features)

    def _take_log_probs(self, places: Positions) -> LogProbs:
        return self._predictions.take(places) if len(places) else torch.empty(0, *self.shape[1:])

    def _categorical(self, read: Callable[[A], Tensor], which: A) -> Categorical:
        return Categorical(self._time(read, which))

    def _time(self, read: Callable[[A], Tensor], which: A) -> Tensor:
        began = time.perf_counter()
        values = read(which)
        self.seconds += time.perf_counter() - began
        return values


class _ChunkCache:
    """A tensor that is computed chunk by chunk from rows, and kept whole where it fits."""

    def __init__(self, compute: Callable[[Rows], Tensor], rows: Rows, chunk_rows: int, hold_bytes: int) -> None:
        self._compute, self._rows = compute, rows
        self._chunk_rows, self._hold_bytes = chunk_rows, hold_bytes
        self._values: Tensor | None = None

    def chunk(self, start: int) -> Tensor:
        """Return the chunk of the grid that begins at `start`, kept or computed."""
        if self._values is None:
            first = self._compute_chunk(start)
            if len(self._rows) * first[:1].numel() * first.element_size() > self._hold_bytes:
                return first
            self._values = self._compute_all(start, first)
        return self._values[start : start + self._chunk_rows]

    def take(self, places: Positions) -> Tensor:
        """Return the values of the rows at some places, in that order, from the chunks in which they lie."""
        starts = (places // self._chunk_rows) * self._chunk_rows
        taken: Tensor | None = None
        for start in starts.unique().tolist():
            inside = (starts == start).nonzero()[:, 0]
            chunk = self.chunk(start)
            taken = chunk.new_empty(len(places), *chunk.shape[1:]) if taken is None else taken
            taken[inside.to(chunk.device)] = chunk[(places[inside] - start).to(chunk.device)]
        return self.chunk(0)[:0] if taken is None else taken

    def _compute_all(self, known_start: int, known: Tensor) -> Tensor:
        whole = known.new_empty(len(self._rows), *known.shape[1:])
        for start in range(0, len(self._rows), self._chunk_rows):
            chunk = known if start == known_start else self._compute_chunk(start)
            whole[start : start + self._chunk_rows] = chunk
        return whole

    def _compute_chunk(self, start: int) -> Tensor:
        return self._compute(self._rows[start : start + self._chunk_rows])


def _predict(pool: Pool, draws: Draws | None, num_classes: int, rows: Rows) -> Tensor:
    if draws is None:
        raise InputError("This acquisition reads predictions [N, K, C], and there is no model yet.")
    log_probs = as_categorical(draws.predict(pool.read(rows))).log_probs
    expected = [rows.numel(), draws.num_draws, num_classes]
    if [*log_probs.shape] != expected:
        raise InputError(
            argument="log_probs of draws.predict",
            expected=f"[n, K, C] = {expected} for {expected[0]} rows",
            got=[*log_probs.shape],
        )
    return log_probs


def _extract(pool: Pool, extractor: FeatureExtractor, rows: Rows) -> Tensor:
    return extractor.features(pool.read(rows)).cpu()
