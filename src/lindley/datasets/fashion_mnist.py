"""Fashion-MNIST: articles of clothing, laid out as MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747)."""

from __future__ import annotations

from lindley.contracts import Classification
from lindley.datasets.dataset import Dataset
from lindley.datasets.files import DataFile
from lindley.datasets.images import ImageFiles, Reader, load_images

TASK = Classification(
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
)
_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
FILES = ImageFiles(
    train_images=DataFile(
        "fashion_mnist/train-images-idx3-ubyte.gz",
        sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        num_bytes=47_040_016,
        mirrors=_MIRRORS,
    ),
    train_labels=DataFile(
        "fashion_mnist/train-labels-idx1-ubyte.gz",
        sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        num_bytes=60_008,
        mirrors=_MIRRORS,
    ),
    test_images=DataFile(
        "fashion_mnist/t10k-images-idx3-ubyte.gz",
        sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        num_bytes=7_840_016,
        mirrors=_MIRRORS,
    ),
    test_labels=DataFile(
        "fashion_mnist/t10k-labels-idx1-ubyte.gz",
        sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        num_bytes=10_008,
        mirrors=_MIRRORS,
    ),
)


def fashion_mnist(*, read: Reader) -> Dataset:
    """60,000 images of pool and 10,000 of test, [N, 1, 28, 28] in [0, 1]."""
    return load_images("fashion-mnist", TASK, FILES, read)
