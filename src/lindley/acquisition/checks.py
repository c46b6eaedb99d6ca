"""The border of every acquisition: predictions and requests are checked here, once, and never repaired."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.contracts import Context, Predictions, SelfChecking
from lindley.errors import InputError
from lindley.information.layouts import SUM_TOLERANCE
from lindley.shapes import Features, LabelledFeatures, LogProbs, Rows


def whole_number(name: str, value: object) -> int:
    """The value as an int; InputError for anything that is no whole number, NumPy's included."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"{name} must be a whole number; got {value!r}") from None


def check_request(context: Context, batch_size: int) -> None:
    """Refuse a batch that is not one or more, or larger than the candidates, and candidates that come twice."""
    rows = context.candidates.rows
    if not len(rows):
        raise InputError("there is nothing to choose from: the candidates hold no rows")
    if whole_number("batch_size", batch_size) < 1:
        raise InputError(f"batch_size must be a whole number of at least 1; got {batch_size!r}")
    if batch_size > len(rows):
        raise InputError(
            f"batch_size must be at most the number of candidates; got {batch_size} of {len(rows)} candidates. "
            "Ask for fewer rows or offer more candidates."
        )
    if rows.unique().numel() != len(rows):
        values, counts = rows.unique(return_counts=True)
        raise InputError(f"each candidate may be offered once; these rows come twice: {_some(values[counts > 1])}")


def needed_targets(context: Context) -> Predictions:
    """The targets of the context. Refuses none, and targets under other draws than the candidates'."""
    targets = context.targets
    if targets is not None and len(targets.rows) == 0:
        raise InputError("the targets hold no rows; this acquisition needs one at least")
    if targets is None:
        raise InputError(
            "this acquisition needs targets: predictions [T, K, C], under the same draws, of inputs like those that "
            "the model will be used on; pass targets=..."
        )
    if targets.draws_id != context.candidates.draws_id or targets.shape[1:] != context.candidates.shape[1:]:
        raise InputError(
            "targets must be predicted by the same draws as the candidates; got "
            f"{targets.draws_id!r} {[*targets.shape]} for candidates of {context.candidates.draws_id!r} "
            f"{[*context.candidates.shape]}. Predict both with one Draws object."
        )
    return targets


def needed_features(context: Context) -> Features:
    """The candidates' features, [N, D]. Refuses none, another number of rows, and what is not finite."""
    if context.features is None:
        raise InputError("this acquisition needs features: one vector per candidate, [N, D]; pass features=...")
    return _checked_features("features", context.features, context.candidates.rows)


def needed_labelled_features(context: Context) -> LabelledFeatures:
    """The features of the labelled rows, [L, D], in their order; [0, D] where nothing is labelled."""
    features = needed_features(context)
    if context.labelled_features is None:
        if len(context.labelled) == 0:
            return features[:0]
        raise InputError(
            f"this acquisition needs the features of the {len(context.labelled)} labelled rows, [L, D]; "
            "pass labelled_features=..."
        )
    labelled = _checked_features("labelled_features", context.labelled_features, context.labelled.rows)
    if labelled.shape[1] != features.shape[1]:
        raise InputError(
            f"features and labelled_features must have equally many columns; got {features.shape[1]} and "
            f"{labelled.shape[1]}"
        )
    return labelled


def _checked_features(name: str, features: Tensor, rows: Rows) -> Tensor:
    if features.dim() != 2 or len(features) != len(rows) or features.shape[1] < 1:
        raise InputError(f"{name} must be [{len(rows)}, D], one vector per row; got {[*features.shape]}")
    if not features.is_floating_point():
        raise InputError(f"{name} must be floating point; got {features.dtype}")
    bad = ~features.isfinite().all(1)
    if bad.any():
        raise InputError(f"{name} must be finite; they are not in rows {_some(rows[bad.cpu()])}")
    return features


def checks_its_values(predictions: Predictions) -> bool:
    """Whether these predictions check their own values as they are read, so that nobody has to check them again."""
    return isinstance(predictions, SelfChecking) and predictions.values_checked


def checked_chunks(predictions: Predictions, num_classes: int | None = None) -> Iterator[LogProbs]:
    """The chunks of the predictions, each checked before it is handed on.  [n, K, C] in row order.

    Raises InputError, naming rows by their ids: a shape that is not [n, K, C], another number of classes than the
    task's, NaN, +inf, or probabilities that do not sum to one.
    """
    start, only_shapes = 0, checks_its_values(predictions)  # values are the dearer half
    for chunk in predictions.chunks():
        rows = predictions.rows[start : start + len(chunk)]
        if only_shapes:
            _check_shape(chunk, rows, num_classes)
        else:
            check_log_probs(chunk, rows, num_classes)
        start += len(chunk)
        yield chunk
    if start != len(predictions.rows):
        raise InputError(f"predictions must cover their {len(predictions.rows)} rows; their chunks hold {start}")


def check_log_probs(log_probs: Tensor, rows: Rows, num_classes: int | None = None) -> None:
    """Refuse what is not [n, K, C] log-probabilities of these rows; see checked_chunks."""
    _check_shape(log_probs, rows, num_classes)
    wide = torch.promote_types(log_probs.dtype, torch.float32)
    error = (log_probs.to(wide).exp().sum(2) - 1).abs().amax(1)  # [n]; NaN and +inf stay what they are
    bad = ~(error <= SUM_TOLERANCE[log_probs.dtype])
    if bad.any():
        raise InputError(_complaint(log_probs[bad], rows[bad.cpu()], float(error[bad].amax())))


def _check_shape(log_probs: Tensor, rows: Rows, num_classes: int | None) -> None:
    shape = [*log_probs.shape]
    if len(shape) != 3:
        hint = " For one draw use log_probs[:, None]." if len(shape) == 2 else ""
        raise InputError(f"log_probs must be [N, K, C]; got {shape}.{hint}")
    if log_probs.dtype not in SUM_TOLERANCE:
        raise InputError(f"log_probs must be floating point; got {log_probs.dtype}")
    if shape[0] != len(rows):
        raise InputError(f"log_probs must have one entry per row; got {shape[0]} for {len(rows)} rows")
    if shape[1] < 1 or shape[2] < 2:
        raise InputError(f"log_probs must be [N, K, C] with K >= 1 draws and C >= 2 classes; got {shape}")
    if num_classes is not None and shape[2] != num_classes:
        raise InputError(f"log_probs must have the task's {num_classes} classes on the last axis; got {shape}")


def _complaint(log_probs: Tensor, rows: Tensor, error: float) -> str:
    isnan, isinf = log_probs.isnan().flatten(1).any(1).cpu(), (log_probs == torch.inf).flatten(1).any(1).cpu()
    if isnan.any():
        return f"log_probs must not be NaN; it is in rows {_some(rows[isnan])}. Find the model or input that made it."
    if isinf.any():
        return (
            f"log_probs must be below +inf; it is in rows {_some(rows[isinf])}. They are logarithms of probabilities."
        )
    return (
        f"probabilities must sum to one over the classes; they are off by up to {error:.3g} in rows {_some(rows)}. "
        "log_probs are normalised natural logarithms: apply log_softmax to logits, log to probabilities."
    )


def _some(rows: Tensor) -> str:
    """At most ten ids, and how many more there are."""
    more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
    return f"{rows[:10].tolist()}{more}"
