"""Stochastic batches: rows are drawn by weight without replacement, for any score and in one pass.

A batch of the largest scores is a batch of near-duplicates; drawn by weight it is spread out, at the price of the
scores alone. Log-weight plus Gumbel noise, and the largest of these, is a draw without replacement (Gumbel top-k).
Source: Kirsch et al. 2023, "Stochastic batch acquisition", arXiv:2106.12059.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.specs import PowerOptions, SoftmaxOptions, SoftrankOptions
from lindley.acquisition.top_k import Scorer, largest_positions
from lindley.contracts import Context, Selection
from lindley.errors import InputError
from lindley.noise import row_uniforms
from lindley.shapes import Rows, Scores

StochasticBatch = Callable[..., Selection]
"""An Acquisition with one option more: (context, batch_size, *, seed, beta)."""
LogWeights = Callable[[Scores, Rows, int], Tensor]
"""Scores, their rows and the seed -> [N] float64; -inf is weight 0."""


def power_batch(scorer: Scorer) -> StochasticBatch:
    """Return the acquisition that draws rows with weight score^beta; beta is 4 if not given.

    A score of 0 has weight 0: such a row never comes before one with a positive score. Where the batch is larger than
    the rows with weight, the rest follows in seeded random order, and picks_without_weight counts them.
    The acquisition raises InputError for negative scores, whose power has no meaning; `rows` names them.
    """
    return _weighted_batch(scorer, _power_log_weights, PowerOptions)


def softmax_batch(scorer: Scorer) -> StochasticBatch:
    """Return the acquisition that draws rows with weight exp(beta * score), of any sign; beta is 8 if not given.

    beta is in units of one over the score, so that its meaning depends on the range of the scores.
    """
    return _weighted_batch(scorer, _softmax_log_weights, SoftmaxOptions)


def softrank_batch(scorer: Scorer) -> StochasticBatch:
    """Return the acquisition that draws rows with weight rank^-beta, rank 1 the largest score; beta is 1 if not given.

    Only the order of the scores counts. Equal scores are ranked by a seeded hash of the row.
    """
    return _weighted_batch(scorer, _softrank_log_weights, SoftrankOptions)


def _weighted_batch(
    scorer: Scorer, log_weights: LogWeights, options: type[PowerOptions | SoftmaxOptions | SoftrankOptions]
) -> StochasticBatch:
    def choose(context: Context, batch_size: int, *, seed: int, beta: int | float = options.beta) -> Selection:
        options(beta)
        check_request(context, batch_size)
        rows, scores = context.candidates.rows, scorer(context)
        weights = log_weights(scores, rows, seed)
        positions = largest_positions(weights + _gumbel(rows, seed) / beta, rows, batch_size, seed=seed)
        diagnostics = {
            "candidates_evaluated": len(scores),
            "beta": float(beta),
            "picks_without_weight": int((weights[positions] == -torch.inf).sum()),
        }
        return Selection(rows[positions], scores[positions], diagnostics)

    return choose


def _power_log_weights(scores: Scores, rows: Rows, seed: int) -> Tensor:
    negative = scores < 0
    if negative.any():
        raise InputError(
            "Use softmax or softrank, or a score that is never negative.",
            argument="scores of a power",
            expected="at least 0; they are negative",
            rows=rows[negative].tolist(),
        )
    return scores.double().log()


def _softmax_log_weights(scores: Scores, rows: Rows, seed: int) -> Tensor:
    return scores.double()


def _softrank_log_weights(scores: Scores, rows: Rows, seed: int) -> Tensor:
    ranks = torch.empty(len(rows), dtype=torch.float64)
    ranks[largest_positions(scores, rows, len(rows), seed=seed)] = torch.arange(1, len(rows) + 1, dtype=torch.float64)
    return -ranks.log()


def _gumbel(rows: Rows, seed: int) -> Tensor:
    """Return standard Gumbel noise, keyed by the row.  [N] -> [N]"""
    # From 1 - u, since u may be 1: that is noise of -inf then, which added to a weight of 0 is not NaN.
    return -(-torch.log1p(-row_uniforms(rows, seed, "stochastic batch"))).log()
