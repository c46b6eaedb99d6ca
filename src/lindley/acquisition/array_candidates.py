"""Anyone's array as candidates: another order of axes, probabilities or logits, half precision, a file on the disk.

What is read is converted and checked chunk by chunk, so that a file need not fit into memory. Nothing is guessed: the
axes and what the numbers are have to be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.stored import StoredArray
from lindley.contracts import Categorical, Chunk, T
from lindley.errors import InputError
from lindley.information.layouts import Layout, swapped_axes
from lindley.row_index import RowIndex
from lindley.shapes import Positions, Rows

_CHUNK_ROWS = 500
_CHUNK_BYTES = 1 << 26


@final
class ArrayCandidates:
    """Candidates over a stored array with axes in the order said, [N, K, C] if "NKC".

    inputs: "log_probs" (natural), "probs" (the logarithm is taken: 0 becomes -inf) or "logits" (log_softmax).
    Half precision is widened to float32 and its rounding, at most what the check of sums allows, normalised away;
    float32 and float64 keep their precision. Errors name the array by `name` and the rows by `ids` where given.

    >>> from lindley.acquisition.stored import TensorArray
    >>> ArrayCandidates(TensorArray(torch.full((4, 3, 2), 1 / 3)), inputs="probs", axes="NCK").shape
    (4, 2, 3)
    """

    values_checked = True

    def __init__(
        self,
        array: StoredArray,
        *,
        inputs: str = "log_probs",
        axes: str = "NKC",
        rows: Rows | None = None,
        ids: Sequence[str | int] | None = None,
        draws_id: str = "given",
        name: str = "",
    ) -> None:
        self._layout = Layout(inputs, axes)
        self._name = name or inputs
        self._shape = self._layout.checked_shape(array.shape, self._name)
        self.rows = torch.arange(self._shape[0]) if rows is None else rows
        self.draws_id = draws_id
        self._array, self._ids = array, ids
        self._index: RowIndex | None = None
        self._unchecked = torch.ones(self._shape[0], dtype=torch.bool)
        for name, given in (("rows", self.rows), ("ids", self.rows if ids is None else ids)):
            if len(given) != self._shape[0]:
                text = f"{name} must be one for each of the {self._shape[0]} candidates; got {len(given)}."
                raise InputError(text, *swapped_axes(len(given) == self._shape[1]))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return self._shape

    @property
    def num_draws(self) -> int:
        """K."""
        return self._shape[1]

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, in the order of the rows.

        Raises:
            InputError: Naming ids, if an entry is not a prediction.
        """
        count, num_draws, num_classes = self._shape
        step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // (8 * num_draws * num_classes)))
        for start in range(0, count, step):
            stop = min(start + step, count)
            log_probs = self._converted(slice(start, stop), torch.arange(start, stop))
            yield function(Chunk(self.rows[start:stop], Categorical(log_probs)))

    def take(self, rows: Rows) -> Chunk:
        """Return the predictions of some rows, in that order. Raises InputError as scan does."""
        if self._index is None:
            self._index = RowIndex(self.rows)
        positions = self._index(rows)
        return Chunk(rows, Categorical(self._converted(positions, positions)))

    def _converted(self, wanted: slice | Positions, positions: Positions) -> Tensor:
        raw = self._array.read(self._layout.order[0], wanted).permute(self._layout.order)  # [n, K, C]
        if self._unchecked[positions].any():
            self._layout.check(raw, self._name, lambda places: self._named(positions[places.cpu()]))
            self._unchecked[positions] = False
        return self._layout.log_probs(raw)

    def _named(self, positions: Positions) -> str:
        some = positions[:10].tolist()
        named = self.rows[some].tolist() if self._ids is None else [self._ids[position] for position in some]
        more = f" and {len(positions) - 10} more" if len(positions) > 10 else ""
        return f"{'rows' if self._ids is None else 'ids'} {named}{more}"
