"""A pool of some of the rows of another."""

from __future__ import annotations

from typing import final

from lindley.arrays import ArrayLike
from lindley.contracts import Inputs, Pool
from lindley.errors import InputError
from lindley.pools.memory import as_rows


@final
class SubsetPool:
    """Row i is row `rows[i]` of the source pool; nothing is copied.  rows: [N], each at most once."""

    def __init__(self, source: Pool, rows: ArrayLike) -> None:
        rows = as_rows(rows, len(source))
        if rows.unique().numel() != rows.numel():
            values, counts = rows.unique(return_counts=True)
            raise InputError(f"rows must differ; more than once came {values[counts > 1].tolist()[:10]}.")
        self._source, self._rows = source, rows.clone()

    def __len__(self) -> int:
        return self._rows.numel()

    def read(self, rows: ArrayLike) -> Inputs:
        """[n] rows -> n inputs of the source, in that order."""
        return self._source.read(self._rows[as_rows(rows, len(self))])
