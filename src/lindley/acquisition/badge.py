"""BADGE: rows whose last-layer gradients are large and point in different directions.

Source: Ash, Zhang, Krishnamurthy, Langford, Agarwal 2020, arXiv:1906.03671.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.distances import distances
from lindley.acquisition.diverse import average_by_row, features_by_row, first
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.noise import row_uniforms
from lindley.shapes import Rows


def badge(context: Context, batch_size: int, *, seed: int) -> Selection:
    """k-means++ seeding among the candidates' gradient embeddings; scores are distances to what was chosen before.

    A row's embedding is (p - onehot(argmax p)) ⊗ features, the gradient of the last layer had the likeliest class been
    the label; p is the average over the draws. The first pick has the largest norm, as in the authors' code (its score
    is that norm); each later one is drawn with probability proportional to its squared distance to the nearest pick.
    Where all distances are 0, rows follow by their seeded hash. As published, labelled rows are not looked at: their
    gradients are near 0 once they are fitted. Memory: features and C + 4 numbers per candidate, never [N, C·D].
    """
    check_request(context, batch_size)
    rows, features = features_by_row(context)
    residuals = _residuals(average_by_row(context))
    embeddings, ties = _Embeddings(residuals, features), tie_break(rows, seed)
    nearest = embeddings.squared_norms.clone()  # [N]; the distance from the origin until there is a pick
    picks, scores = [first(nearest, ties)], [float(nearest.max())]
    nearest.fill_(torch.inf)
    while len(picks) < batch_size:
        nearest = torch.minimum(nearest, embeddings.squared_distances(picks[-1]))
        nearest[picks] = -1.0
        picks.append(_drawn(nearest, rows, ties, seed, len(picks)))
        scores.append(float(nearest[picks[-1]]))
    dtype = torch.promote_types(residuals.dtype, features.dtype)
    return Selection(rows[picks], torch.tensor(scores, dtype=torch.float64).clamp_min(0.0).sqrt().to(dtype))


class _Embeddings:
    """Outer products r ⊗ f, kept as their factors: ⟨r ⊗ f, s ⊗ g⟩ = ⟨r, s⟩⟨f, g⟩."""

    def __init__(self, residuals: Tensor, features: Tensor) -> None:
        dtype = torch.promote_types(residuals.dtype, features.dtype)
        self._residuals, self._features = residuals.to(features.device, dtype), features.to(dtype)
        self._residual_norms = _squared(self._residuals, torch.zeros_like(self._residuals[:1]))  # [N]
        self._feature_norms = _squared(self._features, torch.zeros_like(self._features[:1]))  # [N]
        self.squared_norms = self._residual_norms * self._feature_norms

    def squared_distances(self, position: int) -> Tensor:
        """|r ⊗ f - s ⊗ g|² of everyone to one, written in |r - s|² and |f - g|² so that equal rows are at 0.  [N]"""
        at = slice(position, position + 1)
        apart = _squared(self._residuals, self._residuals[at])  # [N]; |r - s|²
        away = _squared(self._features, self._features[at])  # [N]; |f - g|²
        r, f = self._residual_norms, self._feature_norms
        doubled = (r - r[at]) * (f - f[at]) + apart * (f + f[at]) + away * (r + r[at]) - apart * away
        return (doubled / 2).clamp_min_(0.0)


def _squared(points: Tensor, centre: Tensor) -> Tensor:
    return distances(points, centre)[:, 0].double().square()


def _residuals(average: Tensor) -> Tensor:
    residuals = average.clone()
    residuals.scatter_add_(1, average.argmax(1, keepdim=True), -torch.ones_like(average[:, :1]))
    return residuals


def _drawn(squared: Tensor, rows: Rows, ties: Tensor, seed: int, pick: int) -> int:
    """A position with probability proportional to its squared distance: the largest of log D² + Gumbel noise."""
    if squared.max() <= 0:
        return first(squared, ties)
    gumbel = -(-row_uniforms(rows, seed, "badge", pick).log()).log()
    return first(squared.clamp_min(0.0).log() + gumbel.to(squared.device), ties)
