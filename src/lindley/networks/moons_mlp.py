"""A small network for two moons: 2-50-50-2 with dropout."""

from __future__ import annotations

from torch import nn


def moons_mlp(*, input_shape: tuple[int, ...] = (2,), num_classes: int = 2, dropout: float = 0.2) -> nn.Sequential:
    """Return dense 50, ReLU and dropout, twice, then dense C.  [n, D] -> [n, C] logits

    Args:
        input_shape: (D,), the shape of one input.
        num_classes: C.
        dropout: The dropout rate.
    """
    (num_features,) = input_shape
    return nn.Sequential(
        nn.Linear(num_features, 50),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(50, 50),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(50, num_classes),
    )
