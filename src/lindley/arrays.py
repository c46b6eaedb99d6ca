"""Arrays of any program as tensors: the one border at which they come in.

Tensors are taken without a copy; whatever else NumPy, DLPack or narwhals can read is converted once; anything else is
refused in one sentence that names the argument. The caller's memory is never written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

import numpy as np
import torch
import torch.utils.dlpack
from torch import Tensor

from lindley.errors import InputError

ArrayLike: TypeAlias = object
"""Numbers in a tensor on any device, a NumPy array (big-endian, flipped, read-only or mapped from a file too), nested
lists, a table or column of pandas, polars or Arrow, or anything with `__array__` or `__dlpack__`."""

_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint64, torch.uint32, torch.uint16, torch.uint8)
_LARGEST = torch.iinfo(torch.int64).max
_KINDS = {"c": "complex", "O": "Python objects", "M": "dates", "m": "durations", "V": "records"}
_KINDS |= dict.fromkeys("UST", "text")
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
"""Parts of a list that NumPy reads itself."""


def as_tensor(values: ArrayLike, name: str, *, floats: bool = False) -> Tensor:
    """Return numbers as a dense tensor on their device, without a graph and in their own precision.

    Args:
        values: The numbers; such a tensor, or memory that torch can share, is not copied.
        name: The name of the argument, for messages.
        floats: Whether only floating point is accepted.

    Raises:
        InputError: If they are no array, are masked or missing in part (`error.rows` are the positions), or are no real
            numbers of at most 64 bits.
    """
    array = as_array(values, name, floats=floats)
    return array if isinstance(array, Tensor) else numpy_to_tensor(array)


def as_whole_numbers(values: ArrayLike, name: str, *, booleans: bool = False, advice: str = "") -> Tensor:
    """Return whole numbers of any width as int64, on their device.

    Args:
        values: The numbers; an empty array may be of any kind.
        name: The name of the argument, for messages.
        booleans: Whether False and True count as 0 and 1; otherwise they are refused as a mask.
        advice: Advice for messages, in place of the usual one.

    Raises:
        InputError: If they are no array of whole numbers, or lie beyond int64; `error.rows` are their positions.
    """
    array = as_array(values, name, advice=advice)
    dtype = array.dtype.name if isinstance(array, np.ndarray) else str(array.dtype).removeprefix("torch.")
    shape = [*array.shape]
    if 0 in shape:
        dtype = "int64"  # NumPy takes an empty list for floats
    if dtype == "bool" and not booleans:
        _refuse(name, "be whole numbers", f"bool {shape}", advice or "Of a mask take mask.nonzero().")
    if dtype.startswith(("float", "bfloat")):
        _refuse(name, "be whole numbers", f"{dtype} {shape}", advice or "Convert them, if they are whole.")
    if dtype == "uint64":
        _refuse_beyond_int64(array, name, advice)
    return (array if isinstance(array, Tensor) else numpy_to_tensor(array)).to(torch.int64)


def as_array(
    values: ArrayLike, name: str, *, floats: bool = False, axis: int = 0, advice: str = ""
) -> Tensor | np.ndarray:
    """Return numbers as a dense tensor without a graph, or as a NumPy array, which may still be mapped from a file.

    Args:
        values: The numbers; a tensor or a NumPy array is not copied.
        name: The name of the argument, for messages.
        floats: Whether only floating point is accepted.
        axis: The axis of the rows, by which masked numbers are named.
        advice: Advice for messages, in place of the usual one.

    Raises:
        InputError: If they are no array, are masked or missing in part (`error.rows` are the positions), or are no real
            numbers of at most 64 bits.
    """
    array = _read_any(values, name, axis)
    dtype = array.dtype
    if isinstance(dtype, torch.dtype):
        real, floating = dtype in (*_FLOATS, *_WHOLE, torch.bool), dtype in _FLOATS
    else:
        real, floating = dtype.kind in "biuf" and dtype.itemsize <= 8, dtype.kind == "f"
    if not real:
        _refuse(
            name,
            "be an array of real numbers of at most 64 bits",
            _kind_name(array, values),
            advice or f"Convert it first, for example with {_converter(values)}.",
        )
    if floats and not floating:
        _refuse(name, "be floating point of 16, 32 or 64 bits", str(dtype), advice or "Convert it.")
    return array


@contextmanager
def name_rows(rows: Tensor | None) -> Iterator[None]:
    """Let errors of arrays in the block carry the rows of the pool at their positions; None: the positions are rows."""
    try:
        yield
    except InputError as error:
        error.rows = tuple(rows_at([int(position) for position in error.rows], rows))
        raise


def rows_at(positions: list[int], rows: Tensor | None) -> list[int]:
    """Return the rows at some positions, or the positions where these are the rows.

    A position beyond the rows has none: the lengths of the two contradict each other.
    """
    if rows is None:
        return positions
    known: list[int] = rows.flatten().tolist()
    return [known[position] for position in positions if position < len(known)]


def numpy_to_tensor(array: np.ndarray) -> Tensor:
    """Return a NumPy array of numbers as a tensor: on the same memory where torch can read that, else as a copy.

    Torch knows neither foreign byte orders nor negative strides, and warns of memory that is read-only.
    """
    native = np.dtype(f"={array.dtype.kind}{array.dtype.itemsize}")
    steps = [stride % native.itemsize == 0 <= stride for stride in array.strides]
    right = array.dtype == native and array.flags.writeable and array.flags.aligned and all(steps)
    return torch.from_numpy(array if right else np.array(array, dtype=native, order="C"))


def _read_any(values: Any, name: str, axis: int) -> Tensor | np.ndarray:
    """Return the numbers of an array of any program, still of any dtype."""
    if isinstance(values, Tensor):
        return _read_tensor(values, name, axis)
    if isinstance(values, np.ndarray):
        _refuse_masked(getattr(values, "mask", False), name, axis)
        return np.asarray(values)
    if isinstance(values, list | tuple):
        return _read_sequence(values, name)
    try:
        return _read_other(values, name)
    except InputError:
        raise
    except Exception as error:  # whatever another library raises where it cannot convert
        raise InputError(
            f"{name} cannot be read as an array ({type(values).__name__}): {error}",
            argument=name,
            got=type(values).__name__,
        ) from error


def _read_tensor(values: Tensor, name: str, axis: int) -> Tensor:
    if isinstance(values, torch.masked.MaskedTensor):
        _refuse_masked(~values.get_mask().numpy(force=True), name, axis)
        values = values.get_data()
    if values.layout != torch.strided or values.is_nested:
        _refuse(name, "be a dense tensor", str(values.layout), "Pass its .to_dense().")
    if values.is_meta:
        _refuse(name, "hold numbers", "a tensor on the device meta")
    return (values.detach() if values.requires_grad else values).resolve_conj().resolve_neg()


def _read_sequence(values: list[Any] | tuple[Any, ...], name: str) -> Tensor | np.ndarray:
    """Return a list of numbers, of lists, or of arrays as one array."""
    parts: list[Any] = [each if isinstance(each, _PLAIN) else as_array(each, name) for each in values]
    if all(type(each) is int for each in parts):
        beyond = [place for place, each in enumerate(parts) if not -_LARGEST - 1 <= each <= _LARGEST]
        if beyond:
            _refuse_positions(name, "fit into int64; at the positions {} they do not", beyond)
    try:
        if any(isinstance(each, Tensor) for each in parts):
            return torch.stack([torch.as_tensor(each) for each in parts])
        return np.asarray(parts)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{name} must be one array; its parts have different shapes or kinds: {error}", argument=name
        ) from None


def _read_other(values: Any, name: str) -> Tensor | np.ndarray:
    """Return the numbers of a table, a column, or an object with `__array__` or `__dlpack__`."""
    import narwhals.stable.v1 as narwhals

    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(values, arrow.Array):
        values = arrow.chunked_array([values])
    if arrow is not None and isinstance(values, arrow.RecordBatch):
        values = arrow.Table.from_batches([values])
    table = narwhals.from_native(values, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(table, narwhals.Series):
        return _read_column(table, name)
    if isinstance(table, narwhals.DataFrame):
        columns = [as_array(table[each].to_native(), f"{name}, column {each!r},") for each in table.columns]
        return np.stack(columns, axis=1) if columns else np.empty(table.shape)
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return _read_tensor(torch.utils.dlpack.from_dlpack(values), name, 0)
    return np.asarray(values)


def _read_column(column: Any, name: str) -> np.ndarray:
    """Return a column without missing numbers; in NumPy's own columns NaN is a number, and stays."""
    native_dtype = getattr(column.to_native(), "dtype", None)
    missing = [] if isinstance(native_dtype, np.dtype) else column.is_null().to_numpy().nonzero()[0].tolist()
    if missing:
        _refuse_positions(name, "hold a number in each row; they are missing at the positions {}", missing)
    values = column.to_numpy()
    if values.dtype.kind != "O":
        return np.asarray(values)
    lists = np.asarray(_read_sequence(list(values), name))
    if lists.dtype.kind == "f" and np.isnan(lists).any():
        return np.asarray(_read_sequence(column.to_list(), name))  # which tells what is missing from NaN
    return lists


