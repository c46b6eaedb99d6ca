"""Checks of what a saved posterior is made of: every tensor by name, type, shape and values, every setting by type."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lindley.errors import InputError


@dataclass(frozen=True)
class Part:
    """What one tensor has to be."""

    shape: str
    """Its extents: numbers, or letters that stand for the same extent in every tensor."""
    dtype: torch.dtype | None = torch.float64
    """None: any."""
    finite: bool = True
    least: float = -math.inf
    """The smallest value that it may hold."""
    below: str = ""
    """The letter of the extent that its values are less than."""


POSITIVE = 5e-324
"""The least positive number, as `Part.least`."""


def check_tensors(tensors: Mapping[str, Tensor], parts: Mapping[str, Part], **extents: int) -> None:
    """Raise InputError, with the tensor's name, unless the tensors are these parts and no others.

    Args:
        tensors: By name.
        parts: What each has to be; a letter in `below` needs its extent from here or from a part before.
        extents: Of letters, as far as they are known.
    """
    for name in sorted(tensors.keys() ^ parts.keys()):
        raise InputError(f"the tensor {name!r} {'is missing' if name in parts else 'does not belong to it'}")
    for name, part in parts.items():
        value, letters = tensors[name], part.shape.split()
        if part.dtype not in (None, value.dtype):
            raise InputError(f"the tensor {name!r} must be {part.dtype}; got {value.dtype}")
        needed = [int(each) if each.isdigit() else extents.get(each, each) for each in letters]
        if value.dim() != len(needed) or any(
            isinstance(need, int) and need != have for need, have in zip(needed, value.shape, strict=True)
        ):
            raise InputError(f"the tensor {name!r} must be {needed}; got {[*value.shape]}")
        extents |= {each: have for each, have in zip(letters, value.shape, strict=True) if not each.isdigit()}
        if part.finite and not bool(value.isfinite().all()):
            raise InputError(f"the tensor {name!r} must be finite")
        if bool((value < part.least).any()) or (part.below and bool((value >= extents[part.below]).any())):
            top = f" and less than {extents[part.below]}" if part.below else ""
            raise InputError(f"the tensor {name!r} must be at least {part.least:g}{top}")


def whole(below: str) -> dict[str, Any]:
    """Return the arguments of a Part that holds whole numbers from 0 to below an extent."""
    return {"dtype": torch.int64, "least": 0.0, "below": below}


def check_settings(settings: Mapping[str, Any], needed: Mapping[str, Callable[[Any], bool]]) -> None:
    """Raise InputError, with the setting's name, where one is missing or is not what it has to be."""
    for name, holds in needed.items():
        if name not in settings:
            raise InputError(f"the setting {name!r} is missing")
        if not holds(settings[name]):
            raise InputError(f"the setting {name!r} cannot be {settings[name]!r}")


def is_whole(value: Any) -> bool:
    """Return whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether it is a whole number from 1."""
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
    """Return whether it is a text."""
    return isinstance(value, str)


def is_device(value: Any) -> bool:
    """Return whether it names a device as torch does; one that is not here is refused where it is used."""
    try:
        return is_text(value) and torch.device(value) is not None
    except RuntimeError:
        return False


def are_texts(value: Any) -> bool:
    """Return whether it is a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))


def one_of(known: Collection[str]) -> Callable[[Any], bool]:
    """Return a check for being one of these texts."""
    return lambda value: is_text(value) and value in known
