"""BatchBALD: a batch chosen greedily for the information that its labels carry together.

Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158.
"""

from __future__ import annotations

import math
import warnings
from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request, checked_chunks
from lindley.acquisition.gains import HeldTerms, gains
from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.select import tie_break
from lindley.contracts import Context, Predictions, Selection
from lindley.errors import InputError
from lindley.information import Estimate, LabelPaths, bald, estimate_joint_information, joint_information, no_labels
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, Positions, Scores

SLACK = 0.002
"""Nats by which a gain under 1000 sampled paths may exceed its earlier value and is still found.

Measured near the best gain, largest rise: 0.0005 nats with 1000 paths (MNIST after 100 labels, K = 100; synthetic
predictions, K = 10), 0.0044 with 100 paths, where the best gain itself was 0.005; hence scaled by 1/sqrt(num_paths).
"""
_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256
_ENUMERATED = 100_000  # label paths up to which the joint information of the chosen batch is exact


def batchbald(context: Context, batch_size: int, *, seed: int, num_paths: int = 1000) -> Selection:
    """Greedily the rows whose labels, together, say most about the draws, I[y_1..B; θ]; scores are gains in nats.

    Exact while the labels of the rows picked so far have at most num_paths outcomes; afterwards the expectation is
    over num_paths sampled outcomes. Diagnostics: joint_information of the batch (nats, at most log K) and its
    standard error (0 where exact), the share of log K that it is, the number of exact picks, and the number of gains
    computed. With one draw nothing can be learned: it warns and chooses at random.
    """
    check_num_paths(num_paths)
    check_request(context, batch_size)
    candidates, num_draws = context.candidates, context.candidates.shape[1]
    if num_draws == 1:
        warnings.warn("batchbald compares draws, and there is one (K = 1): the choice is random", stacklevel=2)
    scores = torch.cat([bald(chunk).cpu() for chunk in checked_chunks(candidates, context.task.num_classes)])
    positions, picks, num_exact = _greedy(
        candidates, scores, tie_break(candidates.rows, seed), batch_size, num_paths=num_paths, seed=seed, slack=SLACK
    )
    joint = _joint_information(candidates.take(positions), num_paths, seed)
    diagnostics = {
        "joint_information": joint.value,
        "joint_information_se": joint.standard_error,
        "share_of_log_k": joint.value / math.log(num_draws) if num_draws > 1 else 0.0,
        "exact_picks": num_exact,
        "candidates_evaluated": sum(pick.evaluated for pick in picks),
    }
    chosen = torch.tensor([pick.gain for pick in picks], dtype=scores.dtype)
    return Selection(candidates.rows[positions], chosen, diagnostics)


def check_num_paths(num_paths: object = 1000) -> None:
    """Refuse a number of label paths that is not one."""
    if isinstance(num_paths, bool) or not isinstance(num_paths, int) or num_paths < 2:
        raise InputError(f"num_paths must be a whole number of at least 2; got {num_paths!r}")


def _greedy(
    candidates: Predictions, scores: Scores, ties: Tensor, batch_size: int, *, num_paths: int, seed: int, slack: float
) -> tuple[Positions, list[Pick], int]:
    order = scores.argsort(descending=True, stable=True)
    bounds, ties = scores[order].double(), ties[order]
    terms = HeldTerms(candidates, order)
    paths = no_labels(candidates.shape[1])
    picks: list[Pick] = []
    num_exact = 0
    while len(picks) < batch_size:
        pick = best_pick(
            bounds,
            partial(_gains_of, terms, paths),
            ties,
            slack=0.0 if paths.exact else slack * math.sqrt(1000 / num_paths),
            tied=_TIED[torch.promote_types(scores.dtype, torch.float32)],
            block=_BLOCK,
        )
        num_exact += paths.exact
        picks.append(pick)
        bounds[pick.rank] = -torch.inf
        row = candidates.take(order[pick.rank : pick.rank + 1])[0].cpu()
        paths = paths.extended(row, num_paths=num_paths, seed=derive_seed(seed, "batchbald"))
    return order[torch.tensor([pick.rank for pick in picks])], picks, num_exact


def _gains_of(terms: HeldTerms, paths: LabelPaths, ranks: Positions) -> Scores:
    return gains(terms(ranks), paths)


def _joint_information(batch: BatchLogProbs, num_paths: int, seed: int) -> Estimate:
    """Exact where that is cheap, else by paths other than those that the choice has seen."""
    num_rows, _, num_classes = batch.shape
    if num_classes**num_rows <= max(num_paths, _ENUMERATED):
        return Estimate(joint_information(batch.cpu()), 0.0)
    return estimate_joint_information(batch.cpu(), num_paths=num_paths, seed=derive_seed(seed, "fresh paths"))
