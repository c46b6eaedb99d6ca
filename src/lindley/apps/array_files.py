"""Arrays in files, opened without being read: .npy and .npz here, .safetensors and .parquet in files of their own.

Nothing is ever unpickled. What cannot be opened is refused by the file's name.
"""

from __future__ import annotations

import errno
import io
import math
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, final

import numpy as np
from torch import Tensor

from lindley.acquisition.array_sources import ArraySource, NumpySource
from lindley.errors import DataError, InputError, LindleyError
from lindley.names import nearest
from lindley.shapes import Positions

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a member of a zip archive: the lengths of its name and of its extra field, before its data."""
_Stream = IO[bytes] | io.BufferedIOBase
_MEMBER = ".npy"
_PART = 1 << 20
_SMALL, _RATIO = 1 << 28, 25
"""The content of a file takes at most 256 MiB of memory, or as many times the bytes of the file."""


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


def open_array(place: Place, what: str, *, num_draws: int | None = None) -> ArraySource:
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
    with reading(place.path):
        array = FileArray(place.path, _OPENERS[suffix](place, what, num_draws))
        if array.shape[:1] != (0,) and 0 in array.shape:
            raise InputError(f"it holds no numbers; its shape is {[*array.shape]}")
        return array


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """The one border of files: whatever reading one raises becomes an error that names it.

    A reader meets bytes that somebody else wrote, and raises what its author did not think of: zlib.error,
    struct.error, RecursionError, MemoryError ... All become a DataError. Errors raised on purpose keep their class and
    get the file's name; errors of the system, such as a missing permission, pass.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:
        system = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
        if isinstance(error, LindleyError) or system:
            raise
        said = str(error) or type(error).__name__
        raise DataError(f"{path} is damaged, or no {path.suffix} file: {said}") from error


@final
class FileArray:
    """An array in a file, of which slices are read; what goes wrong then names the file."""

    def __init__(self, path: Path, array: ArraySource) -> None:
        self._path, self._array = path, array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    def read(self, axis: int, wanted: slice | Positions) -> Tensor:
        """See ArraySource."""
        with reading(self._path):
            return self._array.read(axis, wanted)


def chosen_name(place: Place, what: str, available: Sequence[str], kind: str) -> str:
    """Return which of the arrays or columns is meant. Raises InputError where that cannot be said."""
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
    if available.count(name) > 1:
        raise InputError(
            f"there are {available.count(name)} {kind}s of the name {name!r}; each needs a name of its own"
        )
    return name


def npz_names(path: Path) -> list[str]:
    """Return the names of the arrays in an .npz file, in its order."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(_MEMBER) for name in archive.namelist() if name.endswith(_MEMBER)]


def read_npz_array(path: Path, name: str) -> np.ndarray:
    """Return an array of an .npz file: mapped where it is not compressed, else read.

    Its place in the file, its length and its checksum are verified before any of it is used.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(name + _MEMBER)
        start = _place_of(path, archive, member)
        compressed = member.compress_type == zipfile.ZIP_DEFLATED
        member.file_size += 1  # so that a member with more than it says is noticed, and not cut
        with archive.open(member) as stream:
            shape, by_columns, dtype = _header(stream)
            offset, size = stream.tell(), math.prod(shape) * dtype.itemsize
            if compressed:
                refuse_inflation(path, size)
            content = _verified(stream, size, keep=compressed)
    if compressed or size == 0:
        return content.view(dtype).reshape(shape, order="F" if by_columns else "C")
    return np.memmap(path, dtype, "r", start + offset, shape, "F" if by_columns else "C")


def map_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file, mapped into memory: only what is looked at is read."""
    with path.open("rb") as file:
        shape, by_columns, dtype = _header(file)
        offset = file.tell()
    size = math.prod(shape) * dtype.itemsize
    missing = offset + size - path.stat().st_size
    if missing:
        many = f"{missing:,} bytes are missing" if missing > 0 else f"{-missing:,} bytes are too many"
        raise ValueError(f"its header says an array of {size:,} bytes, and {many}")
    if size == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if by_columns else "C")


def refuse_inflation(path: Path, size: int) -> None:
    """Refuse a file that asks for far more memory than it has bytes: no predictions compress like that."""
    if size > inflation_limit(path):
        raise InputError(
            f"{path.stat().st_size:,} bytes inflate to {size:,}, which is more than any predictions compress. If they "
            "are meant, save them uncompressed, with numpy.save"
        )


def inflation_limit(path: Path) -> int:
    """Return how many bytes of memory the content of this file may take."""
    return max(_SMALL, _RATIO * path.stat().st_size)


def _place_of(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return where the member's data begin. Raises ValueError where they are not a stretch of the file of their own."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in a way that NumPy does not write")
    if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
        raise ValueError(f"{member.filename} is not compressed, and says two lengths")
    with path.open("rb") as file:
        file.seek(member.header_offset)
        start: int = file.tell() + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size)))
    others = [other.header_offset for other in archive.infolist() if other is not member]
    following: int = min([offset for offset in others if offset >= member.header_offset], default=archive.start_dir)
    if start + member.compress_size > min(following, archive.start_dir):
        raise ValueError(f"{member.filename} lies over another part of the file")
    return start


def _verified(stream: _Stream, size: int, *, keep: bool) -> np.ndarray:
    """Read to the end, where zipfile compares the checksum, and return the bytes, or none where they are not kept."""
    content = np.empty(size if keep else 0, np.uint8)
    found = 0
    while part := stream.read(_PART):
        if found + len(part) > size:
            raise ValueError("a member is longer than its header says")
        if keep:
            content[found : found + len(part)] = np.frombuffer(part, np.uint8)
        found += len(part)
    if found != size:
        raise ValueError(f"a member has {found:,} of the {size:,} bytes that its header says")
    return content


def _header(file: _Stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether the first axis is the fastest, and dtype; the file stands at the data afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers written by Python 2, and of syntax in damaged ones
        shape, by_columns, dtype = _READERS[np.lib.format.read_magic(file)](file)
    if dtype.hasobject:
        raise InputError("it holds Python objects, which are pickles and never loaded; save an array of numbers")
    if dtype.itemsize == 0 or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"its header says {dtype} of shape {shape}")
    return shape, by_columns, dtype


def _open_npy(place: Place, what: str, num_draws: int | None) -> ArraySource:
    if place.name is not None:
        raise InputError(f"an .npy file holds one array without a name; got the name {place.name!r}")
    return NumpySource(map_npy(place.path))


def _open_npz(place: Place, what: str, num_draws: int | None) -> ArraySource:
    return NumpySource(read_npz_array(place.path, chosen_name(place, what, npz_names(place.path), "array")))


def _open_safetensors(place: Place, what: str, num_draws: int | None) -> ArraySource:
    from lindley.apps.safetensors_files import open_safetensors

    return open_safetensors(place, what)


def _open_parquet(place: Place, what: str, num_draws: int | None) -> ArraySource:
    from lindley.apps.parquet_files import open_parquet

    return open_parquet(place, what, num_draws=num_draws)


_OPENERS: dict[str, Callable[[Place, str, int | None], ArraySource]] = {
    ".npy": _open_npy,
    ".npz": _open_npz,
    ".safetensors": _open_safetensors,
    ".parquet": _open_parquet,
}