def _refuse_masked(mask: Any, name: str, axis: int) -> None:
    """Raise InputError for masked numbers: what lies under a mask may be anything."""
    masked = np.asarray(mask)
    if masked.dtype == bool and masked.any():
        places = masked.nonzero()[axis] if masked.ndim > axis else np.zeros(1, int)
        _refuse_positions(
            name,
            "not be masked; they are at the positions {}",
            np.unique(places).tolist(),
            "Leave these rows out, or fill them where that is right: .filled(value).",
        )


def _refuse_beyond_int64(array: Tensor | np.ndarray, name: str, advice: str) -> None:
    numbers = array.numpy(force=True) if isinstance(array, Tensor) else array
    beyond = np.argwhere(numbers > _LARGEST)
    if len(beyond):
        _refuse_positions(
            name, "fit into int64; at the positions {} they do not", beyond[:, :1].flatten().tolist(), advice
        )


def _kind_name(array: Tensor | np.ndarray, values: object) -> str:
    if isinstance(array, Tensor):
        return str(array.dtype)
    if array.dtype.kind == "O" and array.ndim == 0:
        return type(values).__name__  # NumPy takes it as one object
    return f"{array.dtype} ({_KINDS[array.dtype.kind]})" if array.dtype.kind in _KINDS else str(array.dtype)


def _converter(values: object) -> str:
    return ".toarray()" if hasattr(values, "toarray") else "numpy.asarray(..., dtype=numpy.float32)"


def _refuse(name: str, need: str, got: str, advice: str = "") -> NoReturn:
    raise InputError(f"{name} must {need}; got {got}. {advice}".strip(), argument=name.rstrip(","), got=got)


def _refuse_positions(name: str, need: str, positions: list[int], advice: str = "") -> NoReturn:
    text = f"{name} must {need.format(positions[:10])}. {advice}".strip()
    raise InputError(text, argument=name.rstrip(","), rows=positions)
