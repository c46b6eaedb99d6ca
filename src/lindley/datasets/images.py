"""Data sets in the format of MNIST: four IDX files of images and classes; the training images are the pool."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lindley.contracts import Classification
from lindley.datasets.data_file import DataFile
from lindley.datasets.dataset import Dataset
from lindley.datasets.idx import parse_idx
from lindley.datasets.image_files import ImageFiles
from lindley.errors import DataError
from lindley.pools.memory import MemoryPool

Reader = Callable[[DataFile], bytes]
"""A function that returns the verified, decompressed bytes of a file."""
MAX_PIXEL = 255.0


def load_images(name: str, task: Classification, files: ImageFiles, read: Reader) -> Dataset:
    """Return a data set whose pool is all training images [N, 1, 28, 28], kept as bytes and read as pixels in [0, 1].

    Args:
        name: The name in reports.
        task: The classes.
        files: The four files.
        read: A function that returns the bytes of a file.

    Raises:
        DataError: If a file is missing or altered, or does not hold images and their labels.
    """
    images, classes = read_split(files.train_images, files.train_labels, read)
    test_images, test_classes = read_split(files.test_images, files.test_labels, read)
    return Dataset(
        name=name,
        task=task,
        pool=MemoryPool(images, divisor=MAX_PIXEL),
        classes=classes,
        test_inputs=test_images / MAX_PIXEL,
        test_classes=test_classes,
        input_shape=tuple(images.shape[1:]),
        hashes=files.hashes,
    )


def read_split(images_file: DataFile, labels_file: DataFile, read: Reader) -> tuple[Tensor, Tensor]:
    """Return images and their classes: [N, 1, height, width] bytes, [N] int64.

    Args:
        images_file: The IDX file of the images.
        labels_file: The IDX file of their classes.
        read: A function that returns the bytes of a file.

    Raises:
        DataError: If a file is missing or altered, or the two do not belong together.
    """
    images = parse_idx(read(images_file), name=images_file.path)
    labels = parse_idx(read(labels_file), name=labels_file.path)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(
            f"{images_file.path} should hold [N, height, width] and {labels_file.path} its [N] labels; "
            f"they hold {list(images.shape)} and {list(labels.shape)}.",
            path=images_file.path,
        )
    return torch.from_numpy(images.copy())[:, None], torch.from_numpy(labels.astype(np.int64))
