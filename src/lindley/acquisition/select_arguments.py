"""The arrays of `select` as candidates, targets, features and rows: converted once, and checked."""

from __future__ import annotations

import torch

from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.array_sources import array_source
from lindley.acquisition.axis_order import warn_if_axes_swapped
from lindley.acquisition.checks import chunk_log_probs
from lindley.acquisition.specs import PREDICTION_FREE
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers, name_rows, rows_at
from lindley.contracts import Candidates, Score
from lindley.errors import InputError, format_rows
from lindley.information.layouts import Layout, suggest_axes
from lindley.shapes import Features, LabelledRows, Rows


def to_candidates(
    values: ArrayLike | Candidates,
    name: str,
    inputs: str,
    axes: str | None,
    *,
    rows: ArrayLike | None = None,
    draws_id: str = "given",
    warn: bool = False,
) -> Candidates:
    """Return candidates as they are, and an array as candidates.

    Args:
        values: The predictions.
        name: The name of the argument, for messages.
        inputs: The kind of numbers in an array: "log_probs", "probs" or "logits".
        axes: The order of its axes; None: "NKC".
        rows: [N]; None: 0..N-1.
        draws_id: The id of the draws that the predictions are of.
        warn: Whether to warn where the array looks like [K, N, C] and axes are not given.

    Raises:
        InputError: If they cannot be used.
    """
    if isinstance(values, Candidates):
        if inputs != "log_probs" or axes not in ("NKC", None) or rows is not None:
            text = "are Candidates, [N, K, C] log_probs with rows of their own: leave out inputs, axes and rows."
            raise InputError(f"{name} {text}", argument=name)
        return values
    layout = Layout(inputs, axes or "NKC")
    numbers = _to_rows(rows)
    with name_rows(numbers):
        source = array_source(values, name, axis=layout.order[0])
    candidates = ArrayCandidates(source, inputs=inputs, axes=layout.axes, rows=numbers, draws_id=draws_id, name=name)
    if warn and axes is None:
        warn_if_axes_swapped(source, inputs, name)
    return candidates


def prediction_free_candidates(
    acquisition: str | Score, features: ArrayLike | None, rows: ArrayLike | None
) -> TensorCandidates:
    """Return candidates without predictions, for an acquisition that reads none.

    Args:
        acquisition: Its name, or a score.
        features: [N, D]; None where rows are given.
        rows: [N]; None: 0..N-1.

    Raises:
        InputError: If the acquisition reads predictions, or neither features nor rows are given.
    """
    if acquisition not in PREDICTION_FREE:
        raise InputError(
            f"{acquisition if isinstance(acquisition, str) else 'a score'} reads predictions [N, K, C], and log_probs "
            f"is None; without any there are {', '.join(PREDICTION_FREE)}",
            argument="log_probs",
            got=None,
        )
    numbers = _to_rows(rows)
    if numbers is not None:
        return TensorCandidates(None, numbers)
    if features is None:
        text = "without predictions, pass features [N, D] or rows [N] of the candidates."
        raise InputError(text, argument="features", got=None)
    return TensorCandidates(None, torch.arange(len(to_features("features", features))))


def count_classes(candidates: Candidates) -> int:
    """Return C, read off the first row where it is not known; 2 where nothing is predicted."""
    if isinstance(candidates, ArrayCandidates):
        return candidates.shape[2]
    if candidates.num_draws == 0 or not len(candidates.rows):
        return 2
    return chunk_log_probs(candidates.take(candidates.rows[:1])).shape[-1]


def to_targets(
    targets: ArrayLike | Candidates, inputs: str, axes: str | None, candidates: Candidates, num_classes: int
) -> Candidates:
    """Return the targets; an array is taken to be under the candidates' draws.

    Args:
        targets: The predictions.
        inputs: The kind of numbers in an array: "log_probs", "probs" or "logits".
        axes: The order of its axes; None: "NKC".
        candidates: Those of the same call.
        num_classes: Their number of classes, C.

    Raises:
        InputError: If they are of other draws or other classes than the candidates.
    """
    converted = to_candidates(targets, "targets", inputs, axes, draws_id=candidates.draws_id)
    if isinstance(converted, ArrayCandidates) and converted.shape[1:] != (candidates.num_draws, num_classes):
        raise InputError(
            *suggest_axes(len(converted.rows) == len(candidates.rows)),
            argument="targets",
            expected=f"[T, {candidates.num_draws}, {num_classes}], under the candidates' draws and for their classes",
            got=[*converted.shape],
        )
    return converted


