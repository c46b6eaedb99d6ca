"""Arrays in files, opened without being read: .npy and .npz here, .safetensors and .parquet in files of their own.

Nothing is ever unpickled. What cannot be opened is refused by the file's name.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lindley.acquisition.stored import NumpyArray, StoredArray
from lindley.errors import DataError, InputError
from lindley.names import nearest

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a member of a zip archive: the lengths of its name and of its extra field, before its data."""


@dataclass(frozen=True)
class Place:
    """A file, and which of its arrays or columns is meant; None where that need not be said."""

    path: Path
    name: str | None = None

    @classmethod
    def of(cls, text: str) -> Place:
        """FILE or FILE:NAME. Raises InputError where there is no such file."""
        file, colon, name = text.rpartition(":")
        place = cls(Path(file), name) if colon and not Path(text).exists() else cls(Path(text))
        if not place.path.exists():
            raise InputError(f"{place.path} was not found")
        if not place.path.is_file():
            raise InputError(f"{place.path} is not a file")
        return place


def open_array(place: Place, what: str, *, num_draws: int | None = None) -> StoredArray:
    """The array of a file. Of several it is the one that was named, else the one called `what`.

    num_draws: for Parquet columns that hold K times C numbers in one flat list.
    Raises InputError for another kind of file, array or number; DataError for a file that is damaged.
    """
    suffix = place.path.suffix.lower()
    if suffix not in _OPENERS:
        raise InputError(
            f"{place.path} must be one of {', '.join(_OPENERS)}. Pickles (.pkl, .pt, .pth) are never loaded: save the "
            "array with numpy.save or safetensors"
        )
    if num_draws is not None and suffix != ".parquet":
        raise InputError(f"--num-draws is for flat lists in .parquet files; {place.path} has its own shape")
    try:
        return _OPENERS[suffix](place, what, num_draws)
    except InputError as error:
        raise InputError(f"{place.path}: {error}") from None


def chosen_name(place: Place, what: str, available: Sequence[str], kind: str) -> str:
    """Which of the arrays (or columns) is meant."""
    if place.name is not None and place.name not in available:
        raise InputError(
            f"there is no {kind} {place.name!r}; there is {', '.join(available)}.{nearest(place.name, available)}"
        )
    if place.name is None and len(available) == 1:
        return available[0]
    name = what if place.name is None else place.name
    if name not in available:
        there = f"there are {', '.join(available)}" if available else "there is none"
        raise InputError(f"say which {kind} is meant, as FILE:NAME; {there}")
    return name


def numpy_arrays(path: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays of an .npz file by their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is damaged, or no .npz file: {error}") from None
    return {info.filename.removesuffix(".npy"): info for info in members if info.filename.endswith(".npy")}


def read_npz_array(path: Path, member: zipfile.ZipInfo) -> np.ndarray:
    """An array of an .npz file: mapped where it is not compressed, else read."""
    if member.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as file:
            file.seek(member.header_offset)
            lengths = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        return map_npy(path, member.header_offset + _LOCAL_HEADER.size + sum(lengths))
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is damaged: {member.filename}: {error}") from None
    header = io.BytesIO(content)
    shape, by_columns, dtype = _header(path, header)
    if header.tell() + math.prod(shape) * dtype.itemsize > len(content):
        raise DataError(f"{path} is damaged: {member.filename} is truncated")
    values = np.frombuffer(content, dtype, math.prod(shape), header.tell())
    return values.reshape(shape, order="F" if by_columns else "C")


def map_npy(path: Path, start: int = 0) -> np.ndarray:
    """The array of an .npy file, mapped into memory: only what is looked at is read."""
    with path.open("rb") as file:
        file.seek(start)
        shape, by_columns, dtype = _header(path, file)
        offset = file.tell()
    size = math.prod(shape) * dtype.itemsize
    missing = offset + size - path.stat().st_size
    if missing > 0:
        raise DataError(f"{path} is truncated: {missing:,} of the {size:,} bytes of its array are missing")
    if size == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if by_columns else "C")


def _header(path: Path, file: io.BufferedIOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first axis is the fastest, and dtype; the file stands at the data afterwards."""
    try:
        shape, by_columns, dtype = _READERS[np.lib.format.read_magic(file)](file)
    except (ValueError, KeyError, EOFError):
        raise DataError(f"{path} is damaged, or holds no array in NumPy's format") from None
    if dtype.hasobject:
        raise InputError("it holds Python objects, which are pickles and never loaded; save an array of numbers")
    return shape, by_columns, dtype


def _open_npy(place: Place, what: str, num_draws: int | None) -> StoredArray:
    if place.name is not None:
        raise InputError(f"an .npy file holds one array without a name; got the name {place.name!r}")
    return NumpyArray(map_npy(place.path))


def _open_npz(place: Place, what: str, num_draws: int | None) -> StoredArray:
    arrays = numpy_arrays(place.path)
    return NumpyArray(read_npz_array(place.path, arrays[chosen_name(place, what, list(arrays), "array")]))


def _open_safetensors(place: Place, what: str, num_draws: int | None) -> StoredArray:
    from lindley.apps.safetensors_files import open_safetensors

    return open_safetensors(place, what)


def _open_parquet(place: Place, what: str, num_draws: int | None) -> StoredArray:
    from lindley.apps.parquet_files import open_parquet

    return open_parquet(place, what, num_draws=num_draws)


_OPENERS: dict[str, Callable[[Place, str, int | None], StoredArray]] = {
    ".npy": _open_npy,
    ".npz": _open_npz,
    ".safetensors": _open_safetensors,
    ".parquet": _open_parquet,
}
