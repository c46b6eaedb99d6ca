"""BADGE: rows whose last-layer gradients are large and point in different directions.

Source: Ash, Zhang, Krishnamurthy, Langford, Agarwal 2020, arXiv:1906.03671.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.context_features import best_position, mean_probs_reader, read_features
from lindley.acquisition.diverse.distances import distances
from lindley.acquisition.diverse.prepared_rows import Prepared, PreparedRows
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Chunk, Context, Selection
from lindley.noise import row_uniforms
from lindley.shapes import Rows

Embeddings = tuple[Tensor, Tensor, Tensor, Tensor]
"""Outer products r ⊗ f as their factors r [n, C] and f [n, D], with |r|² and |f|² [n]."""


def badge(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Select by k-means++ seeding among the candidates' gradient embeddings.

    A row's embedding is (p - onehot(argmax p)) ⊗ features, the gradient of the last layer had the likeliest class been
    the label; p is the average over the draws. The first pick has the largest norm, as in the authors' code; each later
    one is drawn with probability proportional to its squared distance to the nearest pick. Where all distances are 0,
    rows follow by their seeded hash. As published, labelled rows are not read: their gradients are near 0 once
    they are fitted. It makes B passes over the candidates, each of which brings back one squared distance for each row;
    embeddings are never written out as [N, C·D].

    Args:
        context: The candidates with their predictions and features.
        batch_size: Number of rows to select, at most N.
        seed: Seed of the draws, each keyed by its row, and of the order among equal distances.

    Returns:
        The rows in the order drawn; scores are their distances to what was chosen before, for the first its norm.

    Raises:
        InputError: If predictions or features are missing or cannot be used, or the request cannot.
    """
    check_request(context, batch_size)
    rows = context.candidates.rows
    prepared = PreparedRows(context.candidates, partial(_embed, mean_probs_reader(context)))
    ties = tie_break(rows, seed)
    nearest = prepared.scan(_gradient_norms)  # [N]; the distance from the origin until there is a pick
    picks, scores = [best_position(nearest, ties)], [float(nearest.max())]
    nearest.fill_(torch.inf)
    while len(picks) < batch_size:
        pick = prepared.take_one(picks[-1])
        nearest = torch.minimum(nearest, prepared.scan(partial(_gradient_distances, to=pick)))
        nearest[picks] = -1.0
        picks.append(_draw(nearest, rows, ties, seed, len(picks)))
        scores.append(float(nearest[picks[-1]]))
    dtype = prepared.first[0].dtype
    return Selection(rows[picks], torch.tensor(scores, dtype=torch.float64).clamp_min(0.0).sqrt().to(dtype))


def _embed(average: partial[Tensor], chunk: Chunk) -> Embeddings:
    features, residuals = read_features(chunk), average(chunk)
    residuals.scatter_add_(1, residuals.argmax(1, keepdim=True), -torch.ones_like(residuals[:, :1]))
    dtype = torch.promote_types(residuals.dtype, features.dtype)
    residuals, features = residuals.to(features.device, dtype), features.to(dtype)
    zero_residual, zero_feature = torch.zeros_like(residuals[:1]), torch.zeros_like(features[:1])
    return residuals, features, _square_distances(residuals, zero_residual), _square_distances(features, zero_feature)


def _gradient_norms(residuals: Tensor, features: Tensor, residual_norms: Tensor, feature_norms: Tensor) -> Tensor:
    return residual_norms * feature_norms


def _gradient_distances(residuals: Tensor, features: Tensor, r: Tensor, f: Tensor, to: Prepared) -> Tensor:
    """Return |r ⊗ f - s ⊗ g|² of all rows to one, written in |r - s|² and |f - g|² so that equal rows are at 0.  [n]

    It follows from ⟨r ⊗ f, s ⊗ g⟩ = ⟨r, s⟩⟨f, g⟩.
    """
    residual, feature, one_r, one_f = to
    residual_squares = _square_distances(residuals, residual)  # [n]; |r - s|²
    feature_squares = _square_distances(features, feature)  # [n]; |f - g|²
    doubled = (r - one_r) * (f - one_f) + residual_squares * (f + one_f) + feature_squares * (r + one_r)
    doubled -= residual_squares * feature_squares
    return (doubled / 2).clamp_min_(0.0)


def _square_distances(points: Tensor, centre: Tensor) -> Tensor:
    return distances(points, centre)[:, 0].double().square()


def _draw(squared: Tensor, rows: Rows, ties: Tensor, seed: int, pick: int) -> int:
    """Draw a position with probability proportional to its squared distance: the largest of log D² + Gumbel noise."""
    if squared.max() <= 0:
        return best_position(squared, ties)
    gumbel = -(-row_uniforms(rows, seed, "badge", pick).log()).log()
    return best_position(squared.clamp_min(0.0).log() + gumbel.to(squared.device), ties)
