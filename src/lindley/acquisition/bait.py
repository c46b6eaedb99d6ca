"""BAIT: the rows whose labels would most reduce the expected error of the last layer, by its Fisher information.

Source: Ash, Goel, Krishnamurthy, Kakade 2021, arXiv:2106.09675; weights as in the authors' code.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse import average_by_row, features_by_row, first, labelled_by_row
from lindley.acquisition.fisher import TraceObjective, summed_information
from lindley.acquisition.options import BaitOptions
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Context, Selection
from lindley.errors import InputError

MAX_DIMENSION = 4096
"""Largest C·D: matrices of that many columns are inverted and held, 128 MiB each."""
_MAX_PARTS = 1 << 27  # largest N·C²: two arrays of that many float64, 2 GiB in all
_FLOOR = 1e-6  # smaller probabilities have no logit worth fitting
_NOISE = 1e-12
_TIED = 1e-9  # of the largest change: what rounding cannot tell apart


def bait(
    context: Context, batch_size: int, *, seed: int, regularisation: float = 1.0, num_components: int | None = None
) -> Selection:
    """The batch S with the smallest tr((λI + Σ_L I(x) / (L + B) + B Σ_S I(x) / (L + B))⁻¹ F), greedily.

    I(x) is the Fisher information of the last layer, (diag(p) - p pᵀ) ⊗ f fᵀ with p averaged over the draws, F its
    average over candidates and labelled rows, λ the regularisation. 2B rows are added one by one, then B of them taken
    away one by one; what is left is put in the order in which it would have been added, and scores are the reductions.
    A Context has no predictions of labelled rows: they are read off a linear fit of the candidates' log-probabilities
    on their features, exact where these are the last layer's. Diagnostics: labelled_fit, the share of variance that
    this fit explains; trace_before, trace_after, the objective.
    Raises InputError where C·D is above 4096 (num_components projects the features on so many principal components).
    Memory: about four matrices [C·D, C·D] and three arrays [N, C, C] of float64.
    """
    BaitOptions(regularisation, num_components)
    check_request(context, batch_size)
    rows, features = features_by_row(context)
    labelled, average = labelled_by_row(context, features), average_by_row(context)
    dtype = torch.promote_types(features.dtype, average.dtype)
    features, labelled, probs = features.cpu().double(), labelled.cpu().double(), average.cpu().double()
    if num_components is not None:
        axes = _principal_axes(features, num_components)
        features, labelled = features @ axes, labelled @ axes
    _check_size(len(rows), probs.shape[1], features.shape[1])
    labelled_probs, fit = _read_off(features, probs, labelled)
    told, total = summed_information(labelled, labelled_probs), len(labelled) + batch_size
    fisher = (summed_information(features, probs) + told) / (len(features) + len(labelled))
    inverse = torch.linalg.inv(regularisation * torch.eye(len(told), dtype=torch.float64) + told / total)
    objective = partial(TraceObjective, weight=batch_size / total, inverse=inverse, fisher=fisher)
    ties = tie_break(rows, seed)
    kept = _pruned(objective, features, probs, ties, batch_size)
    survivors = objective(features[kept], probs[kept])
    before = survivors.value
    order, reductions = _added(survivors, ties[kept], batch_size)
    diagnostics = {"labelled_fit": fit, "trace_before": before, "trace_after": survivors.value}
    return Selection(rows[kept[order]], torch.tensor(reductions, dtype=dtype), diagnostics)


def _check_size(num_rows: int, num_classes: int, num_features: int) -> None:
    if num_classes * num_features > MAX_DIMENSION:
        raise InputError(
            f"bait inverts matrices of C·D columns, at most {MAX_DIMENSION}; got {num_classes} classes x "
            f"{num_features} features. Pass num_components={max(1, MAX_DIMENSION // num_classes)} or less to project "
            "the features on their principal components."
        )
    if num_rows * num_classes**2 > _MAX_PARTS:
        raise InputError(
            f"bait keeps two arrays [N, C, C], at most {_MAX_PARTS} entries each; got {num_rows} candidates and "
            f"{num_classes} classes. Offer at most {_MAX_PARTS // num_classes**2} candidates, chosen at random."
        )


def _principal_axes(features: Tensor, count: int) -> Tensor:
    """The directions along which features are largest, about the origin: the last layer is linear.  [D, count]"""
    axes: Tensor = torch.linalg.eigh(features.T @ features).eigenvectors  # [D, D], the largest last
    return axes[:, -count:]


def _read_off(features: Tensor, probs: Tensor, labelled: Tensor) -> tuple[Tensor, float]:
    """The labelled rows' probabilities by least squares on logits, and R² of the fit.  [N, D], [N, C], [L, D]"""
    logits = probs.clamp_min(_FLOOR).log()
    logits = logits - logits.mean(1, keepdim=True)  # [N, C]
    mean, level = features.mean(0), logits.mean(0)
    inputs, outputs = features - mean, logits - level
    noise = _NOISE * float(features.square().sum())  # a direction in which features do not differ tells nothing
    weights = torch.linalg.pinv(inputs.T @ inputs, atol=noise, hermitian=True) @ (inputs.T @ outputs)  # [D, C]
    missed, spread = (outputs - inputs @ weights).square().sum(), outputs.square().sum()
    fit = 1.0 if spread <= _TIED * logits.square().sum() else float(1 - missed / spread)
    return ((labelled - mean) @ weights + level).softmax(1), fit


def _pruned(
    objective: partial[TraceObjective], features: Tensor, probs: Tensor, ties: Tensor, batch_size: int
) -> Tensor:
    """Twice as many rows as asked for, added greedily, and half of them taken away greedily.  -> [B] positions"""
    whole = objective(features, probs)
    added, _ = _added(whole, ties, min(2 * batch_size, len(features)))
    kept = torch.tensor(added)
    state = objective(features[kept], probs[kept], inverse=whole.inverse)
    gone: list[int] = []
    while len(kept) - len(gone) > batch_size:
        changes = state.reductions(-1)
        changes[gone] = -torch.inf
        gone.append(first(changes, ties[kept], tied=_TIED * float(changes.max().abs())))
        state.move(gone[-1], -1)
    return kept[[position for position in range(len(kept)) if position not in gone]]


def _added(state: TraceObjective, ties: Tensor, count: int) -> tuple[list[int], list[float]]:
    picks: list[int] = []
    reductions: list[float] = []
    while len(picks) < count:
        changes = state.reductions(1)
        changes[picks] = -torch.inf
        picks.append(first(changes, ties, tied=_TIED * float(changes.max().abs())))
        reductions.append(float(changes[picks[-1]]))
        state.move(picks[-1], 1)
    return picks, reductions
