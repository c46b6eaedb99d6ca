"""The learnt state of a method, in two files without a pickle: arrays in state.npz, settings and hash in state.json."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from lindley.errors import DataError, InputError
from lindley.features.method import LearntState
from lindley.files import read_plain_file, write_atomically, write_json

_ARRAYS, _SETTINGS = "state.npz", "state.json"


def save_state(folder: Path, state: LearntState) -> None:
    """Write a state into a folder; the settings last, since they mark it as complete."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(array) for name, array in state.arrays.items()})
    write_atomically(folder / _ARRAYS, buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    write_json(folder / _SETTINGS, {"settings": dict(state.settings), "arrays_sha256": digest})


def load_state(folder: Path) -> LearntState | None:
    """Return the state of a folder; None where it holds none. Raises DataError for files that were altered."""
    if not (folder / _SETTINGS).exists():
        return None
    try:
        content: Any = json.loads(read_plain_file(folder / _SETTINGS))
        settings, digest = dict(content["settings"]), content["arrays_sha256"]
        stored = read_plain_file(folder / _ARRAYS)
        if hashlib.sha256(stored).hexdigest() != digest:
            raise ValueError(f"{_ARRAYS} is not the file that {_SETTINGS} names")
        with np.load(io.BytesIO(stored), allow_pickle=False) as archive:
            return LearntState({name: archive[name] for name in archive.files}, settings)
    except Exception as error:  # whatever a reader raises at damaged bytes
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{folder} holds features that were altered ({reason}); delete it", path=folder) from None


def state_array(state: LearntState, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return an array of a state, in float32.

    Args:
        state: The state.
        name: The name of the array.
        shape: Its shape; None stands for any length.

    Raises:
        InputError: If the state has no such array, or one of another shape or with numbers that are not finite.
    """
    array = state.arrays.get(name)
    if array is None or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise InputError(argument=f"the array {name!r} of the state", expected="finite numbers", got=array)
    if array.ndim != len(shape) or any(each not in (None, got) for each, got in zip(shape, array.shape, strict=True)):
        raise InputError(argument=f"the array {name!r} of the state", expected=f"of shape {shape}", got=array.shape)
    return np.ascontiguousarray(array, dtype=np.float32)
