"""The border of every acquisition: predictions and requests are checked here, once, and never repaired."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.contracts import Candidates, Categorical, Chunk, Context, ValidatesValues
from lindley.errors import Argument, InputError
from lindley.information.layouts import SUM_TOLERANCE
from lindley.shapes import Features, LogProbs, Rows


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


def needed_targets(context: Context) -> Candidates:
    """Return the targets of the context.

    Raises:
        InputError: If there are none, or they are under other draws than the candidates.
    """
    targets, candidates = context.targets, context.candidates
    if targets is not None and len(targets.rows) == 0:
        raise InputError("the targets hold no rows; this acquisition needs one at least")
    if targets is None:
        raise InputError(
            "this acquisition needs targets: predictions [T, K, C], under the same draws, of inputs like those that "
            "the model will be used on; pass ",
            Argument("targets"),
        )
    if targets.draws_id != candidates.draws_id or targets.num_draws != candidates.num_draws:
        raise InputError(
            "targets must be predicted by the same draws as the candidates; got "
            f"{targets.num_draws} draws {targets.draws_id!r} for candidates under {candidates.num_draws} draws "
            f"{candidates.draws_id!r}. Predict both with one Draws object."
        )
    return targets


def checks_its_values(candidates: Candidates) -> bool:
    """Whether these candidates check their own values as they are read, so that nobody has to check them again."""
    return isinstance(candidates, ValidatesValues) and candidates.values_checked


def log_probs_of(chunk: Chunk) -> LogProbs:
    """Return the log-probabilities of a chunk.  [n, K, C]

    Raises:
        InputError: If nothing is predicted of its rows, or something else than classes.
    """
    if chunk.predictive is None:
        raise InputError("this acquisition reads predictions [N, K, C], and none are given")
    if not isinstance(chunk.predictive, Categorical):
        raise InputError(f"this acquisition reads predictions of classes; got {type(chunk.predictive).__name__}")
    return chunk.predictive.log_probs


def features_of(chunk: Chunk) -> Features:
    """Return the features of a chunk, checked.  [n, D]

    Raises:
        InputError: If there are none, one is not finite, or they are not one vector for each row.
    """
    if chunk.features is None:
        raise InputError(
            "this acquisition needs features: one vector per candidate, [N, D]; pass ", Argument("features")
        )
    return check_features("features", chunk.features, chunk.rows)


def check_features(name: str, features: Tensor, rows: Rows) -> Tensor:
    """Return the features of these rows.

    Args:
        name: What the caller calls them, for messages.
        features: [n, D], floating point and finite.
        rows: [n].

    Raises:
        InputError: If they are anything else.
    """
    if features.dim() != 2 or len(features) != len(rows) or features.shape[1] < 1:
        raise InputError(f"{name} must be [{len(rows)}, D], one vector per row; got {[*features.shape]}")
    if not features.is_floating_point():
        raise InputError(f"{name} must be floating point; got {features.dtype}")
    bad = ~features.isfinite().all(1)
    if bad.any():
        raise InputError(f"{name} must be finite; they are not in rows {_some(rows[bad.cpu()])}")
    return features


def checked_log_probs(chunk: Chunk, num_classes: int | None = None, *, only_shape: bool = False) -> LogProbs:
    """Return the log-probabilities of a chunk, checked.  [n, K, C]

    Args:
        chunk: Some rows with their predictions.
        num_classes: The task's number of classes; None: any.
        only_shape: Whether the values are known to be good.

    Raises:
        InputError: Naming rows by their ids, if the shape is not [n, K, C] or has another number of classes, or for
            NaN, +inf, and probabilities that do not sum to one.
    """
    log_probs = log_probs_of(chunk)
    if only_shape:
        _check_shape(log_probs, chunk.rows, num_classes)  # values are the dearer half
    else:
        check_log_probs(log_probs, chunk.rows, num_classes)
    return log_probs


def checked_chunks(candidates: Candidates, num_classes: int | None = None) -> Iterator[LogProbs]:
    """Yield the log-probabilities of candidates in this process, chunk by chunk, each checked.  [n, K, C]"""
    only_shape = checks_its_values(candidates)
    for chunk in candidates.scan(_itself):
        yield checked_log_probs(chunk, num_classes, only_shape=only_shape)


def _itself(chunk: Chunk) -> Chunk:
    return chunk


def check_log_probs(log_probs: Tensor, rows: Rows, num_classes: int | None = None) -> None:
    """Refuse what is not [n, K, C] log-probabilities of these rows; see checked_log_probs."""
    _check_shape(log_probs, rows, num_classes)
    wide = torch.promote_types(log_probs.dtype, torch.float32)
    error = (log_probs.to(wide).exp().sum(2) - 1).abs().amax(1)  # [n]; NaN and +inf stay what they are
    bad = ~(error <= SUM_TOLERANCE[log_probs.dtype])
    if bad.any():
        raise InputError(_complaint(log_probs[bad], rows[bad.cpu()], float(error[bad].amax())))


def _check_shape(log_probs: Tensor, rows: Rows, num_classes: int | None) -> None:
    shape = [*log_probs.shape]
    if len(shape) != 3:
        hint = " One draw is [N, 1, C]: log_probs[:, None]." if len(shape) == 2 else ""
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
