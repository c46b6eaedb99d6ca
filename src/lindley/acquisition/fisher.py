"""The Fisher information of a softmax layer, and what a row more or less changes in tr(M⁻¹ F).

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

Probs = Float64[Tensor, "N C"]
Information = Float64[Tensor, "CD CD"]


def summed_information(features: Features, probs: Probs) -> Information:
    """The information of all these rows together, Σ (diag(p) - p pᵀ) ⊗ f fᵀ.  [N, D], [N, C] -> [C·D, C·D]"""
    num_features, num_classes = features.shape[1], probs.shape[1]
    total = features.new_zeros(num_classes, num_features, num_classes, num_features)
    for a in range(num_classes):
        for b in range(a, num_classes):
            weights = probs[:, a] * ((1.0 if a == b else 0.0) - probs[:, b])  # [N]
            for rows in torch.arange(len(features)).split(_BLOCK):
                some = features[rows]
                total[a, :, b] += some.T @ (some * weights[rows, None])
            total[b, :, a] = total[a, :, b]
    return total.flatten(2).flatten(0, 1)


class TraceObjective:
    """tr(M⁻¹ F) while rows enter M or leave it; each row weighs the same `weight` in M."""

    def __init__(
        self, features: Features, probs: Probs, *, weight: float, inverse: Information, fisher: Information
    ) -> None:
        self._features, self._probs, self._weight = features, probs, weight
        self.inverse, self._fisher = inverse.clone(), fisher
        self._spread = self._parts(inverse)  # [N, C, C]; of M⁻¹
        self._stake = self._parts(inverse @ fisher @ inverse)  # [N, C, C]; of M⁻¹ F M⁻¹

    @property
    def value(self) -> float:
        """tr(M⁻¹ F)."""
        return float((self.inverse * self._fisher).sum())

    def reductions(self, sign: int) -> Scores:
        """By how much tr(M⁻¹ F) falls when each row enters M (sign 1) or leaves it (sign -1, then negative).  [N]"""
        return torch.cat([self._block_reductions(rows, sign) for rows in self._blocks()])

    def move(self, position: int, sign: int) -> None:
        """Let one row enter M (sign 1) or leave it (sign -1)."""
        size = self._probs.shape[1]
        root = self._root(self._probs[position])  # [C, C]; rootᵀ root = weight · (diag(p) - p pᵀ)
        row = torch.einsum("rc,d->rcd", root, self._features[position]).flatten(1)  # [C, C·D]
        across = self.inverse @ row.T  # [C·D, C]
        inner = torch.linalg.inv(sign * torch.eye(size, dtype=row.dtype) + row @ across)  # [C, C]
        staked = self.inverse @ (self._fisher @ across)  # [C·D, C]
        between = row @ staked  # [C, C]
        for rows in self._blocks():
            mine, at_stake = self._against(rows, across), self._against(rows, staked)  # [n, C, C] each
            pulled = mine @ inner
            self._spread[rows] -= pulled @ mine.mT
            half = pulled @ (at_stake - pulled @ between / 2).mT
            self._stake[rows] -= half + half.mT
        self.inverse -= across @ inner @ across.T

    def _block_reductions(self, rows: slice, sign: int) -> Tensor:
        probs = self._probs[rows, :, None]  # [n, C, 1]

        def informed(parts: Tensor) -> Tensor:  # (diag(p) - p pᵀ) times parts
            return self._weight * probs * (parts - (probs * parts).sum(1, keepdim=True))

        eye = torch.eye(probs.shape[1], dtype=probs.dtype)
        solved = torch.linalg.solve(eye + sign * informed(self._spread[rows]), informed(self._stake[rows]))
        reductions: Tensor = sign * solved.diagonal(dim1=1, dim2=2).sum(1)  # [n]
        return reductions

    def _parts(self, matrix: Tensor) -> Tensor:
        """(I ⊗ fᵀ) matrix (I ⊗ f) of every row.  [C·D, C·D] -> [N, C, C]"""
        size, dim = self._probs.shape[1], self._features.shape[1]
        blocks = matrix.view(size, dim, size, dim)
        parts = self._features.new_empty(len(self._features), size, size)
        for rows in self._blocks():
            some = self._features[rows]
            for a in range(size):
                for b in range(a, size):
                    parts[rows, a, b] = ((some @ blocks[a, :, b]) * some).sum(1)
                    parts[rows, b, a] = parts[rows, a, b]
        return parts

    def _against(self, rows: slice, columns: Tensor) -> Tensor:
        """(I ⊗ fᵀ) columns of some rows.  [C·D, C] -> [n, C, C]"""
        size, dim = self._probs.shape[1], self._features.shape[1]
        by_feature = columns.view(size, dim, size).transpose(0, 1).reshape(dim, size * size)
        return (self._features[rows] @ by_feature).view(-1, size, size)

    def _root(self, probs: Tensor) -> Tensor:
        return (self._weight * probs).sqrt()[:, None] * (torch.eye(len(probs), dtype=probs.dtype) - probs)

    def _blocks(self) -> list[slice]:
        size = len(self._features)
        return [slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK)]
