"""The greedy search for the batch whose labels say most: exact while paths are few, then by racing on sampled ones."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from lindley.acquisition.gains import HeldTerms, draw_weights, gains, path_gains
from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.race import race
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.select import tie_break
from lindley.contracts import Candidates
from lindley.information import Configurations, empty_configurations
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.shapes import Positions, Scores

NUM_PATHS = 4096
_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256
SATURATION_NATS = 0.7
"""Nats that are left of log K when the K draws have no more to say: two draws are still in question (log 2 = 0.69).

Measured (docs/acquisition.md): what tells the last draws apart tells less under fresh ones than the Gaussian does.
"""
_DOUBT = 3.0  # standard errors
_GOLDEN = (math.sqrt(5) - 1) / 2
_DEFENSIVE = 0.05


class InformationSearch:
    """One pick after another, each the row that adds most to what the labels of those before it say."""

    def __init__(self, candidates: Candidates, scores: Scores, *, num_paths: int, tolerance: float, seed: int) -> None:
        self.paths = empty_configurations(candidates.num_draws)
        self._candidates = candidates
        self._order = scores.argsort(descending=True, stable=True)
        self._bounds = scores[self._order].double()
        self._ties = tie_break(candidates.rows, seed)[self._order]
        self._terms = HeldTerms(candidates, self._order)
        self._tied = _TIED[self._terms.row.dtype]
        self._num_paths, self._tolerance = num_paths, tolerance
        self._seed = derive_seed(seed, "batchbald")
        self._left = math.log(candidates.num_draws)  # nats of log K that the picks have not told
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
        row = take_log_probs(self._candidates, self._candidates.rows[position : position + 1])[0].cpu()
        self.paths = self.paths.extend(
            row, num_exact=num_exact(self._num_paths), num_configurations=self._num_paths, seed=self._seed
        )
        return position, found

    def _best(self) -> Pick:
        if self.paths.exact or float(self._bounds.max()) <= self._tied:
            return best_pick(self._bounds, self._exact, self._ties, slack=0.0, tied=self._tied, block=_BLOCK)
        columns = _Columns(self.paths, self._terms, seed=derive_seed(self._seed, "columns", len(self.paths.members)))
        found = race(
            self._bounds,
            columns,
            self._ties,
            num_paths=self._num_paths,
            tied=self._tied,
            tolerance=self._tolerance,
        )
        return columns.on_all_paths(found)

    def _exact(self, ranks: Positions) -> Scores:
        return gains(self._terms(ranks), self.paths)


class _Columns:
    """Gains on paths that are sampled where the draws are still in question: importance sampling.

    On one path a row gains at most H[θ | path], what is left to learn. Once log K is nearly used up that is nothing on
    most paths, so that equal weights waste most of the work. A column is a path drawn with probability proportional to
    that bound, its gain divided by that probability: the mean over columns is an unbiased estimate of the mean over
    all paths. Every path has a share of _DEFENSIVE besides, else rounding errors of settled paths would be multiplied
    without limit (Hesterberg 1995). The columns of any stage are spread evenly by a golden-section sequence.
    """

    def __init__(self, paths: Configurations, terms: HeldTerms, *, seed: int) -> None:
        self._terms = terms
        self._weights = draw_weights(paths, terms.row)  # [K, M]
        left = torch.special.entr(self._weights).sum(0).double().cpu()  # [M] nats
        left += _DEFENSIVE * left.mean() + torch.finfo(left.dtype).tiny
        cumulative = left.cumsum(0)
        first = torch.rand(1, dtype=torch.float64, generator=torch_generator(seed, "first column"))
        places = (first + _GOLDEN * torch.arange(len(left))).remainder(1.0) * cumulative[-1]
        self._paths = torch.searchsorted(cumulative, places, right=True).clamp_max(len(left) - 1)  # [M]
        self._factors = left.mean() / left[self._paths]

    def __call__(self, ranks: Positions, start: int, stop: int) -> Tensor:
        weights = self._weights[:, self._paths[start:stop].to(self._weights.device)].contiguous()
        return self._terms.mapped(ranks, weights, path_gains).mul_(self._factors[start:stop].to(self._terms.row.dtype))

    def on_all_paths(self, found: Pick) -> Pick:
        """The same pick, its gain and standard error from every path once."""
        gains = self._terms.mapped(torch.tensor([found.rank]), self._weights, path_gains)[0].double()
        error = float(gains.std()) / math.sqrt(len(gains))
        columns = found.columns + len(gains)
        return replace(found, gain=float(gains.mean().clamp_min(0)), standard_error=error, columns=columns)


def num_exact(num_paths: int) -> int:
    """Paths up to which all are enumerated: about as many as racing computes for each candidate that it looks at."""
    return min(64, num_paths) + num_paths // 20
