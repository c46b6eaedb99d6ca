"""The joint information of a batch's labels: exact while configurations are few, then raced on sampled ones."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from lindley.acquisition.batchbald.gains import configuration_gains, draw_weights, gains, map_blocks, prepare_terms
from lindley.acquisition.batchbald.race import race
from lindley.acquisition.checks import chunk_log_probs
from lindley.acquisition.greedy_search import TIED, GreedySearch, Pick, best_pick
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.contracts import Candidates, Chunk
from lindley.information import Configurations, empty_configurations
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.shapes import Positions, Scores

NUM_CONFIGURATIONS = 4096
SATURATION_NATS = 0.7
"""Nats that are left of log K at saturation: two draws are still in question (log 2 = 0.69).

By measurement (docs/acquisition.md), later gains are worth less under fresh draws than those of the Gaussian.
"""
NUM_ERRORS = 3.0
"""Standard errors within which a gain is noise."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_DEFENSIVE = 0.05


class InformationObjective:
    """The joint information of the labels of a batch and the draws, I[y_1..B; θ]."""

    def __init__(self, num_draws: int, *, num_configurations: int, tolerance: float, seed: int) -> None:
        """Begin with an empty batch.

        Args:
            num_draws: Number of draws, K.
            num_configurations: Sampled configurations, at most, on which candidates are compared.
            tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.
            seed: Seed of the sampled configurations.
        """
        self.configurations = empty_configurations(num_draws)
        self._num_configurations, self._tolerance = num_configurations, tolerance
        self._seed = derive_seed(seed, "batchbald")
        self._left = math.log(num_draws)  # nats of log K that are left
        self._last: Pick | None = None

    def is_saturated(self, left: float = SATURATION_NATS) -> bool:
        """Whether at most `left` nats of log K are left, or the last gain was within its noise; never while exact."""
        if self._last is None or self.configurations.exact:
            return False
        return self._left <= left or self._last.gain <= NUM_ERRORS * self._last.standard_error

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the terms of gains.  -> [n, C+1, K]"""
        return prepare_terms(chunk, positions)

    def find(self, ranked: RankedCandidates) -> Pick:
        """See Objective.find: exact while configurations are few, afterwards a race."""
        tied = TIED[ranked.first[0].dtype]
        if self.configurations.exact or float(ranked.bounds.max()) <= tied:
            return best_pick(
                ranked.bounds,
                lambda ranks: gains(ranked(ranks)[0], self.configurations),
                ranked.ties,
                slack=0.0,
                tied=tied,
            )
        columns = _Columns(
            self.configurations, ranked, seed=derive_seed(self._seed, "columns", len(self.configurations.members))
        )
        found = race(
            ranked.bounds,
            columns,
            ranked.ties,
            num_configurations=self._num_configurations,
            tied=tied,
            tolerance=self._tolerance,
        )
        return columns.measure_on_all(found)

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """See Objective.add."""
        self._last, self._left = pick, self._left - pick.gain
        row = chunk_log_probs(ranked.take(pick.rank))[0].cpu()
        self.configurations = self.configurations.extend(
            row,
            max_enumerated=max_enumerated(self._num_configurations),
            num_configurations=self._num_configurations,
            seed=self._seed,
        )


def information_search(
    candidates: Candidates,
    scores: Scores,
    *,
    num_configurations: int = NUM_CONFIGURATIONS,
    tolerance: float = 0.0,
    seed: int,
) -> GreedySearch[InformationObjective]:
    """Return a greedy search by the joint information of labels.

    Args:
        candidates: The rows to choose from, with their predictions, [N, K, C].
        scores: Their BALD scores, [N] nats.
        num_configurations: Sampled configurations, at most, on which candidates are compared.
        tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.
        seed: Seed of the sampled configurations and of the order among equal gains.
    """
    objective = InformationObjective(
        candidates.num_draws, num_configurations=num_configurations, tolerance=tolerance, seed=seed
    )
    return GreedySearch(candidates, scores, objective, seed=seed)


class _Columns:
    """Gains on configurations that are sampled where the draws are still in question: importance sampling.

    On one configuration a row gains at most H[θ | configuration], the information that is left. Once log K is nearly
    reached, that is nothing on most configurations, and equal weights waste most of the work. A column is a
    configuration drawn with probability proportional to that bound, its gain divided by that probability: the mean over
    columns is an unbiased estimate of the mean over all configurations. Every configuration has a share of _DEFENSIVE
    besides, else rounding errors of settled configurations would be multiplied without limit (Hesterberg 1995). The
    columns of any stage are spread evenly by a golden-section sequence.
    """

    def __init__(self, configurations: Configurations, ranked: RankedCandidates, *, seed: int) -> None:
        self._ranked = ranked
        self._weights = draw_weights(configurations, ranked.first[0])  # [K, M]
        left = torch.special.entr(self._weights).sum(0).double().cpu()  # [M] nats
        left += _DEFENSIVE * left.mean() + torch.finfo(left.dtype).tiny
        cumulative = left.cumsum(0)
        first = torch.rand(1, dtype=torch.float64, generator=torch_generator(seed, "first column"))
        places = (first + _GOLDEN * torch.arange(len(left))).remainder(1.0) * cumulative[-1]
        self._configurations = torch.searchsorted(cumulative, places, right=True).clamp_max(len(left) - 1)  # [M]
        self._factors = left.mean() / left[self._configurations]

    def __call__(self, ranks: Positions, start: int, stop: int) -> Tensor:
        weights = self._weights[:, self._configurations[start:stop].to(self._weights.device)].contiguous()
        gains = map_blocks(self._ranked, ranks, weights, configuration_gains)
        return gains.mul_(self._factors[start:stop].to(gains.dtype))

    def measure_on_all(self, found: Pick) -> Pick:
        """Return the pick with its gain and standard error from all configurations, each once."""
        gains = map_blocks(self._ranked, torch.tensor([found.rank]), self._weights, configuration_gains)[0].double()
        error = float(gains.std()) / math.sqrt(len(gains))
        columns = found.columns + len(gains)
        return replace(found, gain=float(gains.mean().clamp_min(0)), standard_error=error, columns=columns)


def max_enumerated(num_configurations: int) -> int:
    """Return up to how many configurations are enumerated: about as many as a race computes for each candidate."""
    return min(64, num_configurations) + num_configurations // 20
