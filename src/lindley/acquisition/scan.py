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
    return merge_by_row(candidates.rows, candidates.scan(each))


def scan_features(candidates: Candidates, function: Callable[[Features], Tensor]) -> Tensor:
    """Apply a function to the candidates' features, [n, D] -> [n, ...], and merge the results by row.  -> [N, ...]"""
    return merge_by_row(candidates.rows, candidates.scan(FeatureFunction(function)))


@dataclass(frozen=True)
class PredictionFunction:
    """A function of predictions as a function of chunks; it checks the predictions."""

    function: Callable[[LogProbs], Tensor]
    num_classes: int
    only_shape: bool = False

    def __call__(self, chunk: Chunk) -> Part:
        log_probs = validate_log_probs(chunk, self.num_classes, only_shape=self.only_shape)
        return compact(chunk.rows), compact(self.function(log_probs))


@dataclass(frozen=True)
class FeatureFunction:
    """A function of features as a function of chunks; it checks the features."""

    function: Callable[[Features], Tensor]

    def __call__(self, chunk: Chunk) -> Part:
        return compact(chunk.rows), compact(self.function(chunk_features(chunk)))


def merge_by_row(rows: Rows, parts: Iterable[Part]) -> Tensor:
    """Put results, which come in any order, into the order of the rows.  [N], parts of [n, ...] -> [N, ...]

    Raises:
        InputError: If the parts are not of these rows, each once.
    """
    whole: Tensor | None = None
    seen_rows: _SeenRows | None = None
    start = 0  # of the parts that come in order, as most do
    for part_rows, values in parts:
        if whole is None:
            whole = values.new_empty(len(rows), *values.shape[1:])
        stop = start + len(part_rows)
        if seen_rows is None and torch.equal(rows[start:stop], part_rows):
            whole[start:stop] = values
            start = stop
        else:
            seen_rows = seen_rows or _SeenRows(rows, start)
            whole[seen_rows.locate_new(part_rows).to(whole.device)] = values
    found = start if seen_rows is None else int(seen_rows.seen.sum())
    if whole is None or found != len(rows):
        raise InputError(
            "Yield the result of every chunk.", argument="scan", expected=f"over all {len(rows)} rows", got=found
        )
    return whole


class _SeenRows:
    """The rows that a scan has yielded, where they do not come in order."""

    def __init__(self, rows: Rows, start: int) -> None:
        self.seen = torch.zeros(len(rows), dtype=torch.bool)
        self.seen[:start] = True
        self._index = RowIndex(rows)

    def locate_new(self, part_rows: Rows) -> Tensor:
        """Return the places of rows, from now on seen. Raises InputError where one was seen before."""
        places = self._index(part_rows)
        if bool(self.seen[places].any()):
            again = part_rows[self.seen[places]].tolist()
            raise InputError(f"a scan must yield each row once; it gave again rows {format_rows(again)}.", rows=again)
        self.seen[places] = True
        return places


def compact(values: Tensor) -> Tensor:
    """Return a tensor without the rest of its storage, all of which would pickle with it."""
    return values if values.untyped_storage().nbytes() == values.nbytes else values.clone()


def take_log_probs(candidates: Candidates, rows: Rows) -> LogProbs:
    """Return the predictions of a few rows, which a scan has checked already.  [n] -> [n, K, C]"""
    return chunk_log_probs(candidates.take(rows))
