"""The Fisher information of a softmax layer, and the change of tr(M⁻¹ F) by one row more or less.

A row with features f and probabilities p has the information (diag(p) - p pᵀ) ⊗ f fᵀ, a matrix [C·D, C·D] of rank
C - 1. For each row only its [C, C] parts of M⁻¹ and M⁻¹ F M⁻¹ are kept, (I ⊗ fᵀ) M⁻¹ (I ⊗ f), and follow each change of
M by the Woodbury identity: a change costs N·C²·D, where computing them anew costs N·C²·D².
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from lindley.shapes import Features, Scores

_BLOCK = 4096
_ROWS_PER_SUM = 512  # rows whose information is summed at a time

Probs = Float64[Tensor, "N C"]
Information = Float64[Tensor, "CD CD"]


def information_blocks(features: Features, probs: Probs) -> Tensor:
    """Return the blocks of the information of all these rows, Σ (diag(p) - p pᵀ) ⊗ f fᵀ, for pairs of classes a <= b.

    [n, D], [n, C] -> [C·(C+1)/2, D, D]; `information_matrix` assembles the matrix.
    """
    size, dim = probs.shape[1], features.shape[1]
    blocks = features.new_zeros(size * (size + 1) // 2, dim, dim)
    for rows in _blocks(len(features), _ROWS_PER_SUM):
        block_features, block_probs = features[rows], probs[rows]
        start = 0
        for a in range(size):
            weights = -block_probs[:, a, None] * block_probs[:, a:]  # [n, C - a]
            weights[:, 0] += block_probs[:, a]
            weighted = (block_features[:, None] * weights[:, :, None]).flatten(1)  # [n, (C - a)·D]
            blocks[start : start + size - a] += (block_features.T @ weighted).view(dim, size - a, dim).transpose(0, 1)
            start += size - a
    return blocks


def information_matrix(blocks: Tensor, num_classes: int) -> Information:
    """Return the symmetric matrix with these blocks on and above its diagonal.  [C·(C+1)/2, D, D] -> [C·D, C·D]"""
    num_features = blocks.shape[1]
    total = blocks.new_empty(num_classes, num_features, num_classes, num_features)
    above = iter(blocks)
    for a in range(num_classes):
        for b in range(a, num_classes):
            total[a, :, b] = total[b, :, a] = next(above)
    return total.flatten(2).flatten(0, 1)


def total_information(features: Features, probs: Probs) -> Information:
    """Return the information of all these rows together.  [n, D], [n, C] -> [C·D, C·D]"""
    return information_matrix(information_blocks(features, probs), probs.shape[1])


class TraceObjective:
    """The objective tr(M⁻¹ F), while rows enter M or leave it; each row weighs the same `weight` in M.

    It keeps the parts of its own rows, which can be none; `trace_reductions` computes those of any others.
    """

    def __init__(
        self, features: Features, probs: Probs, *, weight: float, inverse: Information, fisher: Information
    ) -> None:
        """Start from rows, none of which are in M yet.

        Args:
            features: Features of the rows whose parts are kept, [N, D].
            probs: Their probabilities, [N, C].
            weight: Factor by which a row's information enters M.
            inverse: M⁻¹, [C·D, C·D].
            fisher: F, [C·D, C·D].
        """
        self._features, self._probs, self._weight = features, probs, weight
        self.inverse, self._fisher = inverse.clone(), fisher
        inverse, gradient = self.matrices
        self._inverse_parts = _row_parts(features, inverse, probs.shape[1])  # [N, C, C]; of M⁻¹
        self._gradient_parts = _row_parts(features, gradient, probs.shape[1])  # [N, C, C]; of M⁻¹ F M⁻¹

    @property
    def value(self) -> float:
        """The objective, tr(M⁻¹ F)."""
        return float((self.inverse * self._fisher).sum())

    @property
    def matrices(self) -> tuple[Information, Information]:
        """M⁻¹, and M⁻¹ F M⁻¹, minus the gradient of the objective in M."""
        return self.inverse, self.inverse @ self._fisher @ self.inverse

    def reductions(self, sign: int) -> Scores:
        """Return by how much tr(M⁻¹ F) falls when each row enters M (sign 1) or leaves it (sign -1, then negative).

        -> [N]
        """
        return torch.cat(
            [
                _reductions_from_parts(
                    self._probs[rows], self._inverse_parts[rows], self._gradient_parts[rows], sign * self._weight
                )
                for rows in self._blocks()
            ]
        )

    def update(self, position: int, sign: int) -> None:
        """Update for one of the rows, which enters M (sign 1) or leaves it (sign -1)."""
        self.update_with(self._features[position], self._probs[position], sign)

    def update_with(self, features: Tensor, probs: Tensor, sign: int) -> None:
        """Update for any row, which enters M (sign 1) or leaves it (sign -1), by the Woodbury identity.

        Args:
            features: Features of the row, [D].
            probs: Its probabilities, [C].
            sign: 1 to enter, -1 to leave.
        """
        size = len(probs)
        root = self._root(probs)  # [C, C]; rootᵀ root = weight · (diag(p) - p pᵀ)
        row = torch.einsum("rc,d->rcd", root, features).flatten(1)  # [C, C·D]
        inverse_columns = self.inverse @ row.T  # [C·D, C]
        inner = torch.linalg.inv(sign * torch.eye(size, dtype=row.dtype) + row @ inverse_columns)  # [C, C]
        gradient_columns = self.inverse @ (self._fisher @ inverse_columns)  # [C·D, C]
        between = row @ gradient_columns  # [C, C]
        for rows in self._blocks():
            inverse_part = self._project(rows, inverse_columns)  # [n, C, C]
            gradient_part = self._project(rows, gradient_columns)  # [n, C, C]
            solved_part = inverse_part @ inner
            self._inverse_parts[rows] -= solved_part @ inverse_part.mT
            half = solved_part @ (gradient_part - solved_part @ between / 2).mT
            self._gradient_parts[rows] -= half + half.mT
        self.inverse -= inverse_columns @ inner @ inverse_columns.T

    def _project(self, rows: slice, columns: Tensor) -> Tensor:
        """Return (I ⊗ fᵀ) columns for some rows.  [C·D, C] -> [n, C, C]"""
        size, dim = self._probs.shape[1], self._features.shape[1]
        by_feature = columns.view(size, dim, size).transpose(0, 1).reshape(dim, size * size)
        return (self._features[rows] @ by_feature).view(-1, size, size)

    def _root(self, probs: Tensor) -> Tensor:
        return (self._weight * probs).sqrt()[:, None] * (torch.eye(len(probs), dtype=probs.dtype) - probs)

    def _blocks(self) -> list[slice]:
        return _blocks(len(self._features))


def trace_reductions(
    features: Features, probs: Probs, *, weight: float, inverse: Information, gradient: Information
) -> Scores:
    """Return by how much tr(M⁻¹ F) falls when each of these rows enters M, computed anew.  [n, D], [n, C] -> [n]

    Args:
        features: Features of the rows, [n, D].
        probs: Their probabilities, [n, C].
        weight: Factor by which a row's information enters M.
        inverse: M⁻¹, [C·D, C·D].
        gradient: M⁻¹ F M⁻¹, [C·D, C·D].
    """
    size = probs.shape[1]
    return _reductions_from_parts(
        probs, _row_parts(features, inverse, size), _row_parts(features, gradient, size), weight
    )


def _reductions_from_parts(probs: Tensor, inverse_parts: Tensor, gradient_parts: Tensor, weight: float) -> Tensor:
    """Return by how much tr(M⁻¹ F) falls, for rows of this weight; below zero they leave M.  -> [n]"""
    probs = probs[:, :, None]  # [n, C, 1]

    def multiply(parts: Tensor) -> Tensor:  # (diag(p) - p pᵀ) times parts
        return abs(weight) * probs * (parts - (probs * parts).sum(1, keepdim=True))

    sign = 1 if weight > 0 else -1
    eye = torch.eye(probs.shape[1], dtype=probs.dtype)
    solved = torch.linalg.solve(eye + sign * multiply(inverse_parts), multiply(gradient_parts))
    reductions: Tensor = sign * solved.diagonal(dim1=1, dim2=2).sum(1)  # [n]
    return reductions


def _row_parts(features: Features, matrix: Information, size: int) -> Tensor:
    """Return (I ⊗ fᵀ) matrix (I ⊗ f) for every row.  [C·D, C·D] -> [N, C, C]"""
    dim = features.shape[1]
    blocks = matrix.view(size, dim, size, dim)
    parts = features.new_empty(len(features), size, size)
    for rows in _blocks(len(features)):
        block = features[rows]
        for a in range(size):
            for b in range(a, size):
                parts[rows, a, b] = ((block @ blocks[a, :, b]) * block).sum(1)
                parts[rows, b, a] = parts[rows, a, b]
    return parts


def _blocks(count: int, size: int = _BLOCK) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
