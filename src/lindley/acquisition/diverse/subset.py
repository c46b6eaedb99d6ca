"""The seeded subset of methods that compare pairs of rows; it bounds the memory that they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lindley.contracts import Candidates, Chunk
from lindley.noise import row_uniforms
from lindley.shapes import Rows

MAX_CANDIDATES = 20_000
"""Largest number of candidates that methods on a subset consider."""
_BLOCK = 512  # rows that are taken together


def subset_rows(rows: Rows, *, seed: int, most: int = MAX_CANDIDATES) -> Tensor:
    """Return all rows, or a random subset that depends on seed and rows alone, ascending.

    Args:
        rows: Ids of the rows, [N], in any order.
        seed: Seed of the numbers by which rows are chosen, one for each row.
        most: Largest number of rows to return.
    """
    if len(rows) > most:
        rows = rows[row_uniforms(rows, seed, "subset").argsort()[:most]]
    return rows.sort().values


def take_in_blocks(candidates: Candidates, rows: Tensor, function: Callable[[Chunk], Tensor]) -> Tensor:
    """Apply a function to rows that are taken some at a time, [n] -> [n, ...], in the order of the candidates.

    Args:
        candidates: The rows, [N], with their predictions and features.
        rows: Ids of some of them, [M], ascending.
        function: Function of a chunk -> [n, ...].

    Returns:
        The results, [M, ...], in the order of `rows`.
    """
    places = torch.searchsorted(rows, candidates.rows).clamp_max_(len(rows) - 1)
    places = places[rows[places] == candidates.rows]  # [M]: candidates whose chunks are near are read together
    values = torch.cat(list(_blocks(candidates, rows[places], function)))
    if torch.equal(places, torch.arange(len(rows))):
        return values
    return values[places.argsort().to(values.device)]


def _blocks(candidates: Candidates, rows: Tensor, function: Callable[[Chunk], Tensor]) -> Iterator[Tensor]:
    for some in rows.split(_BLOCK):
        yield function(candidates.take(some))
