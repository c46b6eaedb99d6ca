"""Arrays of which a few rows are read at a time: a tensor, or a NumPy array in memory or mapped from a file."""

from __future__ import annotations

from typing import Protocol, final, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_array, numpy_to_tensor
from lindley.errors import InputError
from lindley.shapes import Positions

_NEEDED = "the numbers must be floating point of 16, 32 or 64 bits"


@runtime_checkable
class StoredArray(Protocol):
    """Anything with axes of which slices along one axis can be read."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """The wanted places along one axis, in that order, and all along the others."""
        ...


@final
class TensorArray:
    """A tensor, on its device; what is read may be a view of it."""

    def __init__(self, tensor: Tensor) -> None:
        if tensor.dtype not in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
            raise InputError(f"{_NEEDED}; got {tensor.dtype}")
        self._tensor = tensor.detach()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._tensor.shape)

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See StoredArray."""
        if isinstance(wanted, slice):
            return self._tensor[(slice(None),) * axis + (wanted,)]
        return self._tensor.index_select(axis, wanted.to(self._tensor.device))


@final
class NumpyArray:
    """A NumPy array, which may be mapped from a file: only what is read is converted."""

    def __init__(self, array: np.ndarray) -> None:
        if array.dtype.kind != "f" or array.dtype.itemsize > 8:
            raise InputError(f"{_NEEDED}; got {array.dtype}")
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See StoredArray."""
        places = wanted if isinstance(wanted, slice) else wanted.numpy()
        return numpy_to_tensor(self._array[(slice(None),) * axis + (places,)])


def stored(values: ArrayLike, name: str, *, axis: int = 0) -> StoredArray:
    """Anyone's floating point numbers as a StoredArray; what is mapped from a file stays there.

    Args:
        values: The numbers.
        name: What the caller calls them, for messages.
        axis: The axis of the rows, by which masked numbers are named.

    Raises:
        InputError: If they are no array, are masked in part, or are no floating point numbers of at most 64 bits.
    """
    array = as_array(values, name, floats=True, axis=axis)
    return TensorArray(array) if isinstance(array, Tensor) else NumpyArray(array)
