"""BAIT: the rows whose labels would most reduce the expected error of the last layer, by its Fisher information.

Source: Ash, Goel, Krishnamurthy, Kakade 2021, arXiv:2106.09675; weights as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import check_request
from lindley.acquisition.diverse.context_features import (
    best_position,
    mean_probs_reader,
    read_features,
    read_labelled_features,
)
from lindley.acquisition.diverse.fisher import (
    TraceObjective,
    information_blocks,
    information_matrix,
    total_information,
    trace_reductions,
)
from lindley.acquisition.diverse.prepared_rows import PreparedRows
from lindley.acquisition.diverse.specs import BaitOptions
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Chunk, Context, Selection
from lindley.errors import InputError
from lindley.shapes import Features, Scores

MAX_DIMENSION = 4096
"""Largest C·D: matrices of that many columns are inverted and kept, 128 MiB each."""
HOLD_BYTES = 1 << 31
"""Memory in which features, probabilities and [C, C] parts of all candidates are cached at most."""
_FLOOR = 1e-6  # smaller probabilities have no logit worth fitting
_NOISE = 1e-12
_TIED = 1e-9  # share of the largest change that rounding cannot tell apart


def bait(
    context: Context, batch_size: int, *, seed: int, regularisation: float = 1.0, num_components: int | None = None
) -> Selection:
    """Select the batch S with the smallest tr((λI + Σ_L I(x) / (L + B) + B Σ_S I(x) / (L + B))⁻¹ F), greedily.

    I(x) is the Fisher information of the last layer, (diag(p) - p pᵀ) ⊗ f fᵀ with p averaged over the draws, F its
    average over candidates and labelled rows. 2B rows are added one by one, then B of them removed one by one; the
    others are put in the order in which they would have been added. A Context has no predictions of labelled rows: they
    are read off a linear fit of the candidates' log-probabilities on their features, exact where these are the last
    layer's.

    It makes two passes that bring back sums, three with num_components, and 2B passes that bring back one number for
    each row. Where features, probabilities and two [C, C] parts of all candidates fit into 2 GiB in this process, they
    are cached there, and a step takes time N·C²·(C + D); otherwise a pass takes N·C²·D².

    Args:
        context: The candidates with their predictions and features, and the features of the labelled rows.
        batch_size: Number of rows to select, at most N.
        seed: Seed of the order among equal changes.
        regularisation: λ, a number above 0.
        num_components: Number of principal components on which features are projected; None: they are used as given.

    Returns:
        The rows, best first; scores are the reductions. Diagnostics: `labelled_fit`, the share of variance that the
        linear fit explains; `trace_before` and `trace_after`, the objective.

    Raises:
        InputError: For C·D above 4096, which num_components lowers, or if predictions, features, an option or the
            request cannot be used.
    """
    BaitOptions(regularisation, num_components)
    check_request(context, batch_size)
    rows, candidates, average = context.candidates.rows, context.candidates, mean_probs_reader(context)
    chunk = candidates.take(rows[:1])
    features, probs = read_features(chunk), average(chunk)
    labelled = read_labelled_features(context, features).cpu().double()
    axes = None if num_components is None else _principal_axes(context, num_components)
    labelled = labelled if axes is None else labelled @ axes
    _check_size(probs.shape[1], labelled.shape[1])
    hold_bytes = int(HOLD_BYTES * _memory_share(probs.shape[1], labelled.shape[1]))
    prepared = PreparedRows(candidates, partial(_prepare, average, axes), hold_bytes=hold_bytes)
    fisher, labelled_information, fit = _sum_information(prepared, labelled, len(rows))
    total = len(labelled) + batch_size
    start = regularisation * torch.eye(len(fisher), dtype=torch.float64) + labelled_information / total
    objective = partial(TraceObjective, weight=batch_size / total, inverse=torch.linalg.inv(start), fisher=fisher)
    ties = tie_break(rows, seed)
    kept = _add_and_prune(objective, prepared, ties, batch_size)
    remaining_objective = objective(*prepared.take(kept))
    before = remaining_objective.value
    order, reductions = _add_greedily(remaining_objective, ties[kept], batch_size)
    diagnostics = {"labelled_fit": fit, "trace_before": before, "trace_after": remaining_objective.value}
    dtype = torch.promote_types(features.dtype, probs.dtype)
    return Selection(rows[kept[order]], torch.tensor(reductions, dtype=dtype), diagnostics)


def _check_size(num_classes: int, num_features: int) -> None:
    most = max(1, MAX_DIMENSION // num_classes)
    if num_classes * num_features > MAX_DIMENSION:
        raise InputError(
            "bait inverts matrices with a column for each class and feature. Pass "
            f"num_components={most} to project the features on their principal components.",
            argument="num_components",
            expected=f"at most {most} with {num_classes} classes",
            got=num_features,
        )


def _memory_share(num_classes: int, num_features: int) -> float:
    """Return the share of memory for features and probabilities; two [C, C] parts of each row have the rest."""
    numbers = num_classes + num_features
    return numbers / (numbers + 2 * num_classes**2)


def _prepare(average: Callable[[Chunk], Tensor], axes: Tensor | None, chunk: Chunk) -> tuple[Features, Tensor]:
    (features,) = _double_features(chunk)
    return features if axes is None else features @ axes, average(chunk).cpu().double()


def _double_features(chunk: Chunk) -> tuple[Features]:
    return (read_features(chunk).cpu().double(),)


def _principal_axes(context: Context, count: int) -> Tensor:
    """Return the directions along which features are largest, about the origin, as the last layer is linear.

    -> [D, count]
    """
    (gram,) = PreparedRows(context.candidates, _double_features, hold_bytes=0).sum(_gram)
    axes: Tensor = torch.linalg.eigh(gram).eigenvectors  # [D, D], the largest last
    return axes[:, -count:]


def _gram(features: Features) -> tuple[Tensor]:
    return (features.T @ features,)


def _sum_information(prepared: PreparedRows, labelled: Tensor, num_rows: int) -> tuple[Tensor, Tensor, float]:
    """Return F, the information of the labelled rows, and R² of the fit that predicts their probabilities.

    The fit is least squares on logits.  [L, D] -> [C·D, C·D], [C·D, C·D], R²
    """
    feature_sum, logit_sum, features_squared, logits_squared = prepared.sum(_first_moments)
    mean, level = feature_sum / num_rows, logit_sum / num_rows
    inner, outer, spread, blocks = prepared.sum(partial(_second_moments, mean=mean, level=level))
    noise = _NOISE * float(features_squared)  # a direction in which features do not differ carries no information
    weights = torch.linalg.pinv(inner, atol=noise, hermitian=True) @ outer  # [D, C]
    residual = spread - 2 * (weights * outer).sum() + (weights * (inner @ weights)).sum()
    fit = 1.0 if spread <= _TIED * logits_squared else float(1 - residual / spread)
    probs = ((labelled - mean) @ weights + level).softmax(1)
    labelled_information = total_information(labelled, probs)
    fisher = (information_matrix(blocks, len(level)) + labelled_information) / (num_rows + len(labelled))
    return fisher, labelled_information, fit


def _first_moments(features: Features, probs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    logits = _logits(probs)
    return features.sum(0), logits.sum(0), features.square().sum(), logits.square().sum()


def _second_moments(
    features: Features, probs: Tensor, *, mean: Tensor, level: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    inputs, outputs = features - mean, _logits(probs) - level
    return inputs.T @ inputs, inputs.T @ outputs, outputs.square().sum(), information_blocks(features, probs)


def _logits(probs: Tensor) -> Tensor:
    logits = probs.clamp_min(_FLOOR).log()
    return logits - logits.mean(1, keepdim=True)  # [n, C]


class _UncachedObjective:
    """The objective over candidates that are not cached: a pass computes the reductions of all anew."""

    def __init__(self, objective: partial[TraceObjective], prepared: PreparedRows) -> None:
        self._prepared, self._weight = prepared, objective.keywords["weight"]
        self._state = objective(*(part[:0] for part in prepared.first))

    @property
    def inverse(self) -> Tensor:
        return self._state.inverse

    def reductions(self, sign: int) -> Scores:
        inverse, gradient = self._state.matrices
        entry = partial(trace_reductions, weight=sign * self._weight, inverse=inverse, gradient=gradient)
        return self._prepared.scan(entry)

    def update(self, position: int, sign: int) -> None:
        features, probs = self._prepared.take_one(position)
        self._state.update_with(features[0], probs[0], sign)


def _add_and_prune(objective: partial[TraceObjective], prepared: PreparedRows, ties: Tensor, batch_size: int) -> Tensor:
    """Add twice as many rows as are selected greedily, and remove half of them greedily.  -> [B] positions"""
    cache = prepared.cache
    whole = _UncachedObjective(objective, prepared) if cache is None else objective(*cache)
    added, _ = _add_greedily(whole, ties, min(2 * batch_size, len(ties)))
    kept = torch.tensor(added)
    state = objective(*prepared.take(kept), inverse=whole.inverse)
    removed: list[int] = []
    while len(kept) - len(removed) > batch_size:
        changes = state.reductions(-1)
        changes[removed] = -torch.inf
        removed.append(best_position(changes, ties[kept], tied=_TIED * float(changes.max().abs())))
        state.update(removed[-1], -1)
    return kept[[position for position in range(len(kept)) if position not in removed]]


def _add_greedily(
    state: TraceObjective | _UncachedObjective, ties: Tensor, count: int
) -> tuple[list[int], list[float]]:
    picks: list[int] = []
    reductions: list[float] = []
    while len(picks) < count:
        changes = state.reductions(1)
        changes[picks] = -torch.inf
        picks.append(best_position(changes, ties, tied=_TIED * float(changes.max().abs())))
        reductions.append(float(changes[picks[-1]]))
        state.update(picks[-1], 1)
    return picks, reductions
