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
from lindley.acquisition.checks import check_request
from lindley.acquisition.epig import held_targets
from lindley.acquisition.gains import HeldTerms, Terms, Weights, draw_weights, path_gains
from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.scores import bald
from lindley.acquisition.select import pointwise, tie_break
from lindley.contracts import Context, Selection
from lindley.errors import InputError
from lindley.information import Configurations, Estimate, empty_configurations
from lindley.information.epig import mean_information
from lindley.information.pairwise import (
    ClassesFirst,
    classes_first,
    column_blocks,
    floor_probs,
    rows_per_block,
    scratch,
)
from lindley.modes import no_autocast
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, Positions, Scores, TargetLogProbs

_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart, and by which it may lift a gain above its bound."""
_BLOCK = 256
_ENUMERATED = 10_000  # label paths up to which the information of the chosen batch is exact


def batch_epig(context: Context, batch_size: int, *, seed: int, num_paths: int = 100) -> Selection:
    """Greedily the rows that add most to the mean over targets of I[y_1..B; y*]; scores are gains in nats.

    Exact while the labels picked so far have at most num_paths outcomes; afterwards the expectation is over num_paths
    sampled ones. Time grows with N·M·T·C²·K: a pick among 1,000 candidates that say something, with M = 100 paths and
    T = 100 targets, takes seconds; offer fewer of either for large pools.
    Diagnostics: target_information of the batch (nats) and its standard error (0 where exact), exact_picks,
    candidates_evaluated.
    """
    check_batch_epig(num_paths)
    check_request(context, batch_size)
    targets = held_targets(context)
    search = TargetSearch(context, targets, num_paths=num_paths, seed=seed)
    found = [search.pick() for _ in range(batch_size)]
    rows = context.candidates.rows[torch.tensor([position for position, _, _ in found])]
    worth = _worth(take_log_probs(context.candidates, rows).cpu(), targets.cpu(), seed)
    diagnostics = {
        "target_information": worth.value,
        "target_information_se": worth.standard_error,
        "exact_picks": sum(exact for _, _, exact in found),
        "candidates_evaluated": sum(pick.evaluated for _, pick, _ in found),
    }
    scores = torch.tensor([pick.gain for _, pick, _ in found], dtype=search.dtype)
    return Selection(rows, scores, diagnostics)


def check_batch_epig(num_paths: object = 100) -> None:
    """Refuse a number of label paths that is not one."""
    if isinstance(num_paths, bool) or not isinstance(num_paths, int) or num_paths < 2:
        raise InputError(f"num_paths must be a whole number of at least 2; got {num_paths!r}")


class TargetSearch:
    """One pick after another, each the row that adds most to what the labels before it say about the targets."""

    def __init__(self, context: Context, targets: TargetLogProbs, *, num_paths: int, seed: int) -> None:
        scores = pointwise(bald)(context)
        self._candidates = context.candidates
        self._order = scores.argsort(descending=True, stable=True)
        self._ties = tie_break(context.candidates.rows, seed)[self._order]
        self._terms = HeldTerms(context.candidates, self._order)
        self._taken = torch.zeros(len(scores), dtype=torch.bool)
        self._paths = empty_configurations(context.candidates.num_draws)
        self._num_paths, self._seed = num_paths, derive_seed(seed, "batch epig")
        self.dtype = self._terms.row.dtype
        self._targets = classes_first(targets.to(self._terms.row))  # [T, C, K]

    def pick(self) -> tuple[int, Pick, bool]:
        """The next position, what it took to find it, and whether its gain is exact."""
        exact, tied = self._paths.exact, _TIED[self.dtype]
        bounds = self._bounds().masked_fill_(self._taken, -torch.inf)
        found = best_pick(bounds, self._gains, self._ties, slack=tied, tied=tied, block=_BLOCK)
        self._taken[found.rank] = True
        position = int(self._order[found.rank])
        row = take_log_probs(self._candidates, self._candidates.rows[position : position + 1])[0].cpu()
        self._paths = self._paths.extend(row, num_configurations=self._num_paths, seed=self._seed)
        return position, found, exact

    def _bounds(self) -> Tensor:
        """What each row says about the draws, on the same paths.  -> [N] nats, float64"""
        weights, share = _weights(self._paths, self._terms.row)
        everyone = torch.arange(len(self._order))

        @no_autocast()
        def on_average(terms: Terms, weights: Weights) -> Tensor:
            return path_gains(terms, weights).mv(share)

        return self._terms.mapped(everyone, weights, on_average).double()

    def _gains(self, ranks: Positions) -> Scores:
        probs = floor_probs(self._terms(ranks)[:, :-1])
        weights, share = _weights(self._paths, probs)
        rows = rows_per_block(probs.shape[1], len(self._targets), probs.device)
        total = torch.zeros(len(ranks), dtype=torch.float64, device=probs.device)
        for of_path, part in zip(weights.T, share.tolist(), strict=True):
            total += part * _conditional(probs, self._targets, of_path.contiguous(), rows)
        return total.cpu()


def _weights(paths: Configurations, like: Tensor) -> tuple[Tensor, Tensor]:
    return draw_weights(paths, like), paths.log_share.exp().to(like)


def _conditional(probs: ClassesFirst, targets: Tensor, weights: Tensor, rows: int) -> Tensor:
    """What each row says about the targets where the draws have these weights.  [n, C, K], [T, C, K] -> [n] nats"""
    others, memory = column_blocks(targets, weights), scratch(probs.shape[1], len(targets), weights)
    return torch.cat([mean_information(block, others, weights, memory) for block in probs.split(rows)])


def _worth(batch: BatchLogProbs, targets: TargetLogProbs, seed: int) -> Estimate:
    """Exact where that is cheap, else by paths other than those that the choice has seen."""
    if batch.shape[2] ** len(batch) <= _ENUMERATED:
        return Estimate(information.batch_epig(batch, targets), 0.0)
    fresh = derive_seed(seed, "fresh paths")
    return information.estimate_batch_epig(batch, targets, num_configurations=1000, seed=fresh)
