"""A small network for vectors such as scikit-learn's 8x8 digits: D-128-128-C with dropout."""

from __future__ import annotations

from torch import nn


def digits_mlp(
    *, input_shape: tuple[int, ...] = (64,), num_classes: int = 10, width: int = 128, dropout: float = 0.3
) -> nn.Sequential:
    """Return a dense layer, ReLU and dropout, twice, then dense C.  [n, D] -> [n, C] logits

    Args:
        input_shape: (D,), the shape of one input.
        num_classes: C.
        width: Number of units of both hidden layers.
        dropout: The dropout rate.
    """
    (num_features,) = input_shape
    return nn.Sequential(
        nn.Linear(num_features, width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width, num_classes),
    )
