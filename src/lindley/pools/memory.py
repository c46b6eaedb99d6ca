"""A pool that is held in memory as one tensor."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.errors import InputError
from lindley.shapes import Rows


@final
class MemoryPool:
    """N inputs in one tensor, [N, ...]; row i is inputs[i].

    Inputs may be a tensor, which is neither copied nor changed and loses its graph, or any other array of numbers:
    NumPy's, nested lists, a table of pandas, polars or Arrow.

    With a divisor, read() returns inputs / divisor as float32: images are then kept as bytes (MNIST: 47 MB
    instead of 188 MB) and read as pixels in [0, 1]. Without one, inputs are returned as they are.
    """

    def __init__(self, inputs: ArrayLike, *, divisor: float | None = None) -> None:
        inputs = as_tensor(inputs, "inputs")
        if inputs.dim() == 0:
            raise InputError("inputs must be [N, ...], one entry per row; got a single number.")
        if divisor is not None and not divisor > 0:
            raise InputError(f"divisor must be above 0; got {divisor}.")
        self._inputs = inputs
        self._divisor = divisor

    def __len__(self) -> int:
        return self._inputs.shape[0]

    def read(self, rows: ArrayLike) -> Tensor:
        """[n] rows -> [n, ...] inputs, in that order; a copy, so that changing it leaves the pool alone."""
        inputs = self._inputs[as_rows(rows, len(self))]  # [n, ...]
        return inputs if self._divisor is None else inputs.to(torch.float32) / self._divisor


def as_rows(rows: ArrayLike, num_rows: int) -> Rows:
    """Return rows of a pool of num_rows as int64 [n]. Refuses what are none, naming those that are not in the pool."""
    rows = as_whole_numbers(rows, "rows")
    if rows.dim() != 1:
        raise InputError(f"rows must be [n]; got {[*rows.shape]}.")
    outside = rows[(rows < 0) | (rows >= num_rows)]
    if outside.numel():
        named = ", ".join(map(str, outside[:10].tolist())) + (", …" if outside.numel() > 10 else "")
        raise InputError(f"rows must lie in 0..{num_rows - 1}, the pool has {num_rows}; got {named}.")
    return rows
