"""Scans of the candidates whose results are merged by row: the way in which every acquisition reads the pool.

The functions pickle and their results carry their rows, so that a scan may run in other processes and its results may
come in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.acquisition.checks import chunk_features, chunk_log_probs, validate_log_probs, validates_values
from lindley.contracts import Candidates, Chunk, Context
from lindley.errors import InputError, format_rows
from lindley.row_index import RowIndex
from lindley.shapes import Features, LogProbs, Rows

Part = tuple[Rows, Tensor]
"""Rows and the results for each of them.  [n], [n, ...]"""


def scan_predictions(context: Context, function: Callable[[LogProbs], Tensor]) -> Tensor:
    """Apply a function to the candidates' predictions and merge the results by row.

    Args:
        context: The candidates with their predictions, which are checked on the way.
        function: [n, K, C] log-probabilities -> [n, ...]; it pickles where the candidates are in other processes.

    Returns:
        [N, ...] in the order of the candidates' rows, on the device of the function's results.

    Raises:
        InputError: If a prediction cannot be used, or the chunks do not cover the rows.
    """
    candidates = context.candidates
    each = PredictionFunction(function, context.task.num_classes, validates_values(candidates))
    return merge(candidates.rows, candidates.scan(each))


def scan_features(candidates: Candidates, function: Callable[[Features], Tensor]) -> Tensor:
    """Apply a function to the candidates' features, [n, D] -> [n, ...], and merge the results by row.  -> [N, ...]"""
    return merge(candidates.rows, candidates.scan(FeatureFunction(function)))


@dataclass(frozen=True)
class PredictionFunction:
    """A function of predictions as a function of chunks; it checks the predictions."""

    function: Callable[[LogProbs], Tensor]
    num_classes: int
    only_shape: bool = False

    def __call__(self, chunk: Chunk) -> Part:
        log_probs = validate_log_probs(chunk, self.num_classes, only_shape=self.only_shape)
        return _compact(chunk.rows), _compact(self.function(log_probs))


@dataclass(frozen=True)
class FeatureFunction:
    """A function of features as a function of chunks; it checks the features."""

    function: Callable[[Features], Tensor]

    def __call__(self, chunk: Chunk) -> Part:
        return _compact(chunk.rows), _compact(self.function(chunk_features(chunk)))


def merge(rows: Rows, parts: Iterable[Part]) -> Tensor:
    """Put results, which come in any order, into the order of the rows.  [N], parts of [n, ...] -> [N, ...]

    Raises:
        InputError: If the parts are not of these rows, each once.
    """
    whole: Tensor | None = None
    others: _UnorderedRows | None = None
    start = 0  # of the parts that come in order, as most do
    for part_rows, values in parts:
        if whole is None:
            whole = values.new_empty(len(rows), *values.shape[1:])
        stop = start + len(part_rows)
        if others is None and torch.equal(rows[start:stop], part_rows):
            whole[start:stop] = values
            start = stop
        else:
            others = others or _UnorderedRows(rows, start)
            whole[others.fill(part_rows).to(whole.device)] = values
    found = start if others is None else int(others.filled.sum())
    if whole is None or found != len(rows):
        raise InputError(
            "Yield the result of every chunk.", argument="scan", expected=f"over all {len(rows)} rows", got=found
        )
    return whole


class _UnorderedRows:
    """The places of rows that do not come in order, and which of them have come."""

    def __init__(self, rows: Rows, start: int) -> None:
        self.filled = torch.zeros(len(rows), dtype=torch.bool)
        self.filled[:start] = True
        self._index = RowIndex(rows)

    def fill(self, part_rows: Rows) -> Tensor:
        """Return the places of rows that come now. Raises InputError where one came before."""
        places = self._index(part_rows)
        if bool(self.filled[places].any()):
            again = part_rows[self.filled[places]].tolist()
            raise InputError(f"a scan must yield each row once; it gave again rows {format_rows(again)}.", rows=again)
        self.filled[places] = True
        return places


def _compact(values: Tensor) -> Tensor:
    """Return a tensor without the rest of its storage, all of which would pickle with it."""
    return values if values.untyped_storage().nbytes() == values.nbytes else values.clone()


def take_log_probs(candidates: Candidates, rows: Rows) -> LogProbs:
    """Return the predictions of a few rows, which a scan has checked already.  [n] -> [n, K, C]"""
    return chunk_log_probs(candidates.take(rows))
