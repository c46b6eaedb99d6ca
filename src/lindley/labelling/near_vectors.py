"""Vectors that are nearly the same: neighbours in a projection, which are then compared in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from lindley.seeds import numpy_generator

_DIMENSIONS, _NEIGHBOURS, _PART = 12, 16, 1000
_NOISE = 32.0
"""Thumbnails of less contrast than this (4 of 256 levels) count as nearly flat, and are compared by level."""


@dataclass(frozen=True)
class Points:
    """N points in D dimensions, computed for some rows at a time."""

    dimensions: int
    read: Callable[[np.ndarray], np.ndarray]


def thumbnail_points(thumbnails: Sequence[bytes]) -> Points:
    """Return points of thumbnails: the half square of a distance is one minus the correlation."""
    pixels = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(len(thumbnails), -1)

    def read(rows: np.ndarray) -> np.ndarray:
        centred = pixels[rows].astype(np.float64)
        centred -= centred.mean(1, keepdims=True)
        points: np.ndarray = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), _NOISE)
        return points

    return Points(pixels.shape[1], read)


def relative_points(vectors: np.ndarray) -> Points:
    """Return points of vectors, their direction and the logarithm of their length: distances are relative ones."""

    def read(rows: np.ndarray) -> np.ndarray:
        wide = np.asarray(vectors[rows], np.float64)
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        return np.hstack([wide / lengths, np.log(lengths)])

    return Points(vectors.shape[1] + 1, read)


def find_near_pairs(points: Points, rows: np.ndarray, radius: float) -> np.ndarray:
    """Return pairs of rows whose points are at most `radius` apart.  [E, 2]

    Of a point with more than 15 neighbours in the projection, the nearest are compared: the number of pairs is linear.

    Args:
        points: The points.
        rows: The rows to compare, [n].
        radius: The largest distance.
    """
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    projected = _project(points, rows)
    distances, neighbours = cKDTree(projected).query(
        projected, k=min(_NEIGHBOURS, len(rows)), distance_upper_bound=radius * (1 + 1e-6)
    )
    places, columns = np.nonzero(np.isfinite(distances))
    pairs = np.stack([places, neighbours[places, columns]], 1)
    candidates = rows[np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)]
    near: np.ndarray = candidates[_are_near(points, candidates, radius)]
    return near


def _project(points: Points, rows: np.ndarray) -> np.ndarray:
    """Return points in few dimensions, where no two are further apart than before."""
    kept = min(_DIMENSIONS, points.dimensions)
    noise = numpy_generator(0, "projection of vectors").normal(size=(points.dimensions, kept))
    axes = np.linalg.qr(noise)[0]
    parts = [points.read(rows[start : start + _PART]) @ axes for start in range(0, len(rows), _PART)]
    return np.concatenate(parts)


def _are_near(points: Points, pairs: np.ndarray, radius: float) -> np.ndarray:
    near = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _PART):
        some = pairs[start : start + _PART]
        apart = np.linalg.norm(points.read(some[:, 0]) - points.read(some[:, 1]), axis=1)
        near[start : start + _PART] = apart <= radius
    return near
