"""Scans of the candidates whose results are merged by row: the way in which every acquisition reads the pool.

What is sent to the chunks pickles, and what comes back carries its rows, so that a scan may run in other processes and
its results may come in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.acquisition.checks import checked_log_probs, checks_its_values, features_of, log_probs_of
from lindley.contracts import Candidates, Chunk, Context
from lindley.errors import InputError
from lindley.row_index import RowIndex
from lindley.shapes import Features, LogProbs, Rows

Part = tuple[Rows, Tensor]
"""Rows and what was found for each of them.  [n], [n, ...]"""


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
    each = OfPredictions(function, context.task.num_classes, checks_its_values(candidates))
    return merged(candidates.rows, candidates.scan(each))


def scan_features(candidates: Candidates, function: Callable[[Features], Tensor]) -> Tensor:
    """Apply a function to the candidates' features, [n, D] -> [n, ...], and merge the results by row.  -> [N, ...]"""
    return merged(candidates.rows, candidates.scan(OfFeatures(function)))


@dataclass(frozen=True)
class OfPredictions:
    """A function of predictions as a function of chunks, which checks what it is given."""

    function: Callable[[LogProbs], Tensor]
    num_classes: int
    only_shape: bool = False

    def __call__(self, chunk: Chunk) -> Part:
        log_probs = checked_log_probs(chunk, self.num_classes, only_shape=self.only_shape)
        return _alone(chunk.rows), _alone(self.function(log_probs))


@dataclass(frozen=True)
class OfFeatures:
    """A function of features as a function of chunks, which checks what it is given."""

    function: Callable[[Features], Tensor]

    def __call__(self, chunk: Chunk) -> Part:
        return _alone(chunk.rows), _alone(self.function(features_of(chunk)))


def merged(rows: Rows, parts: Iterable[Part]) -> Tensor:
    """Put results, which come in any order, into the order of the rows.  [N], parts of [n, ...] -> [N, ...]

    Raises:
        InputError: If the parts are not of these rows, each once.
    """
    whole: Tensor | None = None
    others: _OutOfOrder | None = None
    start = 0  # of the parts that come in order, as most do
    for part_rows, values in parts:
        if whole is None:
            whole = values.new_empty(len(rows), *values.shape[1:])
        stop = start + len(part_rows)
        if others is None and torch.equal(rows[start:stop], part_rows):
            whole[start:stop] = values
            start = stop
        else:
            others = others or _OutOfOrder(rows, start)
            whole[others.places(part_rows).to(whole.device)] = values
    found = start if others is None else int(others.filled.sum())
    if whole is None or found != len(rows):
        raise InputError(f"a scan must cover its {len(rows)} rows; it gave {found}")
    return whole


class _OutOfOrder:
    """Where rows belong that do not come in order, and which have come."""

    def __init__(self, rows: Rows, start: int) -> None:
        self.filled = torch.zeros(len(rows), dtype=torch.bool)
        self.filled[:start] = True
        self._index = RowIndex(rows)

    def places(self, part_rows: Rows) -> Tensor:
        """Return the places of rows that come now. Raises InputError where one came before."""
        places = self._index(part_rows)
        if bool(self.filled[places].any()):
            raise InputError(f"a scan gave rows more than once: {part_rows[self.filled[places]][:10].tolist()}")
        self.filled[places] = True
        return places


def _alone(values: Tensor) -> Tensor:
    """A tensor without the rest of the memory that it is a part of, all of which would pickle with it."""
    return values if values.untyped_storage().nbytes() == values.nbytes else values.clone()


def take_log_probs(candidates: Candidates, rows: Rows) -> LogProbs:
    """Return the predictions of a few rows, which a scan has checked already.  [n] -> [n, K, C]"""
    chunk = candidates.take(rows)
    return log_probs_of(chunk)
