"""What someone's numbers are and in which order of the axes: checked, then turned into log-probabilities [n, K, C].

Nothing is guessed: the axes and what the numbers are have to be said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lindley.errors import Argument, InputError, Part
from lindley.names import suggest_name
from lindley.shapes import LogProbs

INPUTS = ("log_probs", "probs", "logits")
AXES = ("NKC", "NCK", "KNC", "KCN", "CNK", "CKN")
SUM_TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""How far Σ p may be from 1. float64 allows for what was computed in float32 first."""


@final
@dataclass(frozen=True)
class Layout:
    """inputs: "log_probs" (natural), "probs" (the logarithm is taken: 0 becomes -inf) or "logits" (log_softmax).

    Half precision is widened to float32 and its rounding, at most what the check of sums allows, normalised away;
    float32 and float64 keep their precision.
    """

    inputs: str = "log_probs"
    axes: str = "NKC"

    def __post_init__(self) -> None:
        check_layout(self.inputs, self.axes)

    @property
    def order(self) -> list[int]:
        """Where N, K and C lie among the axes given."""
        return [self.axes.index(letter) for letter in "NKC"]

    def parse_shape(self, shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
        """Return (N, K, C) of an array with the axes given; raise InputError where it cannot be one."""
        wanted = ", ".join(self.axes)
        if len(shape) != 3:
            hint = ["One draw is [N, 1, C]: log_probs[:, None]."] if len(shape) == 2 else []
            raise InputError(*hint, argument=name, expected=f"[{wanted}]", got=[*shape])
        count, num_draws, num_classes = (shape[axis] for axis in self.order)
        if num_draws < 1 or num_classes < 2:
            expected = f"[{wanted}] with K >= 1 draws and C >= 2 classes"
            raise InputError(argument=name, expected=expected, got=[*shape])
        return count, num_draws, num_classes

    def to_log_probs(self, raw: Tensor) -> LogProbs:
        """Return the predictions as natural log-probabilities.  [n, K, C] -> [n, K, C]"""
        wide = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self.inputs == "logits":
            return wide.log_softmax(-1)
        log_probs = wide.log() if self.inputs == "probs" else wide
        return (log_probs if raw.dtype == wide.dtype else log_probs.log_softmax(-1)).contiguous()

    def check(self, raw: Tensor, name: str, ids: Callable[[Tensor], Sequence[int | str]]) -> None:
        """Check that these are predictions.

        Args:
            raw: [n, K, C].
            name: The name of the argument, for messages.
            ids: Gives the ids of some of the n rows, by a mask or by their places.

        Raises:
            InputError: For NaN, +inf, negative probabilities and those that do not sum to one; `rows` are the ids.
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
            wrong, expected, advice = self._find_fault(wide[bad])
            places = bad.nonzero()[:, 0][wrong.flatten(1).any(1)]
            raise InputError(*advice, argument=name, expected=expected, rows=ids(places))

    def _find_fault(self, bad: Tensor) -> tuple[Tensor, str, tuple[Part, ...]]:
        """Return which numbers are at fault, what they must be, and what to do."""
        everything = torch.ones_like(bad, dtype=torch.bool)
        if bad.isnan().any():
            return bad.isnan(), "numbers; they are NaN", ("Find the model or input that made NaN.",)
        if (bad == math.inf).any():
            return bad == math.inf, "below +inf; they are +inf", ()
        if self.inputs == "logits":
            return everything, "logits that allow a class; they are all -inf", ()
        probs = self.inputs == "probs"
        if probs and (bad < 0).any():
            return bad < 0, "probabilities, at least 0; they are negative", _OTHER_INPUTS["probs"]
        sums = (bad if probs else bad.exp()).sum(2)  # [n, K]
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        kind = "probabilities" if probs else "logarithms of probabilities"
        return everything, f"{kind} that sum to one over the classes; they sum to {worst:.4g}", self._advice(bad)

    def _advice(self, bad: Tensor) -> tuple[Part, ...]:
        """Return the likely causes, most likely first; the numbers are never converted by a guess."""
        given_as_probs = self.inputs == "probs"
        look_like_probs = not given_as_probs and bool((bad >= 0).all())
        probs = bad if given_as_probs or look_like_probs else bad.exp()
        if look_like_probs and _sums_to_one(probs, 2):
            return ("They look like probabilities; say so: ", Argument("inputs", "probs"), ".")
        if _sums_to_one(probs, 1):
            axes = Argument("axes", self.axes.translate(str.maketrans("KC", "CK")))
            also = (" and ", Argument("inputs", "probs")) if look_like_probs else ()
            return ("They sum to one over K, the draws. If that axis holds the classes, say ", axes, *also, ".")
        if not (given_as_probs or look_like_probs):
            return ("If they are logits, say so: ", Argument("inputs", "logits"), ".")
        return _OTHER_INPUTS[self.inputs]


def _sums_to_one(probs: Tensor, axis: int) -> bool:
    return bool(((probs.sum(axis) - 1).abs() < SUM_TOLERANCE[torch.float32]).all())


def _suggest_inputs(kinds: str, *inputs: str) -> tuple[Part, ...]:
    first, second = (Argument("inputs", each) for each in inputs)
    return (f"If they are {kinds}, say so: ", first, ", ", second, ".")


_OTHER_INPUTS = {
    "log_probs": _suggest_inputs("probabilities or logits", "probs", "logits"),
    "probs": _suggest_inputs("log-probabilities or logits", "log_probs", "logits"),
}


def suggest_axes(is_likely: bool) -> tuple[Part, ...]:
    """Return the advice for an array whose draws may have been taken for its rows, where that is likely."""
    return ("If the predictions are [K, N, C], say ", Argument("axes", "KNC"), ".") if is_likely else ()


def check_layout(inputs: str, axes: str) -> None:
    """Raise InputError for an unknown kind of numbers or order of the axes."""
    if inputs not in INPUTS:
        hint = suggest_name(inputs, INPUTS).split(maxsplit=0)
        raise InputError(*hint, argument="inputs", expected=f"one of {', '.join(INPUTS)}", got=inputs)
    if axes not in AXES:
        expected = f"one of {', '.join(AXES)} (N rows, K draws, C classes)"
        raise InputError(*suggest_name(axes, AXES).split(maxsplit=0), argument="axes", expected=expected, got=axes)
