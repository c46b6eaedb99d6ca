"""The matrix products that a prediction with K draws cannot avoid: those that grow with K, of the units that are kept.

What precedes the first dropout layer is computed once per image, and units that a draw drops are not computed at all.
For each draw there remain the layers from the first that reads a mask to the last but one (the last is small). In Gal's
CNN all draws read the same features, so that one product says it: [n, 3872] @ [3872, kept units of all draws]. Features
that are 0 in all rows of a chunk are counted here and left out by lindley, which can so be faster than these products.
In BatchBALD's CNN every draw has its own values, so that it is products of each draw's own, in blocks that fit into the
cache; a convolution counts as the product of its patches with its weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.posteriors.dropout.mc_dropout import MCDropoutDraws

POSITIONS = 8 * 8
"""At which the second convolution of BatchBALD's CNN is evaluated, for each image."""
_CACHED_BYTES = 1 << 20
"""Of the left factor, where each draw has its own."""


def seconds_of_products(draws: MCDropoutDraws, num_images: int, chunk_rows: int) -> float:
    """Seconds of the products of a prediction of so many images, under draws that have predicted before."""
    seconds = 0.0
    for num_rows, rows_a_block, weight in _products(draws, num_images, chunk_rows):
        block = torch.rand(min(rows_a_block, num_rows), weight.shape[1]).to(weight.dtype)
        start = time.perf_counter()
        for first in range(0, num_rows, rows_a_block):
            torch.nn.functional.linear(block[: num_rows - first], weight)
        seconds += time.perf_counter() - start
    return seconds


def _products(draws: MCDropoutDraws, num_images: int, chunk_rows: int) -> Iterator[tuple[int, int, Tensor]]:
    """(rows in all, rows at a time, [columns, inner])."""
    weights = [of_draw[:-1] for of_draw in draws._network.draw_weights]
    if all(first.dim() == 2 for first, *_ in weights):  # dense, and all draws read the same values
        yield num_images, chunk_rows, torch.cat([first for first, *_ in weights])
        weights = [following for _, *following in weights]
    for weight in (weight for of_draw in weights for weight in of_draw):
        factor = weight.flatten(1).contiguous()
        rows = num_images * (POSITIONS if weight.dim() == 4 else 1)
        yield rows, max(1, _CACHED_BYTES // (factor.shape[1] * factor.element_size())), factor
