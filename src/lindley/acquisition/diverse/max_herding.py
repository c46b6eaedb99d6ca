"""MaxHerding: rows such that every candidate is near one of them, by a smooth kernel.

Source: Bae, Noh, Sutherland 2024, "Generalized coverage for more robust low-budget active learning", arXiv:2407.12212.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.context_features import Subset, read_subset
from lindley.acquisition.diverse.distances import distances, iterate_squared_distances
from lindley.acquisition.diverse.specs import MaxHerdingOptions
from lindley.acquisition.greedy_search import best_pick
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.shapes import Positions, Scores
from lindley.torch_state import no_autocast

_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Share of the mean weight that rounding cannot tell apart."""
_BLOCK = 256


def max_herding(
    context: Context, batch_size: int, *, seed: int, sigma: float = 1.0, normalise: bool = True
) -> Selection:
    """Select greedily the rows that raise the mean over candidates x of max_s k(x, s) most.

    k(x, s) = exp(-|x - s|² / sigma²), and s are the labelled and the selected rows. Gains fall as the batch grows, so
    that the lazy search is exact. The first pick takes time that grows with N²·D. Of more than 20,000 candidates a
    seeded subset of so many is considered, by rows alone, so that it is the same wherever they are; the others are
    neither averaged over nor chosen.

    Args:
        context: The candidates with their features, and those of the labelled rows.
        batch_size: Number of rows to select, at most N and at most 20,000.
        seed: Seed of the subset and of the order among equal gains.
        sigma: Bandwidth of the kernel, in units of the features; 1 in the paper.
        normalise: Whether features are divided by their length, as in the paper.

    Returns:
        The rows in the order picked; scores are gains of coverage. Diagnostics: `coverage` afterwards, from 0 to 1,
        `candidates_considered`, and `candidates_evaluated`.

    Raises:
        InputError: If an option or the request cannot be used.
    """
    MaxHerdingOptions(sigma, normalise)
    check_request(context, batch_size)
    subset = read_subset(context, batch_size, seed=seed, normalise=normalise)
    cover = KernelCover(subset, subset.features.new_ones(len(subset.rows)), sigma=sigma)
    return cover.selection(batch_size, seed=seed)


class KernelCover:
    """The mean over candidates of weight(x) · max_s k(x, s), while rows are added to s."""

    def __init__(self, subset: Subset, weights: Scores, *, sigma: float | int) -> None:
        """Start from the labelled rows.

        Args:
            subset: The candidates, [M], and labelled rows, with their features.
            weights: Weight of each candidate, [M].
            sigma: Bandwidth of the kernel, in units of the features.
        """
        self._subset, self._features, self._weights, self._sigma = subset, subset.features, weights, sigma
        self._covered = torch.zeros_like(weights)
        for position in range(len(subset.labelled)):
            self._cover(subset.labelled[position : position + 1])

    @property
    def coverage(self) -> float:
        """The objective, for the rows added so far."""
        return float((self._weights * self._covered).double().mean())

    @no_autocast()
    def gains(self, positions: Positions) -> Scores:
        """Return what each row would add to the coverage.  [n] -> [n], float64"""
        gains = torch.empty(len(positions), dtype=torch.float64)
        for part, squared in iterate_squared_distances(self._features[positions], self._features):
            added = torch.exp(-squared / self._sigma**2).sub_(self._covered).clamp_min_(0.0)
            gains[part] = (added @ self._weights).double().cpu() / len(self._features)
        return gains

    def selection(self, batch_size: int, *, seed: int) -> Selection:
        """Pick the rows of a batch one after another."""
        rows = self._subset.rows
        bounds, ties = self.gains(torch.arange(len(rows))), tie_break(rows, seed)
        tied = _TIED[self._features.dtype] * float(self._weights.mean())
        picks: list[int] = []
        scores: list[float] = []
        evaluated = len(rows)
        while len(picks) < batch_size:
            found = best_pick(bounds, self.gains, ties, slack=tied, tied=tied, block=_BLOCK)
            bounds[found.rank] = -math.inf
            self._cover(self._features[found.rank : found.rank + 1])
            picks.append(found.rank)
            scores.append(min([found.gain, *scores[-1:]]))  # falls, but for rounding
            evaluated += found.evaluated
        diagnostics = {"coverage": self.coverage, "candidates_evaluated": evaluated, **self._subset.diagnostics}
        return Selection(rows[picks], torch.tensor(scores, dtype=self._features.dtype), diagnostics)

    def _cover(self, one: Tensor) -> None:
        near = torch.exp(-distances(self._features, one)[:, 0].square() / self._sigma**2)
        self._covered = torch.maximum(self._covered, near)
