"""Counts of the points in a ball, tile by tile, so that neither an N x N matrix nor a graph of pairs is kept."""

from __future__ import annotations

import math

import torch
from jaxtyping import Int64
from torch import Tensor

from lindley.acquisition.diverse.distances import distances, error_bound
from lindley.shapes import Features, Positions
from lindley.torch_state import no_autocast

TILE = (512, 4096)
"""Rows and columns of pairs that are in memory at a time: 8 MiB of float32."""
_Others = Int64[Tensor, "others"]


class Balls:
    """A ball of one radius around each point; centres and counted points are given by their positions.

    Pairs at exactly the radius are within it, however their product is rounded: the radius is a little wider, by
    4e-6 of the largest squared distance from the mean (float32). A pair that lies within rounding of that wider radius
    may be counted in one call and not in another.
    """

    def __init__(self, points: Features, radius: float, *, tile: tuple[int, int] = TILE) -> None:
        """Prepare the products of all pairs.

        Args:
            points: The points, [N, D].
            radius: Radius of the balls, in units of the points.
            tile: Rows and columns of pairs that are counted at a time.
        """
        self._points = points
        self._rows, self._columns = tile
        points = points - points.mean(0)
        halves = points.square().sum(1, keepdim=True) / 2
        squared = radius**2 + error_bound(float(halves.max()), points.dtype)
        self.radius = math.sqrt(squared)
        # Their product is (radius² - |x - y|²) / 2: one product and one comparison for a pair.
        self._left = torch.cat([points, squared / 2 - halves, torch.ones_like(halves)], 1)  # [N, D + 2]
        self._right = torch.cat([points, torch.ones_like(halves), -halves], 1)  # [N, D + 2]

    def distances_to(self, position: int) -> Tensor:
        """Return the distances of all points to one of them.  [N]"""
        return distances(self._points, self._points[position : position + 1])[:, 0]

    def counts(self, centres: Positions, others: _Others) -> Tensor:
        """Return how many of `others` lie in each of the balls `centres`.  [n], [m] -> [n]"""
        counts = torch.zeros_like(centres)
        for rows in _slices(len(centres), self._rows):
            for columns in _slices(len(others), self._columns):
                counts[rows] += self._contains(centres[rows], others[columns]).count_nonzero(1)
        return counts

    def counts_within(self, centres: Positions) -> Tensor:
        """Return counts(centres, centres), looking at each pair once.  [n] -> [n]"""
        counts = torch.zeros_like(centres)
        for rows in _slices(len(centres), self._rows):
            counts[rows] += self._contains(centres[rows], centres[rows]).count_nonzero(1)
            for columns in _slices(len(centres), self._columns, start=rows.stop):
                inside = self._contains(centres[rows], centres[columns])
                counts[rows] += inside.count_nonzero(1)
                counts[columns] += inside.count_nonzero(0)
        return counts

    @no_autocast()
    def _contains(self, centres: Tensor, others: Tensor) -> Tensor:
        return self._left[centres] @ self._right[others].T >= 0


def _slices(length: int, size: int, *, start: int = 0) -> list[slice]:
    return [slice(first, min(first + size, length)) for first in range(start, length, size)]
