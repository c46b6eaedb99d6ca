"""scikit-learn's digits: 1,797 real handwritten digits of 8 x 8 pixels, without a download."""

from __future__ import annotations

import numpy as np
import torch

from lindley.datasets.catalogue import DATASETS
from lindley.datasets.dataset import Dataset, array_hashes
from lindley.noise import row_uniforms
from lindley.pools.memory import MemoryPool

_SPLIT_SEED = 0
"""The split's own seed: every study, whatever its seeds, is tested on the same 599 rows."""


def digits() -> Dataset:
    """Return 1,198 rows of pool and a fixed, stratified third of 599 test rows; pixels in [0, 1].  [N, 64]"""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    inputs = torch.from_numpy((bunch.data / 16).astype(np.float32))  # [1797, 64]
    classes = torch.from_numpy(bunch.target.astype(np.int64))
    is_test = _mark_test_rows(classes)
    return Dataset(
        name="digits",
        task=DATASETS["digits"].task,
        pool=MemoryPool(inputs[~is_test]),
        classes=classes[~is_test],
        test_inputs=inputs[is_test],
        test_classes=classes[is_test],
        input_shape=(64,),
        hashes=array_hashes(inputs=inputs, classes=classes, is_test=is_test),
    )


def _mark_test_rows(classes: torch.Tensor) -> torch.Tensor:
    """Mark a third of the rows: sorted by class, then by a hash of the row, every third one.  [N] -> [N] bool

    The hash and not a library's shuffle, so that no release of NumPy or scikit-learn moves the split.
    """
    keys = row_uniforms(torch.arange(len(classes)), _SPLIT_SEED, "digits", "test")
    order = (classes + keys).argsort()
    is_test = torch.zeros(len(classes), dtype=torch.bool)
    is_test[order[::3]] = True
    return is_test
