"""The IDX format of MNIST's files: a magic number, the length of each axis, then the bytes."""

from __future__ import annotations

import math
import struct

import numpy as np

from lindley.errors import DataError

_UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, *, name: str) -> np.ndarray:
    """Return the array of unsigned bytes in an uncompressed IDX file: a read-only view of content.

    Raises DataError, which names the file, unless magic number, axes and length agree.
    Source: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT".
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE or content[3] == 0:
        raise DataError(
            f"{name} is not an IDX file of unsigned bytes: it should begin with 00 00 08 and its number of axes; "
            f"it begins with {content[:4].hex(' ') or 'nothing'}.",
            path=name,
        )
    num_axes = content[3]
    start = 4 + 4 * num_axes
    if len(content) < start:
        raise DataError(
            f"{name} is truncated within its header: {start} bytes expected, got {len(content)}.", path=name
        )
    shape = struct.unpack(f">{num_axes}I", content[4:start])
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"{name} should hold {start + math.prod(shape)} bytes, by the shape {list(shape)} in its header; "
            f"it holds {len(content)}.",
            path=name,
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
