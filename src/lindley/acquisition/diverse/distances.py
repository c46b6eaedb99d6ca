"""Euclidean distances: to few points without cancellation, to many by blocks of one matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.shapes import Features, LabelledFeatures, Scores
from lindley.torch_state import no_autocast

TILE = 1 << 22
"""Entries of a distance matrix that are in memory at a time: 16 MiB of float32."""


@no_autocast()
def distances(points: Features, centres: LabelledFeatures) -> Float[Tensor, "N L"]:
    """Return distances to a few centres, computed from differences, so that equal points are exactly 0 apart."""
    return torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist")


def nearest_distance(points: Features, centres: LabelledFeatures) -> Scores:
    """Return the distance to the nearest centre; +inf where there are none.  [N, D], [L, D] -> [N]"""
    nearest = points.new_full((len(points),), torch.inf)
    if len(centres) == 0:
        return nearest
    for some in centres.split(max(1, TILE // max(1, len(points)))):
        nearest = torch.minimum(nearest, distances(points, some).amin(1))
    return nearest


def iterate_squared_distances(
    points: Features, others: LabelledFeatures, *, tile: int = TILE
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the squared distances of all pairs, some rows at a time, by a matrix product.

    Distances that rounding cannot tell from zero are zero: in float32 about (0.002 of the largest distance from
    the mean)².

    Args:
        points: The points of the rows, [N, D].
        others: The points of the columns, [L, D].
        tile: Pairs of a block at most; a block has at least one row.

    Yields:
        The rows of the block, and their squared distances [n, L].
    """
    centre = others.mean(0)
    points, others = points - centre, others - centre
    halves, other_halves = points.square().sum(1) / 2, others.square().sum(1) / 2
    noise = error_bound(max(float(halves.max()), float(other_halves.max())), points.dtype)
    size = max(1, tile // len(others))
    for start in range(0, len(points), size):
        rows = slice(start, min(start + size, len(points)))
        with no_autocast():
            products = points[rows] @ others.T
        squared = products.neg_().add_(halves[rows, None]).add_(other_halves).mul_(2)
        yield rows, squared.masked_fill_(squared <= noise, 0.0)


def error_bound(half_squared_length: float, dtype: torch.dtype) -> float:
    """Return a bound of the rounding error of the squared distance between two points of this length."""
    return 64 * torch.finfo(dtype).eps * half_squared_length
