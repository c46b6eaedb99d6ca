"""Anyone's array as candidates: another order of axes, probabilities or logits, half precision, a file on the disk.

Chunks are converted and checked as they are read, so that a file need not fit into memory. Nothing is guessed: the
caller names the kind of numbers and the order of the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import final

import torch

from lindley.acquisition.array_sources import ArraySource
from lindley.contracts import Categorical, Chunk, T
from lindley.errors import InputError
from lindley.information.layouts import Layout, suggest_axes
from lindley.row_index import RowIndex
from lindley.shapes import Positions, Rows

_CHUNK_ROWS = 500
_CHUNK_BYTES = 1 << 26


@final
class ArrayCandidates:
    """Candidates over an array with axes in any order, [N, K, C] if "NKC".

    Half precision is widened to float32 and its rounding, at most what the check of sums allows, normalised away;
    float32 and float64 keep their precision.

    >>> from lindley.acquisition.array_sources import TensorSource
    >>> ArrayCandidates(TensorSource(torch.full((4, 3, 2), 1 / 3)), inputs="probs", axes="NCK").shape
    (4, 2, 3)
    """

    values_checked = True

    def __init__(
        self,
        array: ArraySource,
        *,
        inputs: str = "log_probs",
        axes: str = "NKC",
        rows: Rows | None = None,
        ids: Sequence[str | int] | None = None,
        draws_id: str = "given",
        name: str = "",
    ) -> None:
        """Take the array; nothing is read yet.

        Args:
            array: The numbers.
            inputs: Their kind: "log_probs" (natural), "probs" (the logarithm is taken: 0 becomes -inf) or "logits"
                (log_softmax).
            axes: The order of its axes.
            rows: [N]; 0..N-1 if not given.
            ids: [N], by which errors name the candidates; their rows if not given.
            draws_id: The id of the draws that the predictions are of.
            name: The name of the argument, for messages.

        Raises:
            InputError: If the shape is another, or there are not as many rows or ids as candidates.
        """
        self._layout = Layout(inputs, axes)
        self._name = name or inputs
        self._shape = self._layout.parse_shape(array.shape, self._name)
        self.rows = torch.arange(self._shape[0]) if rows is None else rows
        self.draws_id = draws_id
        self._array, self._ids = array, ids
        self._index: RowIndex | None = None
        self._unchecked = torch.ones(self._shape[0], dtype=torch.bool)
        for argument, given in (("rows", self.rows), ("ids", self.rows if ids is None else ids)):
            if len(given) != self._shape[0]:
                raise InputError(
                    *suggest_axes(len(given) == self._shape[1]),
                    argument=argument,
                    expected=f"one for each of the {self._shape[0]} candidates",
                    got=len(given),
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of rows, draws and classes, (N, K, C)."""
        return self._shape

    @property
    def num_draws(self) -> int:
        """The number of draws, K."""
        return self._shape[1]

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, in the order of the rows; the array is read where the function reads.

        Raises:
            InputError: Naming ids, if the function reads an entry that is not a prediction.
        """
        count, num_draws, num_classes = self._shape
        step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // (8 * num_draws * num_classes)))
        for start in range(0, count, step):
            places = slice(start, min(start + step, count))
            yield function(Chunk(self.rows[places], partial(self._predictive, places)))

    def take(self, rows: Rows) -> Chunk:
        """Return the predictions of some rows, in that order. They are read and checked when they are first used."""
        if self._index is None:
            self._index = RowIndex(self.rows)
        return Chunk(rows, partial(self._predictive, self._index(rows)))

    def _predictive(self, places: slice | Positions) -> Categorical:
        raw = self._array.read(self._layout.order[0], places).permute(self._layout.order)  # [n, K, C]
        if self._unchecked[places].any():
            self._layout.check(raw, self._name, lambda which: self._row_ids(places, which.cpu()))
            self._unchecked[places] = False
        return Categorical(self._layout.to_log_probs(raw))

    def _row_ids(self, places: slice | Positions, which: Positions) -> Sequence[int | str]:
        if self._ids is None:
            rows: list[int] = self.rows[places][which].tolist()
            return rows
        return [self._ids[position] for position in torch.arange(len(self.rows))[places][which].tolist()]
