"""Batch EPIG: a batch chosen greedily for the joint information of its labels about predictions at the targets.

I[y_S; y*] is not submodular: for y* = y_1 xor y_2 neither label alone is informative, and both determine y*. A gain may
rise as the batch grows, so an earlier gain is no bound and every pick evaluates the rows anew. A gain is bounded by the
information about the draws, given the same labels before: y* depends on y_x through the draws only (data processing).

    I[y_x; y* | y_S] <= I[y_x; θ | y_S]
"""

from __future__ import annotations

import torch
from torch import Tensor

from lindley import information
from lindley.acquisition.batchbald.gains import (
    Terms,
    Weights,
    configuration_gains,
    draw_weights,
    map_blocks,
    prepare_terms,
)
from lindley.acquisition.checks import check_request, chunk_log_probs
from lindley.acquisition.epig import read_targets
from lindley.acquisition.greedy_search import BLOCK, TIED, GreedySearch, Pick, best_pick, build_selection, rows_in_order
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.scores import bald
from lindley.acquisition.specs import BatchEPIGOptions
from lindley.acquisition.top_k import pointwise
from lindley.contracts import Chunk, Context, Selection
from lindley.information import Configurations, Estimate, empty_configurations
from lindley.information.epig import mean_information
from lindley.information.pairwise import (
    ProbsByClass,
    allocate_scratch,
    column_blocks,
    floor_probs,
    probs_by_class,
    rows_per_block,
)
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, Positions, Scores, TargetLogProbs
from lindley.torch_state import no_autocast

_ENUMERATED = 10_000  # label configurations up to which the information of the chosen batch is exact


def batch_epig(context: Context, batch_size: int, *, seed: int, num_configurations: int = 100) -> Selection:
    """Select greedily the rows that add most to the mean over targets of I[y_1..B; y*].

    Exact while the labels picked so far have at most num_configurations configurations, M; afterwards the expectation
    is over M sampled ones. Time grows with N·M·T·C²·K: a pick among 1,000 informative candidates, with M = 100
    and T = 100 targets, takes seconds; offer fewer of either for large pools.

    Args:
        context: The candidates with their predictions, [N, K, C], and the targets, [T, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the sampled configurations and of the order among equal gains.
        num_configurations: Number of sampled configurations.

    Returns:
        The rows in the order picked; scores are gains in nats. Diagnostics: `target_information` of the batch (nats)
        and its standard error (0 where exact); `exact_picks`; `candidates_evaluated`.

    Raises:
        InputError: Without targets, or for an option or request that cannot be used.
    """
    BatchEPIGOptions(num_configurations)
    check_request(context, batch_size)
    candidates, targets = context.candidates, read_targets(context)
    scores = pointwise(bald)(context)
    objective = TargetObjective(targets.to(scores.dtype), num_configurations=num_configurations, seed=seed)
    picks = GreedySearch(candidates, scores, objective, seed=seed).picks(batch_size)
    batch = take_log_probs(candidates, rows_in_order(candidates, picks))
    target_information = _target_information(batch.cpu(), targets.cpu(), seed)
    diagnostics = {
        "target_information": target_information.value,
        "target_information_se": target_information.standard_error,
        "exact_picks": objective.exact_picks,
        "candidates_evaluated": sum(pick.evaluated for pick in picks),
    }
    return build_selection(candidates, picks, scores.dtype, diagnostics)


class TargetObjective:
    """The mean information of the labels of a batch about the targets."""

    def __init__(self, targets: TargetLogProbs, *, num_configurations: int, seed: int, block: int = BLOCK) -> None:
        """Begin with an empty batch.

        Args:
            targets: Predictions at the targets, [T, K, C] nats, in the precision of the gains.
            num_configurations: Number of sampled configurations, where not all are enumerated.
            seed: Seed of the sampled configurations.
            block: Number of candidates whose gains are computed at a time.
        """
        self._block = block
        self.exact_picks = 0
        self._targets = probs_by_class(targets)  # [T, C, K]
        self._configurations = empty_configurations(targets.shape[1])
        self._num_configurations, self._seed = num_configurations, derive_seed(seed, "batch epig")

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the terms of gains.  -> [n, C+1, K]"""
        return prepare_terms(chunk, positions)

    def find(self, ranked: RankedCandidates) -> Pick:
        """See Objective.find; exact on the configurations."""
        tied = TIED[ranked.first[0].dtype]
        ranked.bounds.copy_(self._bounds(ranked).masked_fill_(ranked.bounds == -torch.inf, -torch.inf))
        gains = lambda ranks: self._gains(ranked(ranks)[0])  # noqa: E731
        # Rounding may lift a gain above its bound by as much as it may hide a difference.
        return best_pick(ranked.bounds, gains, ranked.ties, slack=tied, tied=tied, block=self._block)

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """See Objective.add."""
        self.exact_picks += self._configurations.exact
        row = chunk_log_probs(ranked.take(pick.rank))[0].cpu()
        self._configurations = self._configurations.extend(
            row, num_configurations=self._num_configurations, seed=self._seed
        )

    def _bounds(self, ranked: RankedCandidates) -> Tensor:
        """Return the information of each row about the draws, on the same configurations.  -> [N] nats, float64"""
        weights, share = _weights(self._configurations, ranked.first[0])

        @no_autocast()
        def average(terms: Terms, weights: Weights) -> Tensor:
            return configuration_gains(terms, weights).mv(share)

        return map_blocks(ranked, torch.arange(len(ranked.order)), weights, average).double()

    def _gains(self, terms: Terms) -> Scores:
        probs = floor_probs(terms[:, :-1])
        targets = self._targets.to(probs)
        weights, share = _weights(self._configurations, probs)
        rows = rows_per_block(probs.shape[1], len(targets), probs.device)
        total = torch.zeros(len(probs), dtype=torch.float64, device=probs.device)
        for weights_of_one, part in zip(weights.T, share.tolist(), strict=True):
            total += part * _conditional(probs, targets, weights_of_one.contiguous(), rows)
        return total.cpu()


def _weights(configurations: Configurations, like: Tensor) -> tuple[Tensor, Tensor]:
    return draw_weights(configurations, like), configurations.log_share.exp().to(like)


def _conditional(probs: ProbsByClass, targets: Tensor, weights: Tensor, rows: int) -> Tensor:
    """Return the information of each row about the targets under weighted draws.  [n, C, K], [T, C, K] -> [n] nats"""
    others, memory = column_blocks(targets, weights), allocate_scratch(probs.shape[1], len(targets), weights)
    return torch.cat([mean_information(block, others, weights, memory) for block in probs.split(rows)])


def _target_information(batch: BatchLogProbs, targets: TargetLogProbs, seed: int) -> Estimate:
    """Return it exactly where that is cheap, else from configurations other than those of the search."""
    if batch.shape[2] ** len(batch) <= _ENUMERATED:
        return Estimate(information.batch_epig(batch, targets), 0.0)
    fresh = derive_seed(seed, "fresh paths")
    return information.estimate_batch_epig(batch, targets, num_configurations=1000, seed=fresh)
