"""Euclidean distances: to few points without cancellation, to many by blocks of one matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.modes import no_autocast
from lindley.shapes import Features, LabelledFeatures, Scores

TILE = 1 << 22
"""Entries of a distance matrix that are in memory at a time: 16 MiB of float32."""


@no_autocast()
def distances(points: Features, centres: LabelledFeatures) -> Float[Tensor, "N L"]:
    """Return distances to a few centres, from differences: equal points are at 0, equal pairs equally far."""
    return torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist")


def nearest_distance(points: Features, centres: LabelledFeatures) -> Scores:
    """Return the distance to the nearest centre; +inf where there are none.  [N, D], [L, D] -> [N]"""
    nearest = points.new_full((len(points),), torch.inf)
    if len(centres) == 0:
        return nearest
    for some in centres.split(max(1, TILE // max(1, len(points)))):
        nearest = torch.minimum(nearest, distances(points, some).amin(1))
    return nearest


def squared_distance_blocks(
    points: Features, others: LabelledFeatures, *, tile: int = TILE
) -> Iterator[tuple[slice, Tensor]]:
    """Yield squared distances of all pairs, some rows at a time, by a matrix product.

    What rounding cannot tell from zero is zero: about (0.002 of the largest distance from the mean)² in float32.

    Args:
        points: [N, D].
        others: [L, D].
        tile: Pairs of a block at most, where a row of them is not more.

    Yields:
        The rows of the block, and their squared distances [n, L].
    """
    centre = others.mean(0)
    points, others = points - centre, others - centre
    halves, other_halves = points.square().sum(1) / 2, others.square().sum(1) / 2
    noise = rounding(max(float(halves.max()), float(other_halves.max())), points.dtype)
    size = max(1, tile // len(others))
    for start in range(0, len(points), size):
        rows = slice(start, min(start + size, len(points)))
        with no_autocast():
            products = points[rows] @ others.T
        squared = products.neg_().add_(halves[rows, None]).add_(other_halves).mul_(2)
        yield rows, squared.masked_fill_(squared <= noise, 0.0)


def rounding(half_squared_length: float, dtype: torch.dtype) -> float:
    """Return a bound of the rounding error of the squared distance of two points of that length."""
    return 64 * torch.finfo(dtype).eps * half_squared_length
