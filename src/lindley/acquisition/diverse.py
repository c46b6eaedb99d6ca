"""What the diverse methods read of a Context, in the order of rows: float sums do not depend on the order offered."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.acquisition.checks import checked_chunks, needed_features, needed_labelled_features
from lindley.contracts import Context
from lindley.errors import InputError
from lindley.information import mean_log_probs
from lindley.shapes import Features, LabelledFeatures, Rows


def features_by_row(context: Context) -> tuple[Rows, Features]:
    """The candidates' rows, ascending, and their features in that order, at least float32.  [N], [N, D]"""
    return context.candidates.rows.sort().values, _in_order(needed_features(context), context.candidates.rows)


def labelled_by_row(context: Context) -> LabelledFeatures:
    """The labelled rows' features, by ascending row, as the candidates'.  [L, D]; [0, D] where nothing is labelled"""
    labelled, features = needed_labelled_features(context), needed_features(context)
    return _in_order(labelled, context.labelled.rows[: len(labelled)]).to(_wide(features[:0]))


def average_by_row(context: Context) -> Tensor:
    """Probabilities averaged over the draws, by ascending row, at least float32; checked on the way.  [N, C]"""
    chunks = checked_chunks(context.candidates, context.task.num_classes)
    return _in_order(torch.cat([mean_log_probs(chunk).exp() for chunk in chunks]), context.candidates.rows)


def directions_by_row(context: Context, *, normalise: bool) -> tuple[Features, LabelledFeatures]:
    """Candidates' and labelled features by ascending row, each vector divided by its length.  [N, D], [L, D]

    With normalise=False as they are. Raises InputError for vectors of zeros, which have no direction.
    """
    rows, features = features_by_row(context)
    labelled = labelled_by_row(context)
    if not normalise:
        return features, labelled
    return _unit_length(features, rows), _unit_length(labelled, context.labelled.rows.sort().values)


def first(scores: Tensor, ties: Tensor, *, tied: float = 0.0) -> int:
    """The position of the largest score; of those within `tied` of it the one with the largest tie.  [N], [N]"""
    best = (scores >= scores.max() - tied).nonzero()[:, 0]
    return int(best[ties.to(best.device)[best].argmax()])


def _in_order(values: Tensor, rows: Rows) -> Tensor:
    return _wide(values)[rows.argsort().to(values.device)]


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _unit_length(features: Tensor, rows: Rows) -> Tensor:
    lengths = torch.linalg.vector_norm(features, dim=1, keepdim=True)  # [N, 1]
    if (lengths == 0).any():
        zero = rows[(lengths[:, 0] == 0).cpu()]
        raise InputError(
            f"features are divided by their length, and those of rows {zero.tolist()[:10]} are all zero. "
            "Find what made them, or pass normalise=False."
        )
    directions: Tensor = features / lengths
    return directions
