"""The border of every acquisition: predictions and requests are checked here, once, and never repaired."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lindley.contracts import Context, Predictions
from lindley.errors import InputError
from lindley.shapes import LogProbs, Rows

_SUM_TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""How far Σ p may be from 1. float64 allows for what was computed in float32 first."""


def check_request(context: Context, batch_size: int) -> None:
    """Refuse a batch that is not one or more, or larger than the candidates, and candidates that come twice."""
    rows = context.candidates.rows
    if isinstance(batch_size, bool) or batch_size < 1:
        raise InputError(f"batch_size must be a whole number of at least 1; got {batch_size!r}")
    if batch_size > len(rows):
        raise InputError(
            f"batch_size must be at most the number of candidates; got {batch_size} of {len(rows)} candidates. "
            "Ask for fewer rows or offer more candidates."
        )
    if rows.unique().numel() != len(rows):
        values, counts = rows.unique(return_counts=True)
        raise InputError(f"each candidate may be offered once; these rows come twice: {_some(values[counts > 1])}")


def checked_chunks(predictions: Predictions, num_classes: int | None = None) -> Iterator[LogProbs]:
    """The chunks of the predictions, each checked before it is handed on.  [n, K, C] in row order.

    Raises InputError, naming rows by their ids: a shape that is not [n, K, C], another number of classes than the
    task's, NaN, +inf, or probabilities that do not sum to one.
    """
    start = 0
    for chunk in predictions.chunks():
        check_log_probs(chunk, predictions.rows[start : start + len(chunk)], num_classes)
        start += len(chunk)
        yield chunk
    if start != len(predictions.rows):
        raise InputError(f"predictions must cover their {len(predictions.rows)} rows; their chunks hold {start}")


def check_log_probs(log_probs: Tensor, rows: Rows, num_classes: int | None = None) -> None:
    """Refuse what is not [n, K, C] log-probabilities of these rows; see checked_chunks."""
    shape = [*log_probs.shape]
    if len(shape) != 3:
        hint = " For one draw use log_probs[:, None]." if len(shape) == 2 else ""
        raise InputError(f"log_probs must be [N, K, C]; got {shape}.{hint}")
    if log_probs.dtype not in _SUM_TOLERANCE:
        raise InputError(f"log_probs must be floating point; got {log_probs.dtype}")
    if shape[0] != len(rows):
        raise InputError(f"log_probs must have one entry per row; got {shape[0]} for {len(rows)} rows")
    if shape[1] < 1 or shape[2] < 2:
        raise InputError(f"log_probs must be [N, K, C] with K >= 1 draws and C >= 2 classes; got {shape}")
    if num_classes is not None and shape[2] != num_classes:
        raise InputError(f"log_probs must have the task's {num_classes} classes on the last axis; got {shape}")
    wide = torch.promote_types(log_probs.dtype, torch.float32)
    error = (log_probs.to(wide).exp().sum(2) - 1).abs().amax(1)  # [n]; NaN and +inf stay what they are
    bad = ~(error <= _SUM_TOLERANCE[log_probs.dtype])
    if bad.any():
        raise InputError(_complaint(log_probs[bad], rows[bad.cpu()], float(error[bad].amax())))


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
