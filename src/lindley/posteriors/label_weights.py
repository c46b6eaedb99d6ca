"""The weight of each label in a fit: that of the label, times that of its class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lindley.contracts import TrainingData
from lindley.errors import InputError


def label_weights(data: TrainingData, class_weights: Sequence[float] | None) -> Tensor:
    """Return the weight of each label's loss: its sample_weight times that of its class, the latter 1 on average.

    A label with sample_weight 2 counts as two labels do.  -> [L] float64
    """
    labels, num_classes = data.labels, data.num_classes
    given = None if labels.sample_weight is None else labels.sample_weight.cpu().double()
    if class_weights is None:
        return torch.ones(len(labels), dtype=torch.float64) if given is None else given
    weights = torch.tensor(class_weights, dtype=torch.float64)
    if len(weights) != num_classes or not bool(((weights > 0) & weights.isfinite()).all()):
        expected = f"{num_classes} positive numbers, one per class"
        raise InputError(argument="class_weights", expected=expected, got=[*class_weights])
    each = weights[labels.values.cpu()]
    return each / each.mean() if given is None else given * each * (given.sum() / (given @ each))
