"""Checks of a saved posterior's state: every tensor by name, type, shape and values, every setting by type."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from lindley.errors import InputError


@dataclass(frozen=True)
class TensorSpec:
    """The shape, type and values that one stored tensor must have."""

    shape: str
    """Its extents: numbers, or letters that stand for the same extent in every tensor."""
    dtype: torch.dtype | None = torch.float64
    """Its type; None allows any."""
    finite: bool = True
    least: float = -math.inf
    """The smallest value that it may hold."""
    below: str = ""
    """The letter of the extent that its values are less than."""


POSITIVE = 5e-324
"""The least positive number, as `TensorSpec.least`."""


def index_spec(shape: str, *, below: str) -> TensorSpec:
    """Return the spec of a tensor of whole numbers from 0 to less than an extent."""
    return TensorSpec(shape, dtype=torch.int64, least=0.0, below=below)


def check_tensors(tensors: Mapping[str, Tensor], specs: Mapping[str, TensorSpec], **extents: int) -> None:
    """Raise InputError, with the tensor's name, unless the tensors meet their specs, and there are no others.

    Args:
        tensors: The tensors by name.
        specs: Their specs by name; a letter in `below` needs its extent from `extents` or from a spec before.
        extents: The extents of letters, as far as they are known.
    """
    for name in sorted(tensors.keys() ^ specs.keys()):
        fault = "is missing" if name in specs else "does not belong to it"
        raise InputError(f"the tensor {name!r} {fault}", argument=name)
    for name, spec in specs.items():
        value, letters = tensors[name], spec.shape.split()
        if spec.dtype not in (None, value.dtype):
            _refuse_tensor(name, f"must be {spec.dtype}; got {value.dtype}", value.dtype)
        shape = [int(each) if each.isdigit() else extents.get(each, each) for each in letters]
        if value.dim() != len(shape) or any(
            isinstance(known, int) and known != extent for known, extent in zip(shape, value.shape, strict=True)
        ):
            _refuse_tensor(name, f"must be {shape}; got {[*value.shape]}", [*value.shape])
        extents |= {each: extent for each, extent in zip(letters, value.shape, strict=True) if not each.isdigit()}
        if spec.finite and not bool(value.isfinite().all()):
            _refuse_tensor(name, "must be finite", "numbers that are not finite")
        if bool((value < spec.least).any()) or (spec.below and bool((value >= extents[spec.below]).any())):
            limit = f" and less than {extents[spec.below]}" if spec.below else ""
            _refuse_tensor(name, f"must be at least {spec.least:g}{limit}", "numbers out of range")


def check_settings(settings: Mapping[str, Any], checks: Mapping[str, Callable[[Any], bool]]) -> None:
    """Raise InputError, with the setting's name, where one is missing or does not pass its check."""
    for name, holds in checks.items():
        if name not in settings:
            raise InputError(f"the setting {name!r} is missing", argument=name)
        if not holds(settings[name]):
            raise InputError(f"the setting {name!r} cannot be {settings[name]!r}", argument=name, got=settings[name])


def is_whole(value: Any) -> bool:
    """Return whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether it is a whole number of at least 1."""
    return is_whole(value) and value >= 1


def is_number(value: Any) -> bool:
    """Return whether it is a finite number."""
    return (is_whole(value) or isinstance(value, float)) and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """Return whether it is a finite number above 0."""
    return is_number(value) and value > 0


def is_rate(value: Any) -> bool:
    """Return whether it is a number from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


def is_flag(value: Any) -> bool:
    """Return whether it is true or false."""
    return isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Return whether it is a string."""
    return isinstance(value, str)


def is_device(value: Any) -> bool:
    """Return whether it names a device of torch; one that is missing is refused where it is used."""
    try:
        return is_text(value) and torch.device(value) is not None
    except RuntimeError:
        return False


def is_text_list(value: Any) -> bool:
    """Return whether it is a list of strings."""
    return isinstance(value, list) and all(map(is_text, value))


def one_of(known: Collection[str]) -> Callable[[Any], bool]:
    """Return a check for being one of these strings."""
    return lambda value: is_text(value) and value in known


def _refuse_tensor(name: str, fault: str, got: object) -> NoReturn:
    raise InputError(f"the tensor {name!r} {fault}", argument=name, got=got)
