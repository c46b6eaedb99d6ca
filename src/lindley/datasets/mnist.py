"""MNIST: handwritten digits (LeCun, Cortes, Burges 1998)."""

from __future__ import annotations

from lindley.datasets.catalogue import DATASETS
from lindley.datasets.dataset import Dataset
from lindley.datasets.image_files import MNIST
from lindley.datasets.images import Reader, load_images


def mnist(*, read: Reader) -> Dataset:
    """Return 60,000 images of pool and 10,000 of test, [N, 1, 28, 28] in [0, 1]."""
    return load_images("mnist", DATASETS["mnist"].task, MNIST, read)
