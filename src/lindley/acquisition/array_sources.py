"""Arrays of which a few rows are read at a time: a tensor, or a NumPy array in memory or mapped from a file."""

from __future__ import annotations

from typing import Protocol, final, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_array, numpy_to_tensor
from lindley.errors import InputError
from lindley.shapes import Positions

_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@runtime_checkable
class ArraySource(Protocol):
    """An array from which slices along one axis can be read."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self, axis: int, positions: slice | Positions) -> Tensor:
        """Return the entries at some positions along one axis, in that order, and all along the others."""
        ...


@final
class TensorSource:
    """A tensor, on its device; the entries read may be a view of it."""

    def __init__(self, tensor: Tensor) -> None:
        if tensor.dtype not in _FLOATS:
            raise _type_error(tensor.dtype)
        self._tensor = tensor.detach()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._tensor.shape)

    def read(self, axis: int, positions: slice | Positions) -> Tensor:
        """See ArraySource."""
        if isinstance(positions, slice):
            return self._tensor[(slice(None),) * axis + (positions,)]
        return self._tensor.index_select(axis, positions.to(self._tensor.device))


@final
class NumpySource:
    """A NumPy array, which may be mapped from a file: only the entries read are converted."""

    def __init__(self, array: np.ndarray) -> None:
        if array.dtype.kind != "f" or array.dtype.itemsize > 8:
            raise _type_error(array.dtype)
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    def read(self, axis: int, positions: slice | Positions) -> Tensor:
        """See ArraySource."""
        places = positions if isinstance(positions, slice) else positions.numpy()
        return numpy_to_tensor(self._array[(slice(None),) * axis + (places,)])


def array_source(values: ArrayLike, name: str, *, axis: int = 0) -> ArraySource:
    """Return anyone's floating point numbers as an ArraySource; an array that is mapped from a file stays there.

    Args:
        values: The numbers.
        name: The name of the argument, for messages.
        axis: The axis of the rows, by which masked numbers are named.

    Raises:
        InputError: If they are no array, are masked in part, or are no floating point numbers of at most 64 bits.
    """
    array = as_array(values, name, floats=True, axis=axis)
    return TensorSource(array) if isinstance(array, Tensor) else NumpySource(array)


def _type_error(dtype: object) -> InputError:
    return InputError(argument="the array", expected="floating point of 16, 32 or 64 bits", got=dtype)
