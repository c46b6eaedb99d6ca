"""A pool that is held in memory as one tensor."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import Rows


@final
class MemoryPool:
    """N inputs in one tensor, [N, ...]; row i is inputs[i].

    With a divisor, read() returns inputs / divisor as float32: images are then kept as bytes (MNIST: 47 MB
    instead of 188 MB) and read as pixels in [0, 1]. Without one, inputs are returned as they are.
    """

    def __init__(self, inputs: Tensor, *, divisor: float | None = None) -> None:
        if inputs.dim() == 0:
            raise InputError("inputs must be [N, ...], one entry per row; got a single number.")
        if divisor is not None and not divisor > 0:
            raise InputError(f"divisor must be above 0; got {divisor}.")
        self._inputs = inputs
        self._divisor = divisor

    def __len__(self) -> int:
        return self._inputs.shape[0]

    def read(self, rows: Rows) -> Tensor:
        """[n] rows -> [n, ...] inputs, in that order; a copy, so that changing it leaves the pool alone."""
        check_rows(rows, len(self))
        inputs = self._inputs[rows]  # [n, ...]
        return inputs if self._divisor is None else inputs.to(torch.float32) / self._divisor


def check_rows(rows: Rows, num_rows: int) -> None:
    """Refuse what is not a list of rows of a pool of num_rows, naming the rows that are not in it."""
    if rows.dtype != torch.int64 or rows.dim() != 1:
        raise InputError(f"rows must be int64 [n]; got {rows.dtype} {[*rows.shape]}.")
    outside = rows[(rows < 0) | (rows >= num_rows)]
    if outside.numel():
        named = ", ".join(map(str, outside[:10].tolist())) + (", …" if outside.numel() > 10 else "")
        raise InputError(f"rows must lie in 0..{num_rows - 1}, the pool has {num_rows}; got {named}.")
