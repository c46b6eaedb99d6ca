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
"""The scores of all candidates, [N], larger = asked first; predictions are checked on the way."""


def pointwise(score: Score) -> Scorer:
    """The scorer that shows a score one chunk of the candidates' predictions at a time."""

    def score_all(context: Context) -> Scores:
        scores = scan_predictions(context, partial(_on_cpu, score))
        if scores.isnan().any():
            unscored = context.candidates.rows[scores.isnan()].tolist()[:10]
            raise InputError(f"a score must be a number; it is NaN for rows {unscored}")
        return scores

    return score_all


def top_k(score: Score) -> Acquisition:
    """The acquisition that asks for the rows with the largest pointwise scores; see top_k_batch."""
    return top_k_batch(pointwise(score))


def top_k_batch(scorer: Scorer) -> Acquisition:
    """The acquisition that asks for the rows with the largest scores, largest first.

    Exact ties go by a seeded hash of the row: never by its place in the pool.
    """

    def choose(context: Context, batch_size: int, *, seed: int) -> Selection:
        check_request(context, batch_size)
        rows, scores = context.candidates.rows, scorer(context)
        positions = largest(scores, rows, batch_size, seed=seed)
        return Selection(rows[positions], scores[positions], {"candidates_evaluated": len(scores)})

    return choose


def random_rows(context: Context, batch_size: int, *, seed: int) -> Selection:
    """Rows at random, each by its own seeded number; predictions are never looked at. Scores are those numbers."""
    check_request(context, batch_size)
    rows = context.candidates.rows
    noise = row_uniforms(rows, seed, "random")
    positions = largest(noise, rows, batch_size, seed=seed)
    return Selection(rows[positions], noise[positions], {"candidates_evaluated": 0})


def largest(scores: Scores, rows: Rows, count: int, *, seed: int) -> Positions:
    """Positions of the largest scores, largest first, ties by a seeded hash of the row.  [N] -> [count]"""
    by_hash = tie_break(rows, seed).argsort(descending=True)
    order = scores[by_hash].argsort(descending=True, stable=True)
    return by_hash[order[:count]]


def tie_break(rows: Rows, seed: int) -> Tensor:
    """A seeded number per row; of two equal rows the one with the larger number is asked first.  [N] -> [N]"""
    return row_uniforms(rows, seed, "tie")


def _on_cpu(score: Score, log_probs: LogProbs) -> Scores:
    return score(log_probs).cpu()
