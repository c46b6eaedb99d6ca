"""CoreSet: rows such that every candidate is near one of them, by greedy k-centre.

Source: Sener, Savarese 2018, arXiv:1708.00489, algorithm 1; Gonzalez 1985 (twice the best radius at most).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.context_features import best_position, read_features, read_labelled_features
from lindley.acquisition.diverse.distances import distances, nearest_distance
from lindley.acquisition.diverse.prepared_rows import PreparedRows
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Chunk, Context, Selection
from lindley.shapes import Features, Scores


def coreset(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Select greedily the row farthest from all labelled and chosen ones.

    Without labelled rows it starts with a seeded row, whose score is its distance to the farthest candidate.
    Features are used as given. It makes B + 1 passes over the candidates, each of which brings back one distance for
    each row.

    Args:
        context: The candidates with their features, and those of the labelled rows.
        batch_size: Number of rows to select, at most N.
        seed: Seed of the order among equal distances.

    Returns:
        The rows in the order picked; scores are their distances to what was labelled or chosen before, and never rise.
        Diagnostics: `radius`, the distance of the farthest candidate afterwards.

    Raises:
        InputError: If features are missing or not finite, or the request cannot be used.
    """
    check_request(context, batch_size)
    rows = context.candidates.rows
    prepared = PreparedRows(context.candidates, _prepare)
    (some,) = prepared.first
    ties = tie_break(rows, seed)
    nearest = prepared.scan(partial(nearest_distance, centres=read_labelled_features(context, some)))  # [N]
    picks, scores = [], []
    for _ in range(batch_size):
        pick = best_position(nearest, ties)
        picks.append(pick)
        scores.append(float(nearest[pick]))
        (centre,) = prepared.take_one(pick)
        nearest = torch.minimum(nearest, prepared.scan(partial(_distance, centre=centre)))
        nearest[picks] = -torch.inf
    radius = max(0.0, float(nearest.max()))
    if scores[0] == torch.inf:
        scores[0] = scores[1] if batch_size > 1 else radius
    return Selection(rows[picks], torch.tensor(scores, dtype=some.dtype), {"radius": radius})


def _prepare(chunk: Chunk) -> tuple[Features]:
    return (read_features(chunk),)


def _distance(features: Features, centre: Tensor) -> Scores:
    return distances(features, centre)[:, 0]
