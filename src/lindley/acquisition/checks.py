"""The border of every acquisition: predictions and requests are checked here, once, and never repaired."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.contracts import Candidates, Categorical, Chunk, Context, ValidatesValues
from lindley.errors import Argument, InputError, format_rows
from lindley.information.layouts import SUM_TOLERANCE
from lindley.shapes import Features, LogProbs, Rows
from lindley.value_checks import whole_number


def check_request(context: Context, batch_size: int) -> None:
    """Check that the batch fits into the candidates, and that each candidate is offered once.

    Raises:
        InputError: If batch_size is below 1 or above the number of candidates, or a row comes twice.
    """
    rows = context.candidates.rows
    if not len(rows):
        raise InputError("there are no candidates to choose from; offer at least one row.", argument="candidates")
    if whole_number("batch_size", batch_size) < 1:
        raise InputError(argument="batch_size", expected="a whole number of at least 1", got=batch_size)
    if batch_size > len(rows):
        raise InputError(
            "Lower it or offer more candidates.",
            argument="batch_size",
            expected=f"at most {len(rows)}, the number of candidates",
            got=batch_size,
        )
    if rows.unique().numel() != len(rows):
        values, counts = rows.unique(return_counts=True)
        twice = values[counts > 1].tolist()
        raise InputError(
            f"each candidate may be offered once; these rows come twice: {format_rows(twice)}.",
            argument="rows",
            rows=twice,
        )


def require_targets(context: Context) -> Candidates:
    """Return the targets of the context.

    Raises:
        InputError: If there are none, or they are under other draws than the candidates.
    """
    targets, candidates = context.targets, context.candidates
    if targets is None:
        raise InputError(
            "this acquisition requires targets: predictions [T, K, C], under the same draws, of inputs like those "
            "that the model will be used on; pass ",
            Argument("targets"),
            argument="targets",
            got=None,
        )
    if len(targets.rows) == 0:
        raise InputError("the targets hold no rows; this acquisition requires at least one.", argument="targets")
    if targets.draws_id != candidates.draws_id or targets.num_draws != candidates.num_draws:
        raise InputError(
            "targets must be predicted by the same draws as the candidates; got "
            f"{targets.num_draws} draws {targets.draws_id!r} for candidates under {candidates.num_draws} draws "
            f"{candidates.draws_id!r}. Predict both with one Draws object.",
            argument="targets",
            got=targets.draws_id,
        )
    return targets


def validates_values(candidates: Candidates) -> bool:
    """Whether these candidates check their own values as they are read, so that nobody has to check them again."""
    return isinstance(candidates, ValidatesValues) and candidates.values_checked


def chunk_log_probs(chunk: Chunk) -> LogProbs:
    """Return the log-probabilities of a chunk, unchecked.  [n, K, C]

    Raises:
        InputError: If nothing is predicted of its rows, or something else than classes.
    """
    if chunk.predictive is None:
        text = "this acquisition reads predictions [N, K, C], and none are given."
        raise InputError(text, argument="log_probs", got=None)
    if not isinstance(chunk.predictive, Categorical):
        kind = type(chunk.predictive).__name__
        raise InputError(f"this acquisition reads predictions of classes; got {kind}.", argument="log_probs", got=kind)
    return chunk.predictive.log_probs


def chunk_features(chunk: Chunk) -> Features:
    """Return the features of a chunk, checked.  [n, D]

    Raises:
        InputError: If there are none, one is not finite, or they are not one vector for each row.
    """
    if chunk.features is None:
        raise InputError(
            "this acquisition requires features: one vector per candidate, [N, D]; pass ",
            Argument("features"),
            argument="features",
            got=None,
        )
    return validate_features("features", chunk.features, chunk.rows)


def validate_features(name: str, features: Tensor, rows: Rows) -> Tensor:
    """Return the features of these rows.

    Args:
        name: The name of the argument, for messages.
        features: [n, D], floating point and finite.
        rows: [n].

    Raises:
        InputError: If they are anything else; `rows` names those that are not finite.
    """
    if features.dim() != 2 or len(features) != len(rows) or features.shape[1] < 1:
        expected = f"[{len(rows)}, D], one vector per row"
        raise InputError(argument=name, expected=expected, got=[*features.shape])
    if not features.is_floating_point():
        raise InputError(argument=name, expected="floating point", got=features.dtype)
    if math.isfinite(float(features.sum())):  # one pass is enough: a sum with inf or NaN is not finite
        return features
    bad = ~features.isfinite().all(1)
    if bad.any():
        raise InputError(argument=name, expected="finite; they are not", rows=rows[bad.cpu()].tolist())
    return features


def validate_log_probs(chunk: Chunk, num_classes: int | None = None, *, only_shape: bool = False) -> LogProbs:
    """Return the log-probabilities of a chunk, checked.  [n, K, C]

    Args:
        chunk: Some rows with their predictions.
        num_classes: The task's number of classes, C; None: any.
        only_shape: Whether the values are known to be good.

    Raises:
        InputError: As for check_log_probs.
    """
    log_probs = chunk_log_probs(chunk)
    if only_shape:
        _check_shape(log_probs, chunk.rows, num_classes)  # values are the dearer half
    else:
        check_log_probs(log_probs, chunk.rows, num_classes)
    return log_probs


def scan_log_probs(candidates: Candidates, num_classes: int | None = None) -> Iterator[LogProbs]:
    """Yield the log-probabilities of candidates in this process, chunk by chunk, each checked.  [n, K, C]"""
    only_shape = validates_values(candidates)
    for chunk in candidates.scan(_identity):
        yield validate_log_probs(chunk, num_classes, only_shape=only_shape)


def _identity(chunk: Chunk) -> Chunk:
    return chunk


def check_log_probs(log_probs: Tensor, rows: Rows, num_classes: int | None = None) -> None:
    """Check that these are log-probabilities of these rows.

    Args:
        log_probs: [n, K, C] nats.
        rows: [n].
        num_classes: The task's number of classes, C; None: any.

    Raises:
        InputError: If the shape is another, or for NaN, +inf, and probabilities that do not sum to one; `rows` names
            the rows at fault.
    """
    _check_shape(log_probs, rows, num_classes)
    wide = torch.promote_types(log_probs.dtype, torch.float32)
    error = (log_probs.to(wide).exp().sum(2) - 1).abs().amax(1)  # [n]; NaN and +inf stay what they are
    bad = ~(error <= SUM_TOLERANCE[log_probs.dtype])
    if bad.any():
        raise _values_error(log_probs[bad], rows[bad.cpu()], float(error[bad].amax()))


def _check_shape(log_probs: Tensor, rows: Rows, num_classes: int | None) -> None:
    shape = [*log_probs.shape]
    if len(shape) != 3:
        hint = ["One draw is [N, 1, C]: log_probs[:, None]."] if len(shape) == 2 else []
        raise InputError(*hint, argument="log_probs", expected="[N, K, C]", got=shape)
    if log_probs.dtype not in SUM_TOLERANCE:
        raise InputError(argument="log_probs", expected="floating point", got=log_probs.dtype)
    if shape[0] != len(rows):
        raise InputError(argument="log_probs", expected=f"[{len(rows)}, K, C], one entry per row", got=shape)
    if shape[1] < 1 or shape[2] < 2:
        raise InputError(argument="log_probs", expected="[N, K, C] with K >= 1 draws and C >= 2 classes", got=shape)
    if num_classes is not None and shape[2] != num_classes:
        expected = f"[N, K, {num_classes}], with the task's {num_classes} classes on the last axis"
        raise InputError(argument="log_probs", expected=expected, got=shape)


def _values_error(log_probs: Tensor, rows: Tensor, error: float) -> InputError:
    isnan, isinf = log_probs.isnan().flatten(1).any(1).cpu(), (log_probs == torch.inf).flatten(1).any(1).cpu()
    if isnan.any():
        advice, expected, rows = "Find the model or input that made NaN.", "numbers; they are NaN", rows[isnan]
    elif isinf.any():
        advice, expected, rows = "They are logarithms of probabilities.", "below +inf; they are +inf", rows[isinf]
    else:
        advice = "Apply log_softmax to logits, log to probabilities."
        expected = f"logarithms of probabilities that sum to one over the classes; they are off by up to {error:.3g}"
    return InputError(advice, argument="log_probs", expected=expected, rows=rows.tolist())
