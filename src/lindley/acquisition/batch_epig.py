"""Batch EPIG: a batch chosen greedily for what its labels, together, say about predictions at the targets.

I[y_S; y*] is not submodular: of y* = y_1 xor y_2 neither label says anything, and both say all. A gain may rise as the
batch grows, so an earlier gain bounds nothing and every pick looks at everyone anew. What does bound it is what the
label says about the draws, given the same labels before: y* depends on y_x through the draws only (data processing).

    I[y_x; y* | y_S] <= I[y_x; θ | y_S]
"""

from __future__ import annotations

import torch
from torch import Tensor

from lindley import information
from lindley.acquisition.batchbald.gains import Terms, Weights, draw_weights, map_blocks, path_gains, prepare_terms
from lindley.acquisition.checks import check_request, log_probs_of
from lindley.acquisition.epig import held_targets
from lindley.acquisition.greedy_search import BLOCK, TIED, GreedySearch, Pick, best_pick, rows_of, selection_of
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.scores import bald
from lindley.acquisition.top_k import pointwise
from lindley.contracts import Chunk, Context, Selection
from lindley.errors import InputError
from lindley.information import Estimate, LabelPaths, no_labels
from lindley.information.epig import mean_information
from lindley.information.pairwise import ClassesFirst, classes_first, floored, in_columns, rows_per_block, scratch
from lindley.modes import no_autocast
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, Positions, Scores, TargetLogProbs

_ENUMERATED = 10_000  # label paths up to which the information of the chosen batch is exact


def batch_epig(context: Context, batch_size: int, *, seed: int, num_paths: int = 100) -> Selection:
    """Select greedily the rows that add most to the mean over targets of I[y_1..B; y*].

    Exact while the labels picked so far have at most num_paths configurations; afterwards the expectation is over
    num_paths sampled ones. Time grows with N·M·T·C²·K: a pick among 1,000 candidates that say something, with M = 100
    configurations and T = 100 targets, takes seconds; offer fewer of either for large pools.

    Args:
        context: The candidates with their predictions, [N, K, C], and the targets, [T, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the sampled configurations and of the order among equal gains.
        num_paths: Sampled configurations.

    Returns:
        The rows in the order picked; scores are gains in nats. Diagnostics: `target_information` of the batch (nats)
        and its standard error (0 where exact); `exact_picks`; `candidates_evaluated`.

    Raises:
        InputError: Without targets, or for an option or request that cannot be used.
    """
    check_batch_epig(num_paths)
    check_request(context, batch_size)
    candidates, targets = context.candidates, held_targets(context)
    scores = pointwise(bald)(context)
    objective = TargetObjective(targets.to(scores.dtype), num_paths=num_paths, seed=seed)
    picks = GreedySearch(candidates, scores, objective, seed=seed).picks(batch_size)
    batch = take_log_probs(candidates, rows_of(candidates, picks))
    worth = _worth(batch.cpu(), targets.cpu(), seed)
    diagnostics = {
        "target_information": worth.value,
        "target_information_se": worth.standard_error,
        "exact_picks": objective.exact_picks,
        "candidates_evaluated": sum(pick.evaluated for pick in picks),
    }
    return selection_of(candidates, picks, scores.dtype, diagnostics)


def check_batch_epig(num_paths: object = 100) -> None:
    """Refuse a number of label paths that is not one."""
    if isinstance(num_paths, bool) or not isinstance(num_paths, int) or num_paths < 2:
        raise InputError(f"num_paths must be a whole number of at least 2; got {num_paths!r}")


class TargetObjective:
    """What the labels of a batch say about the targets, on average."""

    def __init__(self, targets: TargetLogProbs, *, num_paths: int, seed: int, block: int = BLOCK) -> None:
        """Begin with an empty batch.

        Args:
            targets: [T, K, C], in the precision of the gains.
            num_paths: Sampled configurations, where not all are enumerated.
            seed: Seed of the sampled configurations.
            block: Candidates whose gains are computed at a time.
        """
        self._block = block
        self.exact_picks = 0
        self._targets = classes_first(targets)  # [T, C, K]
        self._paths = no_labels(targets.shape[1])
        self._num_paths, self._seed = num_paths, derive_seed(seed, "batch epig")

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
        self.exact_picks += self._paths.exact
        row = log_probs_of(ranked.take(pick.rank))[0].cpu()
        self._paths = self._paths.extended(row, num_paths=self._num_paths, seed=self._seed)

    def _bounds(self, ranked: RankedCandidates) -> Tensor:
        """Return what each row says about the draws, on the same configurations.  -> [N] nats, float64"""
        weights, share = _weights(self._paths, ranked.first[0])

        @no_autocast()
        def average(terms: Terms, weights: Weights) -> Tensor:
            return path_gains(terms, weights).mv(share)

        return map_blocks(ranked, torch.arange(len(ranked.order)), weights, average).double()

    def _gains(self, terms: Terms) -> Scores:
        probs = floored(terms[:, :-1])
        targets = self._targets.to(probs)
        weights, share = _weights(self._paths, probs)
        rows = rows_per_block(probs.shape[1], len(targets), probs.device)
        total = torch.zeros(len(probs), dtype=torch.float64, device=probs.device)
        for of_path, part in zip(weights.T, share.tolist(), strict=True):
            total += part * _conditional(probs, targets, of_path.contiguous(), rows)
        return total.cpu()


def _weights(paths: LabelPaths, like: Tensor) -> tuple[Tensor, Tensor]:
    return draw_weights(paths, like), paths.log_share.exp().to(like)


def _conditional(probs: ClassesFirst, targets: Tensor, weights: Tensor, rows: int) -> Tensor:
    """What each row says about the targets where the draws have these weights.  [n, C, K], [T, C, K] -> [n] nats"""
    others, memory = in_columns(targets, weights), scratch(probs.shape[1], len(targets), weights)
    return torch.cat([mean_information(block, others, weights, memory) for block in probs.split(rows)])


def _worth(batch: BatchLogProbs, targets: TargetLogProbs, seed: int) -> Estimate:
    """Exact where that is cheap, else by paths other than those that the choice has seen."""
    if batch.shape[2] ** len(batch) <= _ENUMERATED:
        return Estimate(information.batch_epig(batch, targets), 0.0)
    fresh = derive_seed(seed, "fresh paths")
    return information.estimate_batch_epig(batch, targets, num_paths=1000, seed=fresh)
