"""What the diverse methods read of a Context, in the order of rows: float sums do not depend on the order offered."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.acquisition.checks import validate_features
from lindley.acquisition.scan import identity, scan_features, scan_predictions
from lindley.contracts import Context
from lindley.errors import Argument, InputError
from lindley.information import mean_log_probs
from lindley.shapes import Features, LabelledFeatures, LogProbs, Rows


def features_by_row(context: Context) -> tuple[Rows, Features]:
    """The candidates' rows, ascending, and their features in that order, at least float32.  [N], [N, D]"""
    rows = context.candidates.rows
    return rows.sort().values, _in_order(scan_features(context.candidates, identity), rows)


def labelled_by_row(context: Context, features: Features) -> LabelledFeatures:
    """Return the labelled rows' features by ascending row, in the precision of the candidates' features.  -> [L, D]"""
    if context.labelled_features is None and len(context.labelled) == 0:
        return features[:0]
    labelled = labelled_features_as_given(context, features.shape[1])
    return _in_order(labelled, context.labelled[: len(labelled)]).to(features)


def labelled_features_as_given(context: Context, num_features: int) -> LabelledFeatures:
    """Return the features of the labelled rows, checked, in the order of the rows.  [L, D]

    Raises:
        InputError: If there are none, or they have another number of columns than the candidates' features.
    """
    if context.labelled_features is None:
        raise InputError(
            f"this acquisition needs the features of the {len(context.labelled)} labelled rows, [L, D]; pass ",
            Argument("labelled_features"),
        )
    labelled = validate_features("labelled_features", context.labelled_features, context.labelled)
    if labelled.shape[1] != num_features:
        raise InputError(
            f"features and labelled_features must have equally many columns; got {num_features} and {labelled.shape[1]}"
        )
    return labelled


def average_by_row(context: Context) -> Tensor:
    """Probabilities averaged over the draws, by ascending row, at least float32; checked on the way.  [N, C]"""
    return _in_order(scan_predictions(context, _mean_probs), context.candidates.rows)


def directions_by_row(context: Context, *, normalise: bool) -> tuple[Features, LabelledFeatures]:
    """Candidates' and labelled features by ascending row, each vector divided by its length.  [N, D], [L, D]

    With normalise=False as they are. Raises InputError for vectors of zeros, which have no direction.
    """
    rows, features = features_by_row(context)
    labelled = labelled_by_row(context, features)
    if not normalise:
        return features, labelled
    return _unit_length(features, rows), _unit_length(labelled, context.labelled.sort().values)


def first(scores: Tensor, ties: Tensor, *, tied: float = 0.0) -> int:
    """The position of the largest score; of those within `tied` of it the one with the largest tie.  [N], [N]"""
    best = (scores >= scores.max() - tied).nonzero()[:, 0]
    return int(best[ties.to(best.device)[best].argmax()])


def _mean_probs(log_probs: LogProbs) -> Tensor:
    return mean_log_probs(log_probs).exp()


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
