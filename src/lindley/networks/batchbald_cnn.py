"""The network of Kirsch, van Amersfoort and Gal 2019 (BatchBALD, arXiv:1906.08158) for MNIST."""

from __future__ import annotations

from torch import nn


def batchbald_cnn(*, input_shape: tuple[int, ...] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Return two 5x5 convolutions (32, 64) with channel dropout, dense 128 with dropout, dense C; dropout is 0.5.

    [n, channels, height, width] -> [n, C] logits.
    """
    channels, height, width = input_shape
    flat = 64 * (((height - 4) // 2 - 4) // 2) * (((width - 4) // 2 - 4) // 2)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 5),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(flat, 128),
        nn.Dropout(0.5),
        nn.ReLU(),
        nn.Linear(128, num_classes),
    )
