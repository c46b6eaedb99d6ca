"""Arrays in files of every supported format, opened without being read; errors name the file."""

from __future__ import annotations

from pathlib import Path
from typing import final

from torch import Tensor

from lindley.acquisition.array_sources import ArraySource
from lindley.apps.input_files import Location, name_file_in_errors
from lindley.apps.numpy_files import open_npy, open_npz
from lindley.apps.parquet_files import open_parquet
from lindley.apps.safetensors_files import open_safetensors
from lindley.errors import InputError
from lindley.shapes import Positions

ARRAY_SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")


def open_array(location: Location, default: str, *, num_draws: int | None = None) -> ArraySource:
    """Open the array of a file: the one that the location names, else the one called `default`.

    Args:
        location: The file, and the name of one of its arrays.
        default: The name to take where the location has none and the file has several arrays.
        num_draws: The number of draws K of a Parquet column that holds K times C numbers in one flat list.

    Raises:
        InputError: If it is another kind of file, array or number.
        DataError: If the file is damaged.
    """
    suffix = location.path.suffix.lower()
    if suffix not in ARRAY_SUFFIXES:
        raise InputError(
            f"{location.path} must be one of {', '.join(ARRAY_SUFFIXES)}. Pickles (.pkl, .pt, .pth) are never loaded: "
            "save the array with numpy.save or safetensors",
            argument=str(location.path),
            got=suffix,
        )
    if num_draws is not None and suffix != ".parquet":
        raise InputError(
            f"num_draws is for flat lists in .parquet files; {location.path} has its own shape",
            argument="num_draws",
            got=num_draws,
        )
    with name_file_in_errors(location.path):
        array = FileArray(location.path, _open(suffix, location, default, num_draws))
        if array.shape[:1] != (0,) and 0 in array.shape:
            raise InputError(f"it holds no numbers; its shape is {[*array.shape]}", got=[*array.shape])
        return array


def _open(suffix: str, location: Location, default: str, num_draws: int | None) -> ArraySource:
    if suffix == ".npy":
        return open_npy(location)
    if suffix == ".npz":
        return open_npz(location, default)
    if suffix == ".safetensors":
        return open_safetensors(location, default)
    return open_parquet(location, default, num_draws=num_draws)


@final
class FileArray:
    """An array in a file, of which slices are read; errors of reading name the file."""

    def __init__(self, path: Path, array: ArraySource) -> None:
        self._path, self._array = path, array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See ArraySource."""
        with name_file_in_errors(self._path):
            return self._array.read(axis, wanted)