def to_features(
    name: str, values: ArrayLike, candidates: Candidates | None = None, *, rows: Rows | None = None
) -> Features:
    """Return features as a tensor in single precision or better.

    Args:
        name: The name of the argument, for messages.
        values: [N, D] for N candidates, [L, D] for labelled rows.
        candidates: The candidates, where the features are theirs.
        rows: Their rows in the pool, which errors carry; None: the candidates', or the positions.

    Raises:
        InputError: If the shape is another, or numbers are not finite, or so large that distances are not.
    """
    rows = candidates.rows if candidates is not None else rows
    with name_rows(rows):
        features = as_tensor(values, name, floats=True)
    shape, count = [*features.shape], None if candidates is None else len(candidates.rows)
    if len(shape) != 2 or shape[0] != (shape[0] if count is None else count) or shape[1] < 1:
        length = count if count is not None else "N" if name == "features" else "L"
        advice = suggest_axes(candidates is not None and shape[:1] == [candidates.num_draws])
        raise InputError(*advice, argument=name, expected=f"[{length}, D]", got=shape)
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    far = (~(4 * features.square().sum(1)).isfinite()).nonzero()[:, 0].tolist()  # also where they are not finite
    bad = [place for place in far if not features[place].isfinite().all()]
    if bad:
        raise InputError(
            f"{name} must be finite; they are not at the positions {format_rows(bad)}",
            argument=name,
            rows=rows_at(bad, rows),
        )
    if far:
        raise InputError(
            f"{name} at the positions {format_rows(far)} are so large that squared distances are infinite in "
            f"{str(features.dtype).removeprefix('torch.')}; divide all of them by one number",
            argument=name,
            rows=rows_at(far, rows),
        )
    return features


def to_labelled_rows(
    labelled: ArrayLike | None, features: Features | None, candidates: Rows, *, has_rows: bool
) -> LabelledRows:
    """Return the rows that are labelled; where only their features are known they are numbered on from the candidates'.

    Args:
        labelled: [L], or None.
        features: [L, D] of the labelled rows, or None.
        candidates: [N] rows.
        has_rows: Whether the candidates have rows of their own, so that none of them may be labelled.

    Raises:
        InputError: If a row comes twice or is a candidate, or there are not as many features.
    """
    if labelled is None:
        count = 0 if features is None else len(features)
        start = int(candidates.max()) + 1 if len(candidates) else 0
        return torch.arange(start, start + count)
    rows = as_whole_numbers(labelled, "labelled").cpu()
    if rows.dim() != 1 or rows.unique().numel() != rows.numel():
        raise InputError(argument="labelled", expected="rows [L], each once", got=[*rows.shape])
    if features is not None and len(features) != len(rows):
        expected = f"[{len(rows)}, D], one for each of the labelled rows"
        raise InputError(argument="labelled_features", expected=expected, got=[*features.shape])
    if has_rows and len(again := candidates[torch.isin(candidates, rows)]):
        raise InputError(
            f"these candidates are labelled already: rows {format_rows(again.tolist())}. "
            "Leave them out of the candidates.",
            argument="labelled",
            rows=again.tolist(),
        )
    return rows


def _to_rows(rows: ArrayLike | None) -> Rows | None:
    if rows is None:
        return None
    advice = "Give whole numbers, and look names up afterwards: [names[row] for row in selection.rows]."
    whole = as_whole_numbers(rows, "rows", advice=advice).cpu()
    if whole.dim() != 1:
        raise InputError(argument="rows", expected="whole numbers [N]", got=[*whole.shape])
    return whole
