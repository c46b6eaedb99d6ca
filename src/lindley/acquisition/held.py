"""Predictions that are already in memory: anyone's [N, K, C] array as a Predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.checks import check_log_probs
from lindley.errors import InputError
from lindley.shapes import LogProbs, Positions, Rows


@final
class HeldPredictions:
    """A Predictions over one tensor, which is neither copied nor changed.

    >>> uniform = torch.full((4, 2, 2), 0.5).log()
    >>> HeldPredictions(uniform).shape
    (4, 2, 2)
    """

    def __init__(
        self, log_probs: Tensor, rows: Rows | None = None, *, draws_id: str = "held", chunk_rows: int = 500
    ) -> None:
        if chunk_rows < 1:
            raise InputError(f"chunk_rows must be at least 1; got {chunk_rows}")
        self.rows = torch.arange(len(log_probs)) if rows is None else rows
        self.draws_id = draws_id
        self._log_probs = log_probs
        self._chunk_rows = chunk_rows
        if log_probs.dim() != 3 or len(self.rows) != len(log_probs):
            check_log_probs(log_probs, self.rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        num_rows, num_draws, num_classes = self._log_probs.shape
        return num_rows, num_draws, num_classes

    def chunks(self) -> Iterator[LogProbs]:
        """[n, K, C] in the order of rows."""
        yield from self._log_probs.split(self._chunk_rows)

    def take(self, positions: Positions) -> LogProbs:
        """[b] -> [b, K, C], in that order."""
        return self._log_probs[positions]
