"""The same numbers in many forms, and things that are no arrays of numbers at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import torch
from scipy.sparse import csr_array

Form = Callable[[np.ndarray], object]


class WithArray:
    """What another library's array looks like: jax, xarray, tensorflow."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self._array if dtype is None else self._array.astype(dtype)


class WithDlpack:
    """What an array on another library's device looks like: cupy."""

    def __init__(self, array: np.ndarray) -> None:
        self._tensor = torch.from_numpy(array)

    def __dlpack__(self, **options: object) -> object:
        return self._tensor.__dlpack__(**options)

    def __dlpack_device__(self) -> object:
        return self._tensor.__dlpack_device__()


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def flipped(array: np.ndarray) -> np.ndarray:
    """Memory that runs backwards along every axis."""
    return np.flip(np.flip(array).copy())


def a_field_of_records(array: np.ndarray) -> np.ndarray:
    """Steps in memory that are no multiples of a number's width."""
    records = np.zeros(array.shape, dtype=[("flag", "i1"), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


def in_larger_memory(array: np.ndarray) -> np.ndarray:
    return np.stack([array, array], -1)[..., 0]


def with_a_graph(array: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.requires_grad_() * 1 if tensor.is_floating_point() else tensor


def negated_lazily(array: np.ndarray) -> torch.Tensor:
    """A tensor that only says that its memory holds the opposite."""
    tensor = torch.from_numpy(array)
    return torch._neg_view(-tensor) if tensor.is_floating_point() else tensor


def rows_of(array: np.ndarray) -> list[object]:
    return list(array)


def arrow(array: np.ndarray) -> object:
    """A column of numbers, or a column of lists of numbers."""
    if array.ndim == 1:
        return pa.array(array)
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1]) if array.ndim == 2 else array


FORMS: dict[str, Form] = {
    "tensor": torch.from_numpy,
    "tensor with a graph": with_a_graph,
    "tensor, axes stored backwards": lambda a: torch.from_numpy(np.ascontiguousarray(a.T)).permute(
        *reversed(range(a.ndim))
    ),
    "tensor, negated lazily": negated_lazily,
    "parameter": lambda a: torch.nn.Parameter(torch.from_numpy(a), requires_grad=a.dtype.kind == "f"),
    "array": lambda a: a,
    "array, big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "array, flipped": flipped,
    "array, by columns": np.asfortranarray,
    "array, in larger memory": in_larger_memory,
    "array, field of records": a_field_of_records,
    "array, read-only": read_only,
    "array, nothing masked": np.ma.masked_array,
    "list of arrays": rows_of,
    "tuple of tensors": lambda a: tuple(torch.from_numpy(a)),
    "with __array__": WithArray,
    "with __dlpack__": WithDlpack,
    "arrow column": arrow,
}
"""Forms that keep the numbers and their precision."""

LISTS: dict[str, Form] = {"lists": np.ndarray.tolist, "tuple of lists": lambda a: tuple(a.tolist())}
"""Forms of Python's own numbers: 64 bits."""


def masked_in_its_last_row(array: np.ndarray) -> np.ma.MaskedArray:
    mask = np.zeros(array.shape, dtype=bool)
    mask[-1] = True
    return np.ma.masked_array(array, mask)


def to_sparse(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).to_sparse()


REFUSED: dict[str, Form] = {
    "masked": masked_in_its_last_row,
    "list of masked arrays": lambda a: [masked_in_its_last_row(a[None])[0], *a[1:]],
    "longdouble": lambda a: a.astype(np.longdouble),
    "complex": lambda a: a.astype(np.complex128),
    "complex tensor": lambda a: torch.from_numpy(a).to(torch.complex64),
    "objects": lambda a: a.astype(object),
    "text": lambda a: a.astype(str),
    "list of text": lambda a: a.astype(str).tolist(),
    "bytes": lambda a: a.astype("S"),
    "dates": lambda a: a.astype(np.int64).astype("M8[s]"),
    "durations": lambda a: a.astype(np.int64).astype("m8[s]"),
    "sparse tensor": to_sparse,
    "sparse matrix": lambda a: csr_array(a.reshape(len(a), -1).astype(float)),
    "tensor without numbers": lambda a: torch.from_numpy(a).to("meta"),
    "arrow with nulls": lambda a: pa.array([None, *a.reshape(len(a), -1)[1:, 0].tolist()]),
    "ragged lists": lambda a: [a.tolist(), *a[1:].tolist()],
    "a mapping": lambda a: {"values": a},
    "a set": lambda a: {1, 2},
    "a function": lambda a: read_only,
    "one text": lambda a: "abc",
}
"""What is refused by the argument's name."""
