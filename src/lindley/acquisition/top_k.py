"""From scores to rows: the top of a pointwise score, and random rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.scan import scan_predictions
from lindley.contracts import Acquisition, Context, Score, Selection
from lindley.errors import InputError
from lindley.noise import row_uniforms
from lindley.shapes import LogProbs, Positions, Rows, Scores

Scorer = Callable[[Context], Scores]
"""The scores of all candidates, [N], larger = queried first; it checks the predictions."""


def pointwise(score: Score) -> Scorer:
    """Return the scorer that applies a score to one chunk of the candidates' predictions at a time."""

    def score_all(context: Context) -> Scores:
        scores = scan_predictions(context, partial(_score_on_cpu, score))
        if scores.isnan().any():
            rows = context.candidates.rows[scores.isnan()].tolist()
            raise InputError(argument="score", expected="a number for each row; it is NaN", rows=rows)
        return scores

    return score_all


def top_k(score: Score) -> Acquisition:
    """Return the acquisition that selects the rows with the largest pointwise scores; see top_k_batch."""
    return top_k_batch(pointwise(score))


def top_k_batch(scorer: Scorer) -> Acquisition:
    """Return the acquisition that selects the rows with the largest scores, largest first.

    Exact ties go by a seeded hash of the row: never by its place in the pool.
    """

    def choose(context: Context, batch_size: int, *, seed: int) -> Selection:
        check_request(context, batch_size)
        rows, scores = context.candidates.rows, scorer(context)
        positions = largest_positions(scores, rows, batch_size, seed=seed)
        return Selection(rows[positions], scores[positions], {"candidates_evaluated": len(scores)})

    return choose


def random_rows(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Select rows at random, each by its own seeded number, which is its score.

    Args:
        context: The candidates; their predictions are not read.
        batch_size: Number of rows to select, at most N.
        seed: Seed of the numbers.

    Raises:
        InputError: If the request cannot be met.
    """
    check_request(context, batch_size)
    rows = context.candidates.rows
    noise = row_uniforms(rows, seed, "random")
    positions = largest_positions(noise, rows, batch_size, seed=seed)
    return Selection(rows[positions], noise[positions], {"candidates_evaluated": 0})


def largest_positions(scores: Scores, rows: Rows, count: int, *, seed: int) -> Positions:
    """Return the positions of the largest scores, largest first.

    Args:
        scores: [N].
        rows: [N], by whose seeded hash ties are broken.
        count: Number of positions, at most N.
        seed: Seed of the hash.
    """
    by_hash = tie_break(rows, seed).argsort(descending=True)
    order = scores[by_hash].argsort(descending=True, stable=True)
    return by_hash[order[:count]]


def tie_break(rows: Rows, seed: int) -> Tensor:
    """Return a seeded number for each row; of two equal rows the one with the larger number is queried first.  [N]"""
    return row_uniforms(rows, seed, "tie")


def _score_on_cpu(score: Score, log_probs: LogProbs) -> Scores:
    return score(log_probs).cpu()
