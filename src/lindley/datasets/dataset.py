"""What a data set is to a trial: a pool, its oracle, and a test set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from lindley.contracts import NO_CLASS, ClassificationTask, Pool
from lindley.errors import InputError
from lindley.shapes import ClassIndices, Rows

NUM_PROBED = 100
"""Rows that stand for all inputs in a manifest, where hashing every one would take long."""
TestClassIndices = Int64[Tensor, "test_rows"]
"""ClassIndices of the test set, which has another number of rows than the pool."""


@dataclass(frozen=True)
class Dataset:
    """A pool of N rows with the classes that an oracle would answer, and T test rows apart from it.

    classes: [N] 0..C-1, or NO_CLASS for a row of none of the classes.
    true_classes: [N] where the oracle errs, else None: what it answers is then true.
    sources: [N] the source image of each row where a pool repeats images, else None: a random subset of
        candidates draws source images and takes all their copies.
    hashes: what a manifest records: sha256 of the decompressed files, or of the generated arrays.
    """

    name: str
    task: ClassificationTask
    pool: Pool
    classes: ClassIndices
    test_inputs: Tensor
    test_classes: TestClassIndices
    input_shape: tuple[int, ...]
    sources: Rows | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    true_classes: ClassIndices | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pool, Pool):
            raise InputError(
                f"pool must have len() and read(rows), as lindley.pools.memory.MemoryPool(inputs) has; got "
                f"{type(self.pool).__name__}."
            )
        _check_classes("classes", self.classes, len(self.pool), self.task, least=NO_CLASS)
        if len(self.test_inputs) == 0:
            raise InputError("test_inputs must hold at least one row: without any nothing can be measured.")
        _check_classes("test_classes", self.test_classes, len(self.test_inputs), self.task)
        if self.true_classes is not None:
            _check_classes("true_classes", self.true_classes, len(self.pool), self.task, least=NO_CLASS)
        if tuple(self.test_inputs.shape[1:]) != tuple(self.input_shape):
            shape = ", ".join(map(str, self.input_shape))
            raise InputError(f"test_inputs must be [T, {shape}]; got {[*self.test_inputs.shape]}.")
        if self.sources is not None:
            _check_rows("sources", self.sources, len(self.pool))

    @property
    def truth(self) -> ClassIndices:
        """The true class of every row of the pool, NO_CLASS where it has none.  [N]"""
        return self.classes if self.true_classes is None else self.true_classes


def array_hashes(**arrays: np.ndarray | Tensor) -> dict[str, str]:
    """The sha256 of each array's bytes, by name."""
    return {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in arrays.items()}


def content_hashes(dataset: Dataset) -> dict[str, str]:
    """Hashes for a data set that brings none: all its classes, and the inputs of its first rows."""
    rows = torch.arange(min(NUM_PROBED, len(dataset.pool)))
    inputs = {"first_rows": dataset.pool.read(rows), "first_test_rows": dataset.test_inputs[:NUM_PROBED]}
    return {
        **array_hashes(classes=dataset.classes.cpu(), test_classes=dataset.test_classes.cpu()),
        **array_hashes(**{name: _bytes(values) for name, values in inputs.items() if isinstance(values, Tensor)}),
    }


def _bytes(values: Tensor) -> Tensor:
    return values.detach().cpu().contiguous().flatten().view(torch.uint8)  # NumPy has no bfloat16


def _check_classes(name: str, classes: Tensor, num_rows: int, task: ClassificationTask, *, least: int = 0) -> None:
    _check_rows(name, classes, num_rows)
    outside = ((classes < least) | (classes >= task.num_classes)).nonzero().flatten()
    if outside.numel():
        none = "" if least == 0 else f" (or be {NO_CLASS}, no class)"
        raise InputError(f"{name} must lie in 0..{task.num_classes - 1}{none}; rows {outside[:10].tolist()} do not.")


def _check_rows(name: str, values: Tensor, num_rows: int) -> None:
    if values.dtype != torch.int64 or tuple(values.shape) != (num_rows,):
        raise InputError(f"{name} must be int64 [{num_rows}]; got {values.dtype} {[*values.shape]}.")
