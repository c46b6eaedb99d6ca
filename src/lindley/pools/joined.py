"""Two pools as one: the rows of the first, then those of the second."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from lindley.arrays import ArrayLike
from lindley.contracts import Pool
from lindley.errors import InputError
from lindley.pools.memory import as_rows


@final
class JoinedPool:
    """A pool of N1 + N2 inputs of one shape and type: row i is row i of the first pool, or row i - N1 of the second."""

    def __init__(self, first: Pool, second: Pool) -> None:
        kinds = [_kind(pool) for pool in (first, second)]
        if kinds[0] != kinds[1]:
            raise InputError(argument="second", expected=f"a pool of {kinds[0]}, like the first", got=kinds[1])
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def read(self, rows: ArrayLike) -> Tensor:
        """Read the inputs of some rows, in their order.  [n] rows -> [n, ...] inputs"""
        rows = as_rows(rows, len(self))
        later = rows >= len(self._first)
        first, second = self._first.read(rows[~later]), self._second.read(rows[later] - len(self._first))
        assert isinstance(first, Tensor)
        assert isinstance(second, Tensor)
        inputs = first.new_empty((rows.numel(), *first.shape[1:]))
        inputs[~later] = first
        inputs[later] = second
        return inputs


def _kind(pool: Pool) -> str:
    """Return the type and shape of a pool's inputs, by reading no rows."""
    inputs = pool.read(torch.empty(0, dtype=torch.int64))
    return f"{inputs.dtype} {[*inputs.shape[1:]]}" if isinstance(inputs, Tensor) else type(inputs).__name__
