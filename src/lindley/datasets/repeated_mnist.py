"""Repeated MNIST: each training image R times, with noise; it shows what redundancy costs a batch."""

from __future__ import annotations

from dataclasses import replace

import torch

from lindley.datasets.dataset import NUM_HASHED_ROWS, Dataset, array_hashes
from lindley.datasets.images import Reader
from lindley.datasets.mnist import mnist
from lindley.pools.repeated import RepeatedPool


def repeated_mnist(*, read: Reader, seed: int, repeats: int = 3, noise: float = 0.1) -> Dataset:
    """Return MNIST with its 60,000 training images `repeats` times as the pool, and its test images without noise.

    Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158; there the noise of 0.1 is added to
    images scaled to unit variance, so that it is about a third as strong on these pixels.

    Args:
        read: A function that returns the bytes of a file.
        seed: The seed of the noise.
        repeats: The number of copies of each image.
        noise: Standard deviation of each copy's Gaussian noise, on pixels in [0, 1], not clipped.
    """
    source = mnist(read=read)
    pool = RepeatedPool(source.pool, repeats=repeats, noise=noise, seed=seed)
    # The noise is never held as a whole, so a manifest records the hash of the first rows.
    probe = array_hashes(first_rows=pool.read(torch.arange(min(NUM_HASHED_ROWS, len(pool)))))
    return replace(
        source,
        name="repeated-mnist",
        pool=pool,
        classes=source.classes.repeat(repeats),
        sources=pool.sources,
        hashes={**source.hashes, **probe},
    )
