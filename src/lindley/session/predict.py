"""Predictions of a pool's rows under frozen draws: lazy, re-readable, held whole only when they fit.

The chunk grid and the bytes that may be held are constants of the code, not of the machine: float sums depend
on the chunk, and a trial must give the same bits on a machine with more memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.contracts import Draws, Pool, as_categorical
from lindley.errors import InputError
from lindley.shapes import LogProbs, Positions, Rows

CHUNK_ROWS = 500
"""Rows that go through the model at a time."""
HOLD_BYTES = 1 << 30
"""Predictions up to this size are computed once and kept."""


class PoolPredictions:
    """Lazy [N, K, C] log-probabilities of `rows` of a pool under `draws` (a `Predictions`).

    Nothing is computed before the first `chunks` or `take`. Where all fits into `hold_bytes` the first use computes
    the whole tensor and later ones read it. Where it does not, every pass computes again, and `take` computes
    the chunks of the grid in which its positions lie, so that a row has the same bits however it is asked for.
    """

    def __init__(
        self,
        pool: Pool,
        rows: Rows,
        draws: Draws,
        *,
        num_classes: int,
        chunk_rows: int = CHUNK_ROWS,
        hold_bytes: int = HOLD_BYTES,
    ) -> None:
        self.rows = rows
        self.draws_id = draws.id
        self.seconds = 0.0
        """Time spent in the model so far."""
        self._pool = pool
        self._draws = draws
        self._num_classes = num_classes
        self._chunk_rows = chunk_rows
        self._hold_bytes = hold_bytes
        self._held: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return self.rows.numel(), self._draws.num_draws, self._num_classes

    def chunks(self) -> Iterator[LogProbs]:
        """[n, K, C] in the order of rows; every n is the grid's but the last.

        Raises InputError when the draws return another shape. What the numbers are is checked by who reads them.
        """
        for start in range(0, self.rows.numel(), self._chunk_rows):
            yield self._chunk(start)

    def take(self, positions: Positions) -> LogProbs:
        """[b] -> [b, K, C], in that order."""
        if positions.numel() == 0:
            return torch.empty(0, *self.shape[1:])
        starts = (positions // self._chunk_rows) * self._chunk_rows
        parts: dict[int, Tensor] = {}
        for start in starts.unique().tolist():
            inside = (starts == start).nonzero()[:, 0]
            taken = self._chunk(start)[positions[inside] - start]  # [i, K, C]
            parts.update(zip(inside.tolist(), taken, strict=True))
        return torch.stack([parts[place] for place in range(positions.numel())])  # [b, K, C]

    def _chunk(self, start: int) -> Tensor:
        """The chunk of the grid that begins at `start`, from what is held or from the model."""
        if self._held is None:
            first = self._computed(start)
            if not self._fits(first):
                return first
            self._held = self._whole(start, first)
        return self._held[start : start + self._chunk_rows]

    def _fits(self, chunk: Tensor) -> bool:
        count, num_draws, num_classes = self.shape
        return count * num_draws * num_classes * chunk.element_size() <= self._hold_bytes

    def _whole(self, known_start: int, known: Tensor) -> Tensor:
        whole = torch.empty(self.shape, dtype=known.dtype, device=known.device)
        for start in range(0, self.rows.numel(), self._chunk_rows):
            chunk = known if start == known_start else self._computed(start)
            whole[start : start + self._chunk_rows] = chunk
        return whole

    def _computed(self, start: int) -> Tensor:
        began = time.perf_counter()
        rows = self.rows[start : start + self._chunk_rows]
        log_probs = as_categorical(self._draws.predict(self._pool.read(rows))).log_probs
        expected = [rows.numel(), *self.shape[1:]]
        if [*log_probs.shape] != expected:
            raise InputError(
                f"draws.predict must return log_probs [n, K, C] = {expected} for {expected[0]} rows; got "
                f"{[*log_probs.shape]}"
            )
        self.seconds += time.perf_counter() - began
        return log_probs
