"""The files of the data sets in the format of MNIST: mirrors, lengths and hashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lindley.datasets.data_file import DataFile


@dataclass(frozen=True)
class ImageFiles:
    """The four files of one data set."""

    train_images: DataFile
    train_labels: DataFile
    test_images: DataFile
    test_labels: DataFile

    def __iter__(self) -> Iterator[DataFile]:
        return iter((self.train_images, self.train_labels, self.test_images, self.test_labels))

    @property
    def hashes(self) -> dict[str, str]:
        """Return the sha256 of each file's decompressed bytes, by its path."""
        return {file.path: file.sha256 for file in self}


_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST = ImageFiles(
    train_images=DataFile(
        "mnist/train-images-idx3-ubyte.gz",
        sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        num_bytes=47_040_016,
        mirrors=_MNIST_MIRRORS,
    ),
    train_labels=DataFile(
        "mnist/train-labels-idx1-ubyte.gz",
        sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        num_bytes=60_008,
        mirrors=_MNIST_MIRRORS,
    ),
    test_images=DataFile(
        "mnist/t10k-images-idx3-ubyte.gz",
        sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        num_bytes=7_840_016,
        mirrors=_MNIST_MIRRORS,
    ),
    test_labels=DataFile(
        "mnist/t10k-labels-idx1-ubyte.gz",
        sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        num_bytes=10_008,
        mirrors=_MNIST_MIRRORS,
    ),
)
_FASHION_MNIST_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
FASHION_MNIST = ImageFiles(
    train_images=DataFile(
        "fashion_mnist/train-images-idx3-ubyte.gz",
        sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        num_bytes=47_040_016,
        mirrors=_FASHION_MNIST_MIRRORS,
    ),
    train_labels=DataFile(
        "fashion_mnist/train-labels-idx1-ubyte.gz",
        sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        num_bytes=60_008,
        mirrors=_FASHION_MNIST_MIRRORS,
    ),
    test_images=DataFile(
        "fashion_mnist/t10k-images-idx3-ubyte.gz",
        sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        num_bytes=7_840_016,
        mirrors=_FASHION_MNIST_MIRRORS,
    ),
    test_labels=DataFile(
        "fashion_mnist/t10k-labels-idx1-ubyte.gz",
        sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        num_bytes=10_008,
        mirrors=_FASHION_MNIST_MIRRORS,
    ),
)
