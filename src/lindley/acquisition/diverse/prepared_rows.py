"""Passes over all candidates: a function prepares each row where it is, and others compute numbers or sums from that.

A pass brings back a few numbers for each row, or a sum. Prepared tensors stay where the rows are. They are cached in
this process, and later passes read them there, if the scan runs here and they fit into a fixed number of bytes;
otherwise each pass prepares the rows anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import torch
from torch import Tensor

from lindley.acquisition.scan import compact, merge_by_row
from lindley.contracts import Candidates, Chunk
from lindley.errors import InputError
from lindley.row_index import RowIndex
from lindley.shapes import Positions, Rows

HOLD_BYTES = 1 << 30
"""Memory that the cache takes at most."""

Prepared = tuple[Tensor, ...]
"""Tensors that are prepared of some rows, [n, ...] each."""
Prepare = Callable[[Chunk], Prepared]
R = TypeVar("R", Tensor, Prepared)


@final
class PreparedRows:
    """The candidates, with what a method prepares of each row."""

    def __init__(self, candidates: Candidates, prepare: Prepare, *, hold_bytes: int = HOLD_BYTES) -> None:
        """Prepare the first row; the others are prepared by the first pass.

        Args:
            candidates: The rows, [N], at least one.
            prepare: Function of a chunk -> tensors [n, ...]. It checks its input and can be pickled; a row gets the
                same numbers in any chunk.
            hold_bytes: Memory of the cache; with 0 every pass prepares the rows anew.
        """
        self._candidates, self._prepare = candidates, prepare
        self.first = prepare(candidates.take(candidates.rows[:1]))
        """The tensors of one row, [1, ...] each, with the sizes, precision and device of all."""
        self._store: _Store | None = _Store(hold_bytes)
        self._cache: _Cache | None = None

    @property
    def cache(self) -> Prepared | None:
        """The tensors of all rows, in the order of the candidates; None where they are not cached."""
        return None if self._cache is None else self._cache.restore_order()

    def scan(self, function: Callable[..., Tensor]) -> Tensor:
        """Compute numbers for each row, function(*prepared) -> [n, ...].  -> [N, ...] in the order of the rows"""
        if self._cache is not None:
            return self._cache.reorder(function(*self._cache.parts))
        return merge_by_row(self._candidates.rows, self._pass(function))

    def sum(self, function: Callable[..., Prepared]) -> Prepared:
        """Add up float64 tensors of all chunks, function(*prepared) -> tensors; the order of chunks does not matter."""
        sums: list[CompensatedSum] | None = None
        count = 0
        for rows, values in self._chunks(function):
            sums = sums or [CompensatedSum() for _ in values]
            for each, value in zip(sums, values, strict=True):
                each.add(value)
            count += len(rows)
        if sums is None or count != len(self._candidates.rows):
            expected = f"over all {len(self._candidates.rows)} rows"
            raise InputError("Yield the result of every chunk.", argument="scan", expected=expected, got=count)
        return tuple(each.value for each in sums)

    def take(self, positions: Positions) -> Prepared:
        """Return the tensors of a few rows, in that order.  [n] -> tensors [n, ...]"""
        if self._cache is not None:
            return self._cache.take(positions)
        return self._prepare(self._candidates.take(self._candidates.rows[positions]))

    def take_one(self, position: int) -> Prepared:
        """Return the tensors of one row.  -> tensors [1, ...]"""
        if self._cache is not None:
            return self._cache.take_one(position)
        return self.take(torch.tensor([position]))

    def _chunks(self, function: Callable[..., Prepared]) -> Iterator[tuple[Rows, Prepared]]:
        if self._cache is None:
            return self._pass(function)
        return ((rows, function(*parts)) for rows, parts in self._cache.chunks())

    def _pass(self, function: Callable[..., R]) -> Iterator[tuple[Rows, R]]:
        store, self._store = self._store, None  # only the first pass can fill it
        yield from self._candidates.scan(_Pass(self._prepare, function, store))
        if store is not None and store.num_rows == len(self._candidates.rows):
            self._cache = _Cache(self._candidates.rows, store.chunks)


@final
class CompensatedSum:
    """A sum of float64 tensors with the rounding errors of its additions, so that their order does not matter.

    Source: Knuth's TwoSum; Ogita, Rump, Oishi 2005, "Accurate sum and dot product".
    """

    def __init__(self) -> None:
        self._total: Tensor | None = None

    @property
    def value(self) -> Tensor:
        """The sum, rounded once. Raises AssertionError for a sum of nothing."""
        assert self._total is not None
        return self._total + self._error

    def add(self, values: Tensor) -> None:
        """Add a tensor of the same shape as those before."""
        if self._total is None:
            self._total, self._error = values.clone(), torch.zeros_like(values)
            return
        total = self._total + values
        rest = total - self._total
        self._error += values - rest
        self._error += self._total - (total - rest)
        self._total = total


@dataclass(frozen=True)
class _Pass(Generic[R]):
    """A function of prepared tensors as a function of chunks."""

    prepare: Prepare
    function: Callable[..., R]
    store: _Store | None

    def __call__(self, chunk: Chunk) -> tuple[Rows, R]:
        parts = self.prepare(chunk)
        if self.store is not None:
            self.store.add(chunk.rows, parts)
        result = self.function(*parts)
        return compact(chunk.rows), compact(result) if isinstance(result, Tensor) else result


class _Store:
    """Chunks that are prepared in this process; a pickled store is empty and stays empty."""

    def __init__(self, free_bytes: int) -> None:
        self.chunks: list[tuple[Tensor, Prepared]] = []
        self._free_bytes = free_bytes

    def __reduce__(self) -> tuple[type[_Store], tuple[int]]:
        return _Store, (0,)

    @property
    def num_rows(self) -> int:
        return sum(len(rows) for rows, _ in self.chunks)

    def add(self, rows: Rows, parts: Prepared) -> None:
        self._free_bytes -= sum(part.nbytes for part in parts)
        if self._free_bytes < 0:
            self.chunks.clear()  # all or nothing
        else:
            self.chunks.append((rows, parts))


class _Cache:
    """The tensors of all rows, in the order in which the chunks came."""

    def __init__(self, rows: Tensor, chunks: list[tuple[Tensor, Prepared]]) -> None:
        came = torch.cat([part for part, _ in chunks])
        self.parts: Prepared = tuple(map(torch.cat, zip(*[parts for _, parts in chunks], strict=True)))
        self._rows, self._sizes = came, [len(part) for part, _ in chunks]
        self._places = None if torch.equal(came, rows) else RowIndex(came)(rows)
        chunks.clear()

    def restore_order(self) -> Prepared:
        return tuple(map(self.reorder, self.parts))

    def reorder(self, values: Tensor) -> Tensor:
        return values if self._places is None else values[self._places.to(values.device)]

    def take(self, positions: Positions) -> Prepared:
        places = positions if self._places is None else self._places[positions]
        return tuple(part[places.to(part.device)] for part in self.parts)

    def take_one(self, position: int) -> Prepared:
        place = position if self._places is None else int(self._places[position])
        return tuple(part[place : place + 1] for part in self.parts)

    def chunks(self) -> Iterator[tuple[Rows, Prepared]]:
        parts = zip(*[part.split(self._sizes) for part in self.parts], strict=True)
        return zip(self._rows.split(self._sizes), parts, strict=True)
