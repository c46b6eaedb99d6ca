"""Arrays in .npy and .npz files: mapped into memory where they are not compressed, and never unpickled."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from lindley.acquisition.array_sources import ArraySource, NumpySource
from lindley.apps.input_files import Location, choose_name, refuse_inflation
from lindley.errors import InputError

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LOCAL_HEADER = struct.Struct("<26xHH")
"""The lengths of a zip member's name and of its extra field, which stand before its data."""
_Stream = IO[bytes] | io.BufferedIOBase
_MEMBER = ".npy"
_PART_BYTES = 1 << 20


def open_npy(location: Location) -> ArraySource:
    """Open the array of an .npy file. Raise InputError for a name, since such an array has none."""
    if location.name is not None:
        raise InputError(
            f"an .npy file holds one array without a name; got the name {location.name!r}",
            argument=str(location.path),
            got=location.name,
        )
    return NumpySource(map_npy(location.path))


def open_npz(location: Location, default: str) -> ArraySource:
    """Open an array of an .npz file: the one that the location names, else the one called `default`."""
    name = choose_name(location, default, npz_names(location.path), "array")
    return NumpySource(read_npz_array(location.path, name))


def npz_names(path: Path) -> list[str]:
    """Return the names of the arrays in an .npz file, in its order."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(_MEMBER) for name in archive.namelist() if name.endswith(_MEMBER)]


def read_npz_array(path: Path, name: str) -> np.ndarray:
    """Return an array of an .npz file: mapped where it is not compressed, else read.

    Its position in the file, its length and its checksum are verified before any of it is used.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(name + _MEMBER)
        start = _data_start(path, archive, member)
        compressed = member.compress_type == zipfile.ZIP_DEFLATED
        member.file_size += 1  # so that a member with more bytes than its header says is noticed, and not truncated
        with archive.open(member) as stream:
            shape, by_columns, dtype = _read_header(stream)
            offset, size = stream.tell(), math.prod(shape) * dtype.itemsize
            if compressed:
                refuse_inflation(path, size)
            content = _read_and_verify(stream, size, keep=compressed)
    if compressed or size == 0:
        return content.view(dtype).reshape(shape, order="F" if by_columns else "C")
    return np.memmap(path, dtype, "r", start + offset, shape, "F" if by_columns else "C")


def map_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file, mapped into memory: only the parts that are used are read."""
    with path.open("rb") as file:
        shape, by_columns, dtype = _read_header(file)
        offset = file.tell()
    size = math.prod(shape) * dtype.itemsize
    missing = offset + size - path.stat().st_size
    if missing:
        many = f"{missing:,} bytes are missing" if missing > 0 else f"{-missing:,} bytes are too many"
        raise ValueError(f"its header says an array of {size:,} bytes, and {many}")
    if size == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if by_columns else "C")


def _data_start(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return the offset of a member's data. Raise ValueError where they overlap with another part of the file."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} has a compression that NumPy does not write")
    if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
        raise ValueError(f"{member.filename} is not compressed, and has two different lengths")
    with path.open("rb") as file:
        file.seek(member.header_offset)
        start: int = file.tell() + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size)))
    others = [other.header_offset for other in archive.infolist() if other is not member]
    following: int = min([offset for offset in others if offset >= member.header_offset], default=archive.start_dir)
    if start + member.compress_size > min(following, archive.start_dir):
        raise ValueError(f"{member.filename} lies over another part of the file")
    return start


def _read_and_verify(stream: _Stream, size: int, *, keep: bool) -> np.ndarray:
    """Read to the end, where zipfile compares the checksum, and return the bytes, or none unless `keep`."""
    content = np.empty(size if keep else 0, np.uint8)
    found = 0
    while part := stream.read(_PART_BYTES):
        if found + len(part) > size:
            raise ValueError("a member is longer than its header says")
        if keep:
            content[found : found + len(part)] = np.frombuffer(part, np.uint8)
        found += len(part)
    if found != size:
        raise ValueError(f"a member has {found:,} of the {size:,} bytes that its header says")
    return content


def _read_header(file: _Stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether the first axis varies fastest, and dtype; the data follow in the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers written by Python 2, and about syntax in damaged ones
        shape, by_columns, dtype = _HEADER_READERS[np.lib.format.read_magic(file)](file)
    if dtype.hasobject:
        raise InputError(
            "it holds Python objects, which are pickles and never loaded; save an array of numbers", got=dtype
        )
    if dtype.itemsize == 0 or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"its header says {dtype} of shape {shape}")
    return shape, by_columns, dtype
