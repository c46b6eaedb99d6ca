"""Fashion-MNIST: articles of clothing, laid out as MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747)."""

from __future__ import annotations

from lindley.datasets.catalogue import DATASETS
from lindley.datasets.dataset import Dataset
from lindley.datasets.image_files import FASHION_MNIST
from lindley.datasets.images import Reader, load_images


def fashion_mnist(*, read: Reader) -> Dataset:
    """Return 60,000 images of pool and 10,000 of test, [N, 1, 28, 28] in [0, 1]."""
    return load_images("fashion-mnist", DATASETS["fashion-mnist"].task, FASHION_MNIST, read)
