"""A pool of some of the rows of another."""

from __future__ import annotations

from typing import final

from lindley.arrays import ArrayLike
from lindley.contracts import Inputs, Pool
from lindley.errors import InputError, format_rows
from lindley.pools.memory import as_rows


@final
class SubsetPool:
    """A pool of some rows of a source pool, without a copy: row i is row `rows[i]` of the source.

    Args:
        source: The source pool.
        rows: [N] rows of the source, each at most once.
    """

    def __init__(self, source: Pool, rows: ArrayLike) -> None:
        rows = as_rows(rows, len(source))
        if rows.unique().numel() != rows.numel():
            values, counts = rows.unique(return_counts=True)
            repeated = values[counts > 1].tolist()
            raise InputError(
                f"rows must differ; {format_rows(repeated)} came more than once.", argument="rows", rows=repeated
            )
        self._source, self._rows = source, rows.clone()

    def __len__(self) -> int:
        return self._rows.numel()

    def read(self, rows: ArrayLike) -> Inputs:
        """Read the inputs of some rows, in their order.  [n] rows -> n inputs of the source"""
        return self._source.read(self._rows[as_rows(rows, len(self))])
