"""A pool that is held in memory as one tensor."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.errors import InputError, format_rows
from lindley.shapes import Rows


@final
class MemoryPool:
    """A pool of N inputs in one tensor, [N, ...]; row i is inputs[i].

    Inputs may be a tensor, which is neither copied nor changed and loses its graph, or any other array of numbers:
    NumPy's, nested lists, a table of pandas, polars or Arrow.

    With a divisor, read() returns inputs / divisor as float32: images are then kept as bytes (MNIST: 47 MB
    instead of 188 MB) and read as pixels in [0, 1]. Without one, inputs are returned as they are.
    """

    def __init__(self, inputs: ArrayLike, *, divisor: float | None = None) -> None:
        inputs = as_tensor(inputs, "inputs")
        if inputs.dim() == 0:
            raise InputError(argument="inputs", expected="[N, ...], one entry per row", got=inputs.item())
        if divisor is not None and not divisor > 0:
            raise InputError(argument="divisor", expected="above 0", got=divisor)
        self._inputs = inputs
        self._divisor = divisor

    def __len__(self) -> int:
        return self._inputs.shape[0]

    def read(self, rows: ArrayLike) -> Tensor:
        """Read a copy of the inputs of some rows, in their order.  [n] rows -> [n, ...] inputs"""
        inputs = self._inputs[as_rows(rows, len(self))]  # [n, ...]
        return inputs if self._divisor is None else inputs.to(torch.float32) / self._divisor


def as_rows(rows: ArrayLike, num_rows: int) -> Rows:
    """Convert rows of a pool of num_rows rows to int64.  -> [n]

    Raises InputError unless they are whole numbers in the pool; `error.rows` lists those outside.
    """
    rows = as_whole_numbers(rows, "rows")
    if rows.dim() != 1:
        raise InputError(argument="rows", expected="[n]", got=[*rows.shape])
    outside = rows[(rows < 0) | (rows >= num_rows)]
    if outside.numel():
        missing = outside.tolist()
        text = f"The pool has the rows 0 to {num_rows - 1}" if num_rows else "The pool has no rows"
        raise InputError(f"{text}; it does not have {format_rows(missing)}.", argument="rows", rows=missing)
    return rows
