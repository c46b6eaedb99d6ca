"""The greedy search for the batch whose labels say most: exact while paths are few, then by racing on sampled ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.gains import HeldTerms, Weights, draw_weights, gains, path_gains
from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.race import STAGES, race
from lindley.acquisition.select import tie_break
from lindley.contracts import Predictions
from lindley.information import no_labels
from lindley.seeds import derive_seed
from lindley.shapes import Positions, Scores

NUM_PATHS = 4096
SLACK = 0.008
"""Nats by which a gain on the first 64 sampled paths may exceed its earlier value and is still found.

Among the fifty best, gains on these paths only fell from pick to pick, on real predictions (benchmarks/race_regret.py);
once log K is used up (--picks 10), where the best gain is 0.02, they rose by up to 0.007.
"""
_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256
SATURATION_NATS = 0.7
"""Nats that are left of log K when the K draws have no more to say: two draws are still in question (log 2 = 0.69).

Measured (docs/acquisition.md): what tells the last draws apart tells less under fresh ones than the log-determinant does.
"""
_DOUBT = 3.0  # standard errors


class InformationSearch:
    """One pick after another, each the row that adds most to what the labels of those before it say."""

    def __init__(self, candidates: Predictions, scores: Scores, *, num_paths: int, tolerance: float, seed: int) -> None:
        self.paths = no_labels(candidates.shape[1])
        self._candidates = candidates
        self._order = scores.argsort(descending=True, stable=True)
        self._bounds = scores[self._order].double()
        self._ties = tie_break(candidates.rows, seed)[self._order]
        self._terms = HeldTerms(candidates, self._order)
        self._tied = _TIED[self._terms.row.dtype]
        self._num_paths, self._tolerance = num_paths, tolerance
        self._seed = derive_seed(seed, "batchbald")
        self._raced = False
        self._left = math.log(candidates.shape[1])  # nats of log K that the picks have not told
        self._last: Pick | None = None

    def is_saturated(self, left: float = SATURATION_NATS) -> bool:
        """Whether at most so many nats of log K are left, or the last gain was within its noise; not while exact."""
        if self._last is None or self.paths.exact:
            return False
        return self._left <= left or self._last.gain <= _DOUBT * self._last.standard_error

    def pick(self) -> tuple[int, Pick]:
        """The next position, and what it took to find it."""
        found = self._best()
        self._bounds[found.rank] = -math.inf
        self._last, self._left = found, self._left - found.gain
        position = int(self._order[found.rank])
        row = self._candidates.take(self._order[found.rank : found.rank + 1])[0].cpu()
        self.paths = self.paths.extended(
            row, num_exact=num_exact(self._num_paths), num_paths=self._num_paths, seed=self._seed
        )
        return position, found

    def _best(self) -> Pick:
        if self.paths.exact or float(self._bounds.max()) <= self._tied:
            return best_pick(self._bounds, self._exact, self._ties, slack=0.0, tied=self._tied, block=_BLOCK)
        slack, self._raced = SLACK if self._raced else None, True
        return race(
            self._bounds,
            _OnPaths(self),
            self._ties,
            num_paths=self._num_paths,
            slack=slack,
            tied=self._tied,
            tolerance=self._tolerance,
        )

    def _exact(self, ranks: Positions) -> Scores:
        return gains(self._terms(ranks), self.paths)


class _OnPaths:
    """Gains on some of the paths; the weights of each stage are computed when it is first reached."""

    def __init__(self, search: InformationSearch) -> None:
        self._search = search
        self._weights: dict[tuple[int, int], Weights] = {}

    def __call__(self, ranks: Positions, start: int, stop: int) -> Tensor:
        if (start, stop) not in self._weights:
            self._weights[start, stop] = draw_weights(self._search.paths, self._search._terms.row, slice(start, stop))
        return self._search._terms.mapped(ranks, self._weights[start, stop], path_gains)


def num_exact(num_paths: int) -> int:
    """Paths up to which enumeration costs less than racing: all see the first stage, about one in twenty the last."""
    return min(STAGES[0], num_paths) + num_paths // 20
