"""MNIST: handwritten digits (LeCun, Cortes, Burges 1998)."""

from __future__ import annotations

from lindley.contracts import Classification
from lindley.datasets.dataset import Dataset
from lindley.datasets.files import DataFile
from lindley.datasets.images import ImageFiles, Reader, load_images

TASK = Classification(tuple("0123456789"))
_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = ImageFiles(
    train_images=DataFile(
        "mnist/train-images-idx3-ubyte.gz",
        sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        num_bytes=47_040_016,
        mirrors=_MIRRORS,
    ),
    train_labels=DataFile(
        "mnist/train-labels-idx1-ubyte.gz",
        sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        num_bytes=60_008,
        mirrors=_MIRRORS,
    ),
    test_images=DataFile(
        "mnist/t10k-images-idx3-ubyte.gz",
        sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        num_bytes=7_840_016,
        mirrors=_MIRRORS,
    ),
    test_labels=DataFile(
        "mnist/t10k-labels-idx1-ubyte.gz",
        sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        num_bytes=10_008,
        mirrors=_MIRRORS,
    ),
)


def mnist(*, read: Reader) -> Dataset:
    """60,000 images of pool and 10,000 of test, [N, 1, 28, 28] in [0, 1]."""
    return load_images("mnist", TASK, FILES, read)
