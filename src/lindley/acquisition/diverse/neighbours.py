"""How many points lie in a ball: counted tile by tile, so that no N x N matrix, nor a graph of pairs, is kept."""

from __future__ import annotations

import math

import torch
from jaxtyping import Int64
from torch import Tensor

from lindley.acquisition.diverse.distances import distances, rounding
from lindley.modes import no_autocast
from lindley.shapes import Features, Positions

TILE = (512, 4096)
"""Rows and columns of pairs that are in memory at a time: 8 MiB of float32."""
_Others = Int64[Tensor, "others"]


class Balls:
    """A ball of one radius around each point; both they and those who are counted are given by position.

    Pairs at exactly the radius are within it, however their product is rounded: the radius is a little wider, by
    4e-6 of the largest squared distance from the mean (float32). A pair that lies within rounding of that wider radius
    may be counted at one time and not at another.
    """

    def __init__(self, points: Features, radius: float, *, tile: tuple[int, int] = TILE) -> None:
        """Take points [N, D], the radius, and the rows and columns of pairs that are counted at a time."""
        self._points = points
        self._rows, self._columns = tile
        points = points - points.mean(0)
        halves = points.square().sum(1, keepdim=True) / 2
        squared = radius**2 + rounding(float(halves.max()), points.dtype)
        self.radius = math.sqrt(squared)
        # Their product is (radius² - |x - y|²) / 2: one product and one comparison for a pair.
        self._left = torch.cat([points, squared / 2 - halves, torch.ones_like(halves)], 1)  # [N, D + 2]
        self._right = torch.cat([points, torch.ones_like(halves), -halves], 1)  # [N, D + 2]

    def distances_to(self, position: int) -> Tensor:
        """Return the distances of all points to one of them.  [N]"""
        return distances(self._points, self._points[position : position + 1])[:, 0]

    def counts(self, at: Positions, among: _Others) -> Tensor:
        """Return how many of `among` lie in each of the balls `at`.  [n], [m] -> [n]"""
        counts = torch.zeros_like(at)
        for rows in _slices(len(at), self._rows):
            for columns in _slices(len(among), self._columns):
                counts[rows] += self._inside(at[rows], among[columns]).count_nonzero(1)
        return counts

    def counts_within(self, at: Positions) -> Tensor:
        """Return counts(at, at), looking at each pair once.  [n] -> [n]"""
        counts = torch.zeros_like(at)
        for rows in _slices(len(at), self._rows):
            counts[rows] += self._inside(at[rows], at[rows]).count_nonzero(1)
            for columns in _slices(len(at), self._columns, start=rows.stop):
                inside = self._inside(at[rows], at[columns])
                counts[rows] += inside.count_nonzero(1)
                counts[columns] += inside.count_nonzero(0)
        return counts

    @no_autocast()
    def _inside(self, at: Tensor, among: Tensor) -> Tensor:
        return self._left[at] @ self._right[among].T >= 0


def _slices(length: int, size: int, *, start: int = 0) -> list[slice]:
    return [slice(first, min(first + size, length)) for first in range(start, length, size)]
