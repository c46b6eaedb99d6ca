"""TypiClust: the most typical row of each large cluster that has no label yet.

Source: Hacohen, Dekel, Weinshall 2022, arXiv:2202.02794; details that the paper leaves open as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.clusters import k_means
from lindley.acquisition.diverse.context_features import best_position, read_subset
from lindley.acquisition.diverse.distances import iterate_squared_distances
from lindley.acquisition.diverse.specs import TypiClustOptions
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.seeds import derive_seed
from lindley.shapes import Features, Scores

MAX_CLUSTERS = 500
MIN_CLUSTER_SIZE = 5
NUM_NEIGHBOURS = 20
_OFFSET = 1e-5
"""Added to the mean distance, as in the authors' code: duplicates would be infinitely typical."""
_TIED = 1e-5  # share of the largest typicality that rounding of a matrix product cannot tell apart


def typiclust(
    context: Context,
    batch_size: int,
    *,
    seed: int,
    max_clusters: int = MAX_CLUSTERS,
    num_neighbours: int = NUM_NEIGHBOURS,
    normalise: bool = True,
) -> Selection:
    """Select the most typical row of each cluster in turn.

    Candidates and labelled rows are clustered by k-means into min(L + B, max_clusters) clusters. Turns go by fewest
    labelled rows, then largest size; clusters of at most 5 rows come when the others have no rows left (the authors
    drop them). Typicality is 1 / (mean distance to the nearest neighbours + 1e-5) among the rows of the cluster that
    are not chosen yet. Of more than 20,000 candidates a seeded subset of so many is considered, by rows alone, so that
    it is the same wherever they are; the others are not chosen.

    Args:
        context: The candidates with their features, and those of the labelled rows.
        batch_size: Number of rows to select, at most N and at most 20,000.
        seed: Seed of the subset, of k-means, and of the order among equal typicalities.
        max_clusters: Largest number of clusters.
        num_neighbours: Number of nearest neighbours, at most half of the cluster.
        normalise: Whether features are divided by their length, as in the paper.

    Returns:
        The rows in the order of their clusters, with their typicalities. Diagnostics: `clusters`, `covered_clusters`
        that have a labelled or chosen row afterwards, and `candidates_considered`.

    Raises:
        InputError: If features are missing or cannot be used, or an option or the request cannot.
    """
    TypiClustOptions(max_clusters, num_neighbours, normalise)
    check_request(context, batch_size)
    subset = read_subset(context, batch_size, seed=seed, normalise=normalise)
    rows, features, labelled = subset.rows, subset.features, subset.labelled
    num_clusters = min(len(labelled) + batch_size, max_clusters, len(features) + len(labelled))
    clusters = k_means(torch.cat([features, labelled]), num_clusters, seed=derive_seed(seed, "typiclust"))
    unchosen = [(clusters[: len(rows)] == cluster).nonzero()[:, 0] for cluster in range(num_clusters)]
    order = _cluster_order(
        clusters.bincount(minlength=num_clusters), clusters[len(rows) :].bincount(minlength=num_clusters)
    )
    picks, scores = _pick_rows(order, unchosen, features, tie_break(rows, seed), batch_size, num_neighbours)
    covered = torch.cat([clusters[picks], clusters[len(rows) :]]).unique().numel()
    diagnostics = {"clusters": clusters.unique().numel(), "covered_clusters": covered, **subset.diagnostics}
    return Selection(rows[picks], torch.tensor(scores, dtype=features.dtype), diagnostics)


def typicality(features: Features, num_neighbours: int) -> Scores:
    """Return 1 / (mean distance to the nearest other points + 1e-5), 0 for a single point.  [n, D] -> [n]"""
    count = min(num_neighbours, max(1, len(features) // 2))
    if len(features) == 1:
        return features.new_zeros(1)
    typical = features.new_empty(len(features))
    for rows, squared in iterate_squared_distances(features, features):
        squared[torch.arange(rows.stop - rows.start), torch.arange(rows.start, rows.stop)] = torch.inf  # not to itself
        nearest = squared.topk(count, dim=1, largest=False).values.sqrt()  # [n, count]
        typical[rows] = 1 / (nearest.mean(1) + _OFFSET)
    return typical


def _cluster_order(sizes: Tensor, counts: Tensor) -> list[list[int]]:
    """Return the clusters in the order of their turns, the large ones and the small ones."""
    by_labels = sorted(range(len(sizes)), key=lambda cluster: (int(counts[cluster]), -int(sizes[cluster])))
    large = [cluster for cluster in by_labels if int(sizes[cluster]) > MIN_CLUSTER_SIZE]
    return [large, [cluster for cluster in by_labels if cluster not in set(large)]]


def _pick_rows(
    order: list[list[int]],
    unchosen: list[Tensor],
    features: Tensor,
    ties: Tensor,
    batch_size: int,
    num_neighbours: int,
) -> tuple[list[int], list[float]]:
    """Pick one row from each cluster that has unchosen rows, round after round, until there are enough."""
    picks: list[int] = []
    scores: list[float] = []
    for cluster in chain.from_iterable(_rounds(queue, unchosen) for queue in order):
        typical = typicality(features[unchosen[cluster]], num_neighbours).cpu()
        best = best_position(typical, ties[unchosen[cluster]], tied=_TIED * float(typical.max()))
        picks.append(int(unchosen[cluster][best]))
        scores.append(float(typical[best]))
        unchosen[cluster] = unchosen[cluster][unchosen[cluster] != picks[-1]]
        if len(picks) == batch_size:
            break
    return picks, scores


def _rounds(queue: list[int], unchosen: list[Tensor]) -> Iterator[int]:
    while any(len(unchosen[cluster]) for cluster in queue):
        yield from (cluster for cluster in queue if len(unchosen[cluster]))
