"""Whether predictions said to be [N, K, C] look like [K, N, C]: only told, never changed."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from lindley.acquisition.stored import StoredArray
from lindley.errors import Argument, InputWarning
from lindley.information.layouts import Layout

_FEW, _MANY = 64, 256
"""Rows and draws that are looked at, spread evenly over all."""
_LEAST = 20
"""Draws below which nothing is said: too few to be the rows of a pool, and to compare."""
_SEEN = 3.0
"""Ratio of mean squares from which rows, or draws, count as different: 1 is expected where they are alike."""
_UNLIKELY = 10
"""Draws for each row from which the shape alone is unlikely, where the values tell nothing."""


def warn_of_other_order(array: StoredArray, inputs: str, name: str) -> None:
    """Warn where there are more draws than rows, and what should be rows looks like draws.

    The rows of a pool differ from each other, each under all draws; draws of one model differ less, each over all
    rows. Both are compared as the two main effects of an analysis of variance of the probabilities. Where neither is
    seen, ten draws a row are too many to pass without a word.
    """
    layout = Layout(inputs, "NKC")
    count, num_draws, _ = array.shape
    if num_draws <= max(count, _LEAST - 1) or count < 2:
        return
    rows = torch.linspace(0, count - 1, min(count, _FEW)).long()
    draws = torch.linspace(0, num_draws - 1, min(num_draws, _MANY)).long()
    of_rows, of_draws = _effects(layout.log_probs(array.read(1, draws)[rows]).exp())
    seen = of_rows > 0 or of_draws > 0
    if of_draws > of_rows or (not seen and num_draws >= _UNLIKELY * count):
        said = (
            f"{name} is read as {count} rows under {num_draws} draws; it looks like {num_draws} rows under {count} "
            "draws. If it is [K, N, C], say "
        )
        warnings.warn(
            InputWarning(
                said, Argument("axes", "KNC"), "; if it is [N, K, C], ", Argument("axes", "NKC"), " silences this."
            ),
            stacklevel=4,
        )


def _effects(probs: Tensor) -> tuple[float, float]:
    """The variances that belong to the rows and to the draws, 0 where they are not seen.  [n, k, C] -> two numbers"""
    probs = probs.double()
    num_rows, num_draws, _ = probs.shape
    rows, draws = probs.mean(1, keepdim=True), probs.mean(0, keepdim=True)
    rest = (probs - rows - draws + probs.mean((0, 1))).square().sum() / ((num_rows - 1) * (num_draws - 1))
    by_rows = num_draws * rows.var(0, correction=1).sum()
    by_draws = num_rows * draws.var(1, correction=1).sum()
    of_rows = float((by_rows - rest) / num_draws) if by_rows > _SEEN * rest else 0.0
    of_draws = float((by_draws - rest) / num_rows) if by_draws > _SEEN * rest else 0.0
    return of_rows, of_draws
