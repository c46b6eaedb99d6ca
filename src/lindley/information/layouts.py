"""Arrays of predictions from elsewhere: checked, then converted to log-probabilities [n, K, C].

Nothing is guessed: the caller states the order of the axes and the kind of the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lindley.errors import Argument, InputError, Part
from lindley.names import nearest
from lindley.shapes import LogProbs

INPUTS = ("log_probs", "probs", "logits")
AXES = ("NKC", "NCK", "KNC", "KCN", "CNK", "CKN")
SUM_TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""The largest distance of Σ p from 1. float64 allows for predictions that were computed in float32."""


@final
@dataclass(frozen=True)
class Layout:
    """The kind of the numbers of an array of predictions, and the order of its axes.

    Half precision is widened to float32, and its rounding, at most what the check of sums allows, is normalised away;
    float32 and float64 keep their precision.

    Args:
        inputs: "log_probs" (natural), "probs" (the logarithm is taken: 0 becomes -inf) or "logits" (log_softmax).
        axes: The order of the axes, such as "NKC".
    """

    inputs: str = "log_probs"
    axes: str = "NKC"

    def __post_init__(self) -> None:
        check_layout(self.inputs, self.axes)

    @property
    def order(self) -> list[int]:
        """The places of N, K and C among the axes."""
        return [self.axes.index(letter) for letter in "NKC"]

    def check_shape(self, shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
        """Return the sizes (N, K, C) of an array of this layout. Raises InputError where the shape is none."""
        wanted = ", ".join(self.axes)
        if len(shape) != 3:
            hint = " One draw is [N, 1, C]: log_probs[:, None]." if len(shape) == 2 else ""
            raise InputError(f"{name} must be [{wanted}]; got {[*shape]}.{hint}")
        count, num_draws, num_classes = (shape[axis] for axis in self.order)
        if num_draws < 1 or num_classes < 2:
            raise InputError(f"{name} must be [{wanted}] with K >= 1 draws and C >= 2 classes; got {[*shape]}")
        return count, num_draws, num_classes

    def log_probs(self, raw: Tensor) -> LogProbs:
        """Convert the numbers to natural log-probabilities.  [n, K, C] -> [n, K, C]"""
        wide = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self.inputs == "logits":
            return wide.log_softmax(-1)
        log_probs = wide.log() if self.inputs == "probs" else wide
        return (log_probs if raw.dtype == wide.dtype else log_probs.log_softmax(-1)).contiguous()

    def check(self, raw: Tensor, name: str, name_rows: Callable[[Tensor], str]) -> None:
        """Raise InputError for numbers that are no predictions.

        Args:
            raw: [n, K, C], the numbers with their axes in this order.
            name: What the message calls the array.
            name_rows: Returns the text that names the rows at some places among the n.
        """
        wide = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self.inputs == "logits":
            bad = ~((wide.amax(2) < math.inf) & (wide.amax(2) > -math.inf)).all(1)  # amax carries NaN on
        else:
            probs = wide if self.inputs == "probs" else wide.exp()
            bad = ~((probs.sum(2) - 1).abs() <= SUM_TOLERANCE[raw.dtype]).all(1)
            if self.inputs == "probs":
                bad |= ~(probs.amin(dim=(1, 2)) >= 0)
        if bad.any():
            places = bad.nonzero()[:, 0]
            raise InputError(*self._describe_fault(wide[bad], name, lambda which: name_rows(places[which])))

    def _describe_fault(self, bad: Tensor, name: str, name_rows: Callable[[Tensor], str]) -> tuple[Part, ...]:
        def rows_where(which: Tensor) -> str:
            return name_rows(which.flatten(1).any(1))

        probs, everywhere = self.inputs == "probs", torch.ones(len(bad), dtype=torch.bool, device=bad.device)
        if bad.isnan().any():
            return (
                f"{name} must not be NaN; it is in {rows_where(bad.isnan())}. Find the model or input that made it.",
            )
        if (bad == math.inf).any():
            return (f"{name} must be below +inf; it is in {rows_where(bad == math.inf)}.",)
        if self.inputs == "logits":
            return (f"{name} must allow a class, being logits; all are -inf in {name_rows(everywhere)}.",)
        if probs and (bad < 0).any():
            return (
                f"{name} must not be negative, being probs; they are in {rows_where(bad < 0)}. ",
                *_SUGGESTIONS["probs"],
            )
        sums = (bad if probs else bad.exp()).sum(2)  # [n, K]
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        return (
            f"{name} must sum to one over the classes{'' if probs else ', as probabilities'}; they sum to {worst:.4g} "
            f"in {name_rows(everywhere)}. ",
            *self._suggestion(bad),
        )

    def _suggestion(self, bad: Tensor) -> tuple[Part, ...]:
        """Return what the caller may have meant; it is suggested, never applied."""
        tolerance = SUM_TOLERANCE[torch.float32]
        probs = bad if self.inputs == "probs" else bad.exp()
        if ((probs.sum(1) - 1).abs() < tolerance).all():
            other = self.axes.translate(str.maketrans("KC", "CK"))
            return ("They do sum to one over the axis said to be K: say ", Argument("axes", other), "?")
        return _SUGGESTIONS[self.inputs]


def _suggest_inputs(kinds: str, *inputs: str) -> tuple[Part, ...]:
    first, second = (Argument("inputs", each) for each in inputs)
    return (f"If they are {kinds}, say so: ", first, ", ", second, ".")


_SUGGESTIONS = {
    "log_probs": _suggest_inputs("probabilities or logits", "probs", "logits"),
    "probs": _suggest_inputs("log-probabilities or logits", "log_probs", "logits"),
}


def axes_hint(swapped: bool) -> tuple[Part, ...]:
    """Return the hint for an array whose draws may stand in place of its rows; nothing where they do not."""
    return (" If the predictions are [K, N, C], say ", Argument("axes", "KNC"), ".") if swapped else ()


def check_layout(inputs: str, axes: str) -> None:
    """Raise InputError for an unknown kind of numbers or an unknown order of the axes."""
    if inputs not in INPUTS:
        raise InputError(f"inputs must be one of {', '.join(INPUTS)}; got {inputs!r}.{nearest(inputs, INPUTS)}")
    if axes not in AXES:
        raise InputError(
            f"axes must be one of {', '.join(AXES)} (N rows, K draws, C classes); got {axes!r}.{nearest(axes, AXES)}"
        )
