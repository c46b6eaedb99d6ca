"""A data set: a pool, the classes that its simulated oracle answers, and a test set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.contracts import Classification, Pool
from lindley.errors import InputError
from lindley.shapes import ClassIndices, Rows

NONE_OF_THE_CLASSES = -1
"""The class of a row that belongs to none of the task's classes, in `Dataset.classes` and `true_classes`: the answer
of the simulated oracle. Labels never hold it."""
NUM_HASHED_ROWS = 100
"""Rows of which a manifest records the hash, where hashing all inputs would take long."""
_ROWS_AT_A_TIME = 1000
"""Rows that are read at a time to hash all inputs."""
TestClassIndices = Int64[Tensor, "test_rows"]
"""ClassIndices of the test set, which has another number of rows than the pool."""


@dataclass(frozen=True, init=False)
class Dataset:
    """A pool of N rows with the classes that an oracle would answer, and a separate test set of T rows."""

    name: str
    task: Classification
    pool: Pool
    classes: ClassIndices
    test_inputs: Tensor
    test_classes: TestClassIndices
    input_shape: tuple[int, ...]
    sources: Rows | None
    hashes: Mapping[str, str]
    true_classes: ClassIndices | None

    def __init__(
        self,
        name: str,
        task: Classification,
        pool: Pool,
        classes: ArrayLike,
        test_inputs: ArrayLike,
        test_classes: ArrayLike,
        input_shape: int | Sequence[int],
        sources: ArrayLike | None = None,
        hashes: Mapping[str, str] | None = None,
        true_classes: ArrayLike | None = None,
    ) -> None:
        """Take arrays in any form that `lindley.arrays` reads, such as NumPy's or lists; they are tensors afterwards.

        Args:
            name: The name in reports.
            task: The classes.
            pool: N inputs.
            classes: [N] 0..C-1, or NONE_OF_THE_CLASSES for a row of none of the classes.
            test_inputs: [T, *input_shape], in the precision of the pool's inputs.
            test_classes: [T] 0..C-1.
            input_shape: The shape of one input; a number for that many features.
            sources: [N] the source image of each row where a pool repeats images, else None: a random subset of
                candidates draws source images and takes all their copies.
            hashes: The sha256 of the decompressed files, or of the generated arrays, for manifests.
            true_classes: [N] the true classes where the oracle errs, else None: its answers are true.

        Raises:
            InputError: If an array cannot be used; `error.argument` names it.
        """
        fields: dict[str, Any] = {"name": name, "task": task, "pool": pool, "hashes": hashes or {}}
        fields["test_inputs"] = as_tensor(test_inputs, "test_inputs")
        fields["classes"] = as_whole_numbers(classes, "classes", booleans=True)
        fields["test_classes"] = as_whole_numbers(test_classes, "test_classes", booleans=True)
        fields["input_shape"] = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        fields["sources"] = None if sources is None else as_whole_numbers(sources, "sources")
        fields["true_classes"] = (
            None if true_classes is None else as_whole_numbers(true_classes, "true_classes", booleans=True)
        )
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        self._check()

    def _check(self) -> None:
        if not isinstance(self.pool, Pool):
            raise InputError(
                f"pool must have len() and read(rows), as lindley.pools.memory.MemoryPool(inputs) has; got "
                f"{type(self.pool).__name__}.",
                argument="pool",
                got=type(self.pool).__name__,
            )
        _check_classes("classes", self.classes, len(self.pool), self.task, least=NONE_OF_THE_CLASSES)
        if tuple(self.test_inputs.shape[1:]) != self.input_shape or self.test_inputs.dim() == 0:
            shape = ", ".join(map(str, self.input_shape))
            raise InputError(argument="test_inputs", expected=f"[T, {shape}]", got=[*self.test_inputs.shape])
        if len(self.test_inputs) == 0:
            raise InputError(
                "test_inputs must hold at least one row: nothing can be measured without any.",
                argument="test_inputs",
                got=[*self.test_inputs.shape],
            )
        _check_classes("test_classes", self.test_classes, len(self.test_inputs), self.task)
        if self.true_classes is not None:
            _check_classes("true_classes", self.true_classes, len(self.pool), self.task, least=NONE_OF_THE_CLASSES)
        if self.sources is not None:
            _check_rows("sources", self.sources, len(self.pool))
        self._check_precision()

    def _check_precision(self) -> None:
        first = self.pool.read(torch.arange(min(1, len(self.pool))))
        if isinstance(first, Tensor) and first.dtype != self.test_inputs.dtype:
            raise InputError(
                f"Convert them: test_inputs.to({first.dtype}).",
                argument="test_inputs",
                expected=f"{first.dtype}, the dtype of the pool's inputs",
                got=self.test_inputs.dtype,
            )

    @property
    def truth(self) -> ClassIndices:
        """The true class of every row of the pool, NONE_OF_THE_CLASSES where it has none.  [N]"""
        return self.classes if self.true_classes is None else self.true_classes


def array_hashes(**arrays: np.ndarray | Tensor) -> dict[str, str]:
    """Return the sha256 of each array's bytes, by name."""
    return {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in arrays.items()}


def content_hashes(dataset: Dataset) -> dict[str, str]:
    """Return hashes for a data set that has none: of all its classes, and of the inputs of its first rows."""
    rows = torch.arange(min(NUM_HASHED_ROWS, len(dataset.pool)))
    inputs = {"first_rows": dataset.pool.read(rows), "first_test_rows": dataset.test_inputs[:NUM_HASHED_ROWS]}
    return {
        **array_hashes(classes=dataset.classes.cpu(), test_classes=dataset.test_classes.cpu()),
        **array_hashes(**{name: _bytes(values) for name, values in inputs.items() if isinstance(values, Tensor)}),
    }


def hash_inputs(pool: Pool) -> str:
    """Return the sha256 of all inputs, which must be tensors, in the order of rows. They are read in parts."""
    digest = hashlib.sha256()
    for rows in torch.arange(len(pool)).split(_ROWS_AT_A_TIME):
        inputs = pool.read(rows)
        if not isinstance(inputs, Tensor):
            expected = "of tensors to be corrupted"
            raise InputError(argument="pool", expected=expected, got=type(inputs).__name__)
        digest.update(_bytes(inputs).numpy().tobytes())
    return digest.hexdigest()


def _bytes(values: Tensor) -> Tensor:
    return values.detach().cpu().contiguous().flatten().view(torch.uint8)  # NumPy has no bfloat16


def _check_classes(name: str, classes: Tensor, num_rows: int, task: Classification, *, least: int = 0) -> None:
    _check_rows(name, classes, num_rows)
    outside = ((classes < least) | (classes >= task.num_classes)).nonzero().flatten()
    if outside.numel():
        none = "" if least == 0 else f", or {NONE_OF_THE_CLASSES} for none of the classes"
        raise InputError(
            argument=name,
            expected=f"0..{task.num_classes - 1}{none}",
            got=classes[outside[:10]].tolist(),
            rows=outside.tolist(),
        )


def _check_rows(name: str, values: Tensor, num_rows: int) -> None:
    if tuple(values.shape) != (num_rows,):
        raise InputError(argument=name, expected=f"[{num_rows}], one for each row", got=[*values.shape])
