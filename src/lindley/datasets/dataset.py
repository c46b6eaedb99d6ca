"""What a data set is to a trial: a pool, its oracle, and a test set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lindley.contracts import ClassificationTask, Pool
from lindley.errors import InputError
from lindley.shapes import ClassIndices, Rows


@dataclass(frozen=True)
class Dataset:
    """A pool of N rows with the classes that an oracle would answer, and T test rows apart from it.

    sources: [N] the source image of each row where a pool repeats images, else None: a random subset of
        candidates draws source images and takes all their copies.
    hashes: what a manifest records: sha256 of the decompressed files, or of the generated arrays.
    """

    name: str
    task: ClassificationTask
    pool: Pool
    classes: ClassIndices
    test_inputs: Tensor
    test_classes: ClassIndices
    input_shape: tuple[int, ...]
    sources: Rows | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_classes("classes", self.classes, len(self.pool), self.task)
        _check_classes("test_classes", self.test_classes, len(self.test_inputs), self.task)
        if tuple(self.test_inputs.shape[1:]) != self.input_shape:
            raise InputError(f"test_inputs must be [T, {self.input_shape}]; got {[*self.test_inputs.shape]}.")
        if self.sources is not None and self.sources.shape != self.classes.shape:
            raise InputError(f"sources must be [{len(self.pool)}]; got {[*self.sources.shape]}.")


def array_hashes(**arrays: np.ndarray | Tensor) -> dict[str, str]:
    """The sha256 of each array's bytes, by name."""
    return {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in arrays.items()}


def _check_classes(name: str, classes: ClassIndices, num_rows: int, task: ClassificationTask) -> None:
    if classes.dtype != torch.int64 or tuple(classes.shape) != (num_rows,):
        raise InputError(f"{name} must be int64 [{num_rows}]; got {classes.dtype} {[*classes.shape]}.")
    outside = ((classes < 0) | (classes >= task.num_classes)).nonzero().flatten()
    if outside.numel():
        raise InputError(f"{name} must lie in 0..{task.num_classes - 1}; rows {outside[:10].tolist()} do not.")
