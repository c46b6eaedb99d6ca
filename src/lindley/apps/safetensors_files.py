"""Arrays in .safetensors files; the one place that imports safetensors (extra `safetensors`)."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from lindley.acquisition.array_sources import ArraySource
from lindley.apps.array_files import Place, chosen_name
from lindley.errors import InputError
from lindley.shapes import Positions

_FLOATS = ("F64", "F32", "F16", "BF16")


def open_safetensors(place: Place, what: str) -> ArraySource:
    """A tensor of the file, of which only what is asked for is read."""
    try:
        from safetensors import safe_open
    except ImportError:
        raise InputError(
            "reading .safetensors needs the package safetensors: pip install 'lindley[safetensors]'"
        ) from None
    file: Any = safe_open(place.path, framework="pt")
    return SafetensorsArray(file.get_slice(chosen_name(place, what, list(file.keys()), "tensor")))


@final
class SafetensorsArray:
    """One tensor of an open file."""

    def __init__(self, tensor: Any) -> None:
        if tensor.get_dtype() not in _FLOATS:
            raise InputError(f"the tensor must be one of {', '.join(_FLOATS)}; it is {tensor.get_dtype()}")
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
        return torch.cat([self._slice(axis, slice(place, place + 1)) for place in wanted.tolist()], axis)

    def _slice(self, axis: int, wanted: slice) -> Tensor:
        part: Tensor = self._tensor[(slice(None),) * axis + (wanted,)]
        return part
