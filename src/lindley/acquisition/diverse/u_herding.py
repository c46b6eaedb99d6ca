"""Uncertainty herding: rows such that every uncertain candidate is near one of them.

Source: Bae, Oliveira, Sutherland 2025, "Uncertainty herding: one active learning method for all label budgets",
arXiv:2412.20644.
"""

from __future__ import annotations

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.context_features import read_subset, subset_mean_probs
from lindley.acquisition.diverse.distances import distances
from lindley.acquisition.diverse.max_herding import KernelCover
from lindley.acquisition.diverse.specs import UHerdingOptions
from lindley.contracts import Context, Selection
from lindley.shapes import LabelledFeatures


def u_herding(
    context: Context, batch_size: int, *, seed: int, sigma: float | str = "auto", normalise: bool = True
) -> Selection:
    """Select greedily the rows that raise the mean over candidates x of u(x) · max_s exp(-|x - s|² / sigma²) most.

    u(x) = 1 - (p_1 - p_2), the margin of the average prediction; s are the labelled and the selected rows. In the paper
    predictions are scaled by a temperature first, which here is left to the posterior. Of more than 20,000 candidates a
    seeded subset of so many is considered, as by max_herding.

    Args:
        context: The candidates with their predictions and features, and the features of the labelled rows.
        batch_size: Number of rows to select, at most N and at most 20,000.
        seed: Seed of the subset and of the order among equal gains.
        sigma: Bandwidth of the kernel. "auto" is the smallest distance above 0 between labelled rows, so that it falls
            as labels grow and the method goes over from coverage to uncertainty; 1 where there is none.
        normalise: Whether features are divided by their length, as in the paper.

    Returns:
        The rows in the order picked; scores are gains of weighted coverage. Diagnostics: `sigma`, `coverage`
        afterwards, `candidates_considered`, and `candidates_evaluated`.

    Raises:
        InputError: If an option or the request cannot be used.
    """
    UHerdingOptions(sigma, normalise)
    check_request(context, batch_size)
    subset = read_subset(context, batch_size, seed=seed, normalise=normalise)
    top = subset_mean_probs(context, subset.rows).topk(2, dim=1).values  # [M, 2]
    uncertainty = (1 - (top[:, 0] - top[:, 1])).to(subset.features)
    bandwidth = smallest_distance(subset.labelled) if isinstance(sigma, str) else float(sigma)
    selection = KernelCover(subset, uncertainty, sigma=bandwidth).selection(batch_size, seed=seed)
    return Selection(selection.rows, selection.scores.to(top.dtype), {"sigma": bandwidth, **selection.diagnostics})


def smallest_distance(points: LabelledFeatures) -> float:
    """Return the smallest distance above 0 between two of the points; 1 where there is none."""
    by_point = [distances(points[place + 1 :], points[place : place + 1])[:, 0] for place in range(len(points) - 1)]
    positive = [float(each[each > 0].min()) for each in by_point if bool((each > 0).any())]
    return min(positive, default=1.0)
