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
from lindley.acquisition.diverse.context_features import first, read_subset
from lindley.acquisition.diverse.distances import squared_distance_blocks
from lindley.acquisition.options import TypiClustOptions
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.seeds import derive_seed
from lindley.shapes import Features, Scores

MAX_CLUSTERS = 500
MIN_CLUSTER_SIZE = 5
NUM_NEIGHBOURS = 20
_OFFSET = 1e-5
"""Added to the mean distance, as in the authors' code: duplicates would be infinitely typical."""
_TIED = 1e-5  # of the largest typicality: what rounding of a matrix product cannot tell apart


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
    labelled rows, then largest size; clusters of at most 5 rows come when the others are used up (the authors drop
    them). Typicality is 1 / (mean distance to the nearest neighbours + 1e-5) among the rows of the cluster that are not
    chosen yet. Of more than 20,000 candidates a seeded subset of so many is considered, by rows alone, so that it is
    the same wherever they are; the others are not chosen.

    Args:
        context: The candidates with their features, and those of the labelled rows.
        batch_size: Number of rows to select, at most N and at most 20,000.
        seed: Seed of the subset, of k-means, and of the order among equal typicalities.
        max_clusters: Number of clusters at most.
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
    waiting = [(clusters[: len(rows)] == cluster).nonzero()[:, 0] for cluster in range(num_clusters)]
    turns = _turns(clusters.bincount(minlength=num_clusters), clusters[len(rows) :].bincount(minlength=num_clusters))
    picks, scores = _asked(turns, waiting, features, tie_break(rows, seed), batch_size, num_neighbours)
    covered = torch.cat([clusters[picks], clusters[len(rows) :]]).unique().numel()
    diagnostics = {"clusters": clusters.unique().numel(), "covered_clusters": covered, **subset.diagnostics}
    return Selection(rows[picks], torch.tensor(scores, dtype=features.dtype), diagnostics)


def typicality(features: Features, num_neighbours: int) -> Scores:
    """1 / (mean distance to the nearest of the others + 1e-5).  [n, D] -> [n]; 0 for one point on its own"""
    count = min(num_neighbours, max(1, len(features) // 2))
    if len(features) == 1:
        return features.new_zeros(1)
    typical = features.new_empty(len(features))
    for rows, squared in squared_distance_blocks(features, features):
        squared[torch.arange(rows.stop - rows.start), torch.arange(rows.start, rows.stop)] = torch.inf  # not to itself
        nearest = squared.topk(count, dim=1, largest=False).values.sqrt()  # [n, count]
        typical[rows] = 1 / (nearest.mean(1) + _OFFSET)
    return typical


def _turns(sizes: Tensor, counts: Tensor) -> list[list[int]]:
    """Clusters in the order in which they are asked: the large ones, then the small ones."""
    order = sorted(range(len(sizes)), key=lambda cluster: (int(counts[cluster]), -int(sizes[cluster])))
    large = [cluster for cluster in order if int(sizes[cluster]) > MIN_CLUSTER_SIZE]
    return [large, [cluster for cluster in order if cluster not in set(large)]]


def _asked(
    turns: list[list[int]],
    waiting: list[Tensor],
    features: Tensor,
    ties: Tensor,
    batch_size: int,
    num_neighbours: int,
) -> tuple[list[int], list[float]]:
    """One from each cluster that has some waiting, round after round, until there are enough."""
    picks: list[int] = []
    scores: list[float] = []
    for cluster in chain.from_iterable(_rounds(queue, waiting) for queue in turns):
        typical = typicality(features[waiting[cluster]], num_neighbours).cpu()
        best = first(typical, ties[waiting[cluster]], tied=_TIED * float(typical.max()))
        picks.append(int(waiting[cluster][best]))
        scores.append(float(typical[best]))
        waiting[cluster] = waiting[cluster][waiting[cluster] != picks[-1]]
        if len(picks) == batch_size:
            break
    return picks, scores


def _rounds(queue: list[int], waiting: list[Tensor]) -> Iterator[int]:
    while any(len(waiting[cluster]) for cluster in queue):
        yield from (cluster for cluster in queue if len(waiting[cluster]))
