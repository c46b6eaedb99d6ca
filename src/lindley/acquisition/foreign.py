"""Anyone's array as Predictions: another order of axes, probabilities or logits, half precision, a file on the disk.

What is read is converted and checked chunk by chunk, so that a file need not fit into memory. Nothing is guessed: the
axes and what the numbers are have to be said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch import Tensor

from lindley.acquisition.checks import SUM_TOLERANCE
from lindley.acquisition.stored import StoredArray
from lindley.errors import InputError
from lindley.names import nearest
from lindley.shapes import LogProbs, Positions, Rows

INPUTS = ("log_probs", "probs", "logits")
AXES = ("NKC", "NCK", "KNC", "KCN", "CNK", "CKN")
_CHUNK_ROWS = 500
_CHUNK_BYTES = 1 << 26


@final
class ForeignPredictions:
    """A Predictions over a stored array with axes in the order said, [N, K, C] if "NKC".

    inputs: "log_probs" (natural), "probs" (the logarithm is taken: 0 becomes -inf) or "logits" (log_softmax).
    Half precision is widened to float32 and its rounding, at most what the check of sums allows, normalised away;
    float32 and float64 keep their precision. Errors name the array by `name` and the rows by `ids` where given.

    >>> from lindley.acquisition.stored import TensorArray
    >>> ForeignPredictions(TensorArray(torch.full((4, 3, 2), 1 / 3)), inputs="probs", axes="NCK").shape
    (4, 2, 3)
    """

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
        check_layout(inputs, axes)
        self._name = name or inputs
        self._order = [axes.index(letter) for letter in "NKC"]
        self._shape = _checked_shape(array.shape, self._order, self._name, axes)
        self.rows = torch.arange(self._shape[0]) if rows is None else rows
        self.draws_id = draws_id
        self._array, self._inputs, self._axes, self._ids = array, inputs, axes, ids
        self._unchecked = torch.ones(self._shape[0], dtype=torch.bool)
        for name, given in (("rows", self.rows), ("ids", self.rows if ids is None else ids)):
            if len(given) != self._shape[0]:
                raise InputError(f"{name} must be one for each of the {self._shape[0]} candidates; got {len(given)}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return self._shape

    def chunks(self) -> Iterator[LogProbs]:
        """[n, K, C] in the order of rows. Raises InputError, naming ids, for what is not a prediction."""
        count, num_draws, num_classes = self._shape
        step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // (8 * num_draws * num_classes)))
        for start in range(0, count, step):
            stop = min(start + step, count)
            yield self._converted(slice(start, stop), torch.arange(start, stop))

    def take(self, positions: Positions) -> LogProbs:
        """[b] -> [b, K, C], in that order. Raises as chunks does."""
        return self._converted(positions, positions)

    def _converted(self, wanted: slice | Positions, positions: Positions) -> Tensor:
        raw = self._array.read(self._order[0], wanted).permute(self._order)  # [n, K, C]
        if self._unchecked[positions].any():
            self._check(raw, positions)
            self._unchecked[positions] = False
        wide = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self._inputs == "logits":
            return wide.log_softmax(-1)
        log_probs = wide.log() if self._inputs == "probs" else wide
        return (log_probs if raw.dtype == wide.dtype else log_probs.log_softmax(-1)).contiguous()

    def _check(self, raw: Tensor, positions: Positions) -> None:
        wide = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self._inputs == "logits":
            bad = ~((wide.amax(2) < math.inf) & (wide.amax(2) > -math.inf)).all(1)  # amax carries NaN on
        else:
            probs = wide if self._inputs == "probs" else wide.exp()
            bad = ~((probs.sum(2) - 1).abs() <= SUM_TOLERANCE[raw.dtype]).all(1)
            if self._inputs == "probs":
                bad |= ~(probs.amin(dim=(1, 2)) >= 0)
        if bad.any():
            raise InputError(self._complaint(wide[bad], positions[bad.cpu()]))

    def _complaint(self, bad: Tensor, positions: Positions) -> str:
        def those(which: Tensor) -> str:
            return self._named(positions[which.flatten(1).any(1).cpu()])

        name, probs = self._name, self._inputs == "probs"
        if bad.isnan().any():
            return f"{name} must not be NaN; it is in {those(bad.isnan())}. Find the model or input that made it."
        if (bad == math.inf).any():
            return f"{name} must be below +inf; it is in {those(bad == math.inf)}."
        if self._inputs == "logits":
            return f"{name} must allow a class, being logits; all are -inf in {self._named(positions)}."
        if probs and (bad < 0).any():
            return f"{name} must not be negative, being probs; they are in {those(bad < 0)}. {_OTHER['probs']}"
        sums = (bad if probs else bad.exp()).sum(2)  # [n, K]
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        return (
            f"{name} must sum to one over the classes{'' if probs else ', as probabilities'}; they sum to {worst:.4g} "
            f"in {self._named(positions)}. {self._advice(bad)}"
        )

    def _advice(self, bad: Tensor) -> str:
        """What may have been meant; only said, never done."""
        tolerance = SUM_TOLERANCE[torch.float32]
        probs = bad if self._inputs == "probs" else bad.exp()
        if ((probs.sum(1) - 1).abs() < tolerance).all():
            other = self._axes.translate(str.maketrans("KC", "CK"))
            return f'They do sum to one over the axis said to be K: say axes="{other}"?'
        return _OTHER[self._inputs]

    def _named(self, positions: Positions) -> str:
        some = positions[:10].tolist()
        named = self.rows[some].tolist() if self._ids is None else [self._ids[position] for position in some]
        more = f" and {len(positions) - 10} more" if len(positions) > 10 else ""
        return f"{'rows' if self._ids is None else 'ids'} {named}{more}"


_OTHER = {
    "log_probs": 'If they are probabilities or logits, say so: inputs="probs", inputs="logits".',
    "probs": 'If they are log-probabilities or logits, say so: inputs="log_probs", inputs="logits".',
}


def check_layout(inputs: str, axes: str) -> None:
    """Refuse what is no kind of numbers, and no order of the axes."""
    if inputs not in INPUTS:
        raise InputError(f"inputs must be one of {', '.join(INPUTS)}; got {inputs!r}.{nearest(inputs, INPUTS)}")
    if axes not in AXES:
        raise InputError(
            f"axes must be one of {', '.join(AXES)} (N rows, K draws, C classes); got {axes!r}.{nearest(axes, AXES)}"
        )


def _checked_shape(shape: tuple[int, ...], order: list[int], name: str, axes: str) -> tuple[int, int, int]:
    wanted = ", ".join(axes)
    if len(shape) != 3:
        hint = " For one draw use log_probs[:, None]." if len(shape) == 2 else ""
        raise InputError(f"{name} must be [{wanted}]; got {[*shape]}.{hint}")
    count, num_draws, num_classes = (shape[axis] for axis in order)
    if num_draws < 1 or num_classes < 2:
        raise InputError(f"{name} must be [{wanted}] with K >= 1 draws and C >= 2 classes; got {[*shape]}")
    return count, num_draws, num_classes
