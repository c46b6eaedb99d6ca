"""CoreSet: every candidate near a labelled row, by greedy k-centre.

Source: Sener, Savarese 2018, arXiv:1708.00489, algorithm 1; Gonzalez 1985 (twice the best radius at most).
"""

from __future__ import annotations

import torch

from lindley.acquisition.checks import check_request
from lindley.acquisition.distances import distances, nearest_distance
from lindley.acquisition.diverse import features_by_row, first, labelled_by_row
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection


def coreset(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Greedily the row farthest from all labelled and chosen ones; scores are those distances, which never rise.

    Where nothing is labelled it starts with a seeded row, whose score is how far the farthest candidate is from it.
    Features are used as given. Diagnostics: radius, how far the farthest candidate is from what is labelled or chosen.
    Memory: the features and one distance per candidate.
    """
    check_request(context, batch_size)
    rows, features = features_by_row(context)
    ties = tie_break(rows, seed)
    nearest = nearest_distance(features, labelled_by_row(context, features))  # [N]
    picks, scores = [], []
    for _ in range(batch_size):
        pick = first(nearest, ties)
        picks.append(pick)
        scores.append(float(nearest[pick]))
        nearest = torch.minimum(nearest, distances(features, features[pick : pick + 1])[:, 0])
        nearest[picks] = -torch.inf
    radius = max(0.0, float(nearest.max()))
    if scores[0] == torch.inf:
        scores[0] = scores[1] if batch_size > 1 else radius
    return Selection(rows[picks], torch.tensor(scores, dtype=features.dtype), {"radius": radius})
