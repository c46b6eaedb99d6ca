"""Arrays in .safetensors files; the one place that imports safetensors (extra `safetensors`)."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from lindley.acquisition.array_sources import ArraySource
from lindley.apps.input_files import Location, choose_name
from lindley.errors import InputError
from lindley.shapes import Positions

_FLOATS = ("F64", "F32", "F16", "BF16")


def open_safetensors(location: Location, default: str) -> ArraySource:
    """Open a tensor of the file; only the slices that are used are read."""
    try:
        from safetensors import safe_open
    except ImportError:
        raise InputError(
            "reading .safetensors needs the package safetensors: pip install 'lindley[safetensors]'"
        ) from None
    file: Any = safe_open(location.path, framework="pt")
    return SafetensorsArray(file.get_slice(choose_name(location, default, list(file.keys()), "tensor")))


@final
class SafetensorsArray:
    """One tensor of an open file."""

    def __init__(self, tensor: Any) -> None:
        if tensor.get_dtype() not in _FLOATS:
            raise InputError(
                f"the tensor must be one of {', '.join(_FLOATS)}; got {tensor.get_dtype()}", got=tensor.get_dtype()
            )
        self._tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._tensor.get_shape())

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See ArraySource."""
        if isinstance(wanted, slice):
            return self._slice(axis, wanted)
        if len(wanted) == 0:
            return self._slice(axis, slice(0, 0))
        return torch.cat([self._slice(axis, slice(position, position + 1)) for position in wanted.tolist()], axis)

    def _slice(self, axis: int, wanted: slice) -> Tensor:
        part: Tensor = self._tensor[(slice(None),) * axis + (wanted,)]
        return part
