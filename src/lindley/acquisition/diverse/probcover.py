"""ProbCover: rows whose balls of a fixed radius cover most candidates.

Source: Yehuda, Dekel, Hacohen, Weinshall 2022, arXiv:2205.11320.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.balls import Balls
from lindley.acquisition.diverse.clusters import k_means
from lindley.acquisition.diverse.context_features import best_position, read_subset
from lindley.acquisition.diverse.distances import iterate_squared_distances
from lindley.acquisition.diverse.specs import ProbCoverOptions
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.errors import Argument, InputError
from lindley.noise import row_uniforms
from lindley.seeds import derive_seed
from lindley.shapes import Features, LabelledFeatures, Rows

PURITY = 0.95
_SAMPLE = 5000  # balls whose purity is judged


def probcover(
    context: Context,
    batch_size: int,
    *,
    seed: int,
    delta: float | str = "auto",
    purity: float = PURITY,
    normalise: bool = True,
) -> Selection:
    """Select greedily the row with most candidates within delta that no labelled or chosen row covers yet.

    A row covers those within delta of it. Once all rows are covered, the others follow by their seeded hash.
    Of more than 20,000 candidates a seeded subset of so many is considered, by rows alone, so that it is the same
    wherever they are; the others are neither counted nor chosen. No graph is kept: counts are lowered as candidates
    become covered, which happens to each of them once.

    Args:
        context: The candidates with their features, and those of the labelled rows.
        batch_size: Number of rows to select, at most N and at most 20,000.
        seed: Seed of the subset, of k-means, and of the order among equal counts.
        delta: Radius of a ball. "auto" is the paper's: the largest radius at which a share `purity` of the balls holds
            one pseudo-label, those being k-means clusters, as many as classes.
        purity: Share of balls, between 0 and 1; read where delta is "auto".
        normalise: Whether features are divided by their length, as in the paper.

    Returns:
        The rows in the order picked; scores are the numbers of rows that each covered first. Diagnostics: `delta`;
        `coverage`, the share of the candidates considered that is covered afterwards; `covering_picks`, the picks that
        covered something new; `candidates_considered`.

    Raises:
        InputError: If features are missing or cannot be used, an option or the request cannot, or delta is "auto" and
            there are no predictions.
    """
    ProbCoverOptions(delta, purity, normalise)
    check_request(context, batch_size)
    subset = read_subset(context, batch_size, seed=seed, normalise=normalise)
    rows, features, labelled = subset.rows, subset.features, subset.labelled
    if isinstance(delta, str):
        if context.candidates.num_draws == 0:
            raise InputError(
                "delta='auto' requires the number of classes, which predictions have, and there are none; "
                "give a radius, as in ",
                Argument("delta", 0.4, option=True),
                argument="delta",
                got=delta,
            )
        all_rows = torch.cat([rows, context.labelled.sort().values[: len(labelled)]])
        delta = choose_delta(
            torch.cat([features, labelled]), all_rows, context.task.num_classes, purity=purity, seed=seed
        )
    picks, scores, covered = _cover_greedily(features, labelled, float(delta), batch_size, tie_break(rows, seed))
    diagnostics = {
        "delta": float(delta),
        "coverage": float(covered.double().mean()),
        "covering_picks": sum(score > 0 for score in scores),
        **subset.diagnostics,
    }
    return Selection(rows[picks], torch.tensor(scores, dtype=features.dtype), diagnostics)


def choose_delta(points: Features, rows: Rows, num_classes: int, *, purity: float, seed: int) -> float:
    """Return the largest radius (to 0.1 %) at which a share of the balls holds points of one k-means cluster only.

    Args:
        points: The points, [N, D].
        rows: Their ids, [N], by which the 5000 balls that are judged are drawn.
        num_classes: Number of clusters.
        purity: Share of balls, between 0 and 1.
        seed: Seed of k-means and of the balls.

    Returns:
        The radius; 0 where all points coincide and so make one cluster.
    """
    clusters = k_means(points, min(num_classes, len(points)), seed=derive_seed(seed, "probcover")).to(points.device)
    order = row_uniforms(rows, seed, "purity").argsort()[:_SAMPLE].to(points.device)
    limits = points.new_empty(len(order))  # a ball is pure while its radius is below its limit
    for block, squared in iterate_squared_distances(points[order], points):
        limits[block] = squared.masked_fill_(clusters[order[block], None] == clusters, torch.inf).amin(1).sqrt()
    limit = float(limits.sort().values[math.floor((1 - purity) * len(limits) + 1e-9)])
    return 0.999 * limit if math.isfinite(limit) else 0.0


def _cover_greedily(
    features: Features, labelled: LabelledFeatures, radius: float, batch_size: int, ties: Tensor
) -> tuple[list[int], list[int], Tensor]:
    balls = Balls(torch.cat([features, labelled]), radius)
    positions = torch.arange(len(features), device=features.device)
    covered = balls.counts(positions, positions.new_tensor(range(len(features), len(features) + len(labelled)))) > 0
    counts = torch.zeros_like(positions)  # rows in each ball that are not covered yet
    counts[~covered] = balls.counts_within(positions[~covered])
    counts[covered] = balls.counts(positions[covered], positions[~covered])
    picks: list[int] = []
    scores: list[int] = []
    while len(picks) < batch_size:
        pick = best_position(counts, ties)
        away = balls.distances_to(pick)[: len(features)]
        new = ~covered & (away <= balls.radius)
        if int(new.sum()) < counts[pick]:
            counts[pick] = new.sum()  # a pair at the edge of the ball was counted too often: pick again
            continue
        near = away <= 2.001 * balls.radius  # only their counts can fall; a little more, for rounding
        counts[near] -= balls.counts(positions[near], positions[new])
        covered |= new
        picks.append(pick)
        scores.append(int(new.sum()))
        counts[picks] = -1
    return picks, scores, covered
