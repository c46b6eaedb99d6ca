"""The network of Gal, Islam and Ghahramani 2017 (arXiv:1703.02910) for MNIST."""

from __future__ import annotations

from torch import nn


def gal_cnn(*, input_shape: tuple[int, ...] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Return two 4x4 convolutions of 32, max-pooling, dropout 0.25, dense 128, dropout 0.5, dense C.

    [n, channels, height, width] -> [n, C] logits. Both convolutions are followed by a ReLU, as in the paper.
    """
    channels, height, width = input_shape
    flat = 32 * ((height - 6) // 2) * ((width - 6) // 2)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 4),
        nn.ReLU(),
        nn.Conv2d(32, 32, 4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(flat, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, num_classes),
    )
