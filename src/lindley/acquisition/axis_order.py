"""A warning where predictions given as [N, K, C] look like [K, N, C]; nothing is changed."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from lindley.acquisition.array_sources import ArraySource
from lindley.errors import Argument, InputWarning
from lindley.information.layouts import Layout

_MAX_ROWS, _MAX_DRAWS = 64, 256
"""Rows and draws that are compared, spread evenly over all."""
_MIN_DRAWS = 20
"""Draws below which there is no warning: too few to be the rows of a pool, and to compare."""
_MIN_RATIO = 3.0
"""Ratio of mean squares from which rows, or draws, count as different: 1 is expected where they are alike."""
_UNLIKELY = 10
"""Draws for each row from which the shape alone is unlikely, where the values tell nothing."""


def warn_if_axes_swapped(array: ArraySource, inputs: str, name: str) -> None:
    """Warn where there are more draws than rows, and the axis of the rows looks like that of the draws.

    The rows of a pool differ from each other, each under all draws; draws of one model differ less, each over all
    rows. Both are compared as the two main effects of an analysis of variance of the probabilities. Where there is
    neither effect, ten draws a row are unlikely enough for the warning.

    Args:
        array: The predictions, read as [N, K, C].
        inputs: Their kind: "log_probs", "probs" or "logits".
        name: The name of the argument, for the message.
    """
    layout = Layout(inputs, "NKC")
    count, num_draws, _ = array.shape
    if num_draws <= max(count, _MIN_DRAWS - 1) or count < 2:
        return
    rows = torch.linspace(0, count - 1, min(count, _MAX_ROWS)).long()
    draws = torch.linspace(0, num_draws - 1, min(num_draws, _MAX_DRAWS)).long()
    row_effect, draw_effect = _main_effects(layout.to_log_probs(array.read(1, draws)[rows]).exp())
    no_effect = row_effect == draw_effect == 0
    if draw_effect > row_effect or (no_effect and num_draws >= _UNLIKELY * count):
        text = (
            f"{name} is read as {count} rows under {num_draws} draws; it looks like {num_draws} rows under {count} "
            "draws. If it is [K, N, C], say "
        )
        warnings.warn(
            InputWarning(
                text, Argument("axes", "KNC"), "; if it is [N, K, C], ", Argument("axes", "NKC"), " silences this."
            ),
            stacklevel=4,
        )


def _main_effects(probs: Tensor) -> tuple[float, float]:
    """Return the variances that belong to the rows and to the draws, 0 where there is no effect.  [n, k, C]"""
    probs = probs.double()
    num_rows, num_draws, _ = probs.shape
    rows, draws = probs.mean(1, keepdim=True), probs.mean(0, keepdim=True)
    rest = (probs - rows - draws + probs.mean((0, 1))).square().sum() / ((num_rows - 1) * (num_draws - 1))
    by_rows = num_draws * rows.var(0, correction=1).sum()
    by_draws = num_rows * draws.var(1, correction=1).sum()
    row_effect = float((by_rows - rest) / num_draws) if by_rows > _MIN_RATIO * rest else 0.0
    draw_effect = float((by_draws - rest) / num_rows) if by_draws > _MIN_RATIO * rest else 0.0
    return row_effect, draw_effect
