"""A data set's files: which bytes they must hold, and reading them only if they hold just those."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import DataError


@dataclass(frozen=True)
class DataFile:
    """One gzip file. The decompressed bytes decide, since mirrors compress anew.

    path: where it lies below a data folder, as "mnist/train-images-idx3-ubyte.gz".
    sha256, num_bytes: of the decompressed bytes.
    mirrors: addresses of folders, tried in turn; the file's own name is put after each.
    """

    path: str
    sha256: str
    num_bytes: int
    mirrors: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(mirror + self.name for mirror in self.mirrors)


def read_verified(path: Path, file: DataFile, *, shown_as: str | None = None) -> bytes:
    """Return the decompressed bytes of a file, if they are the right ones.

    Args:
        path: Where the file lies.
        file: What it must hold.
        shown_as: What messages call it; the path where it is not given.

    Raises:
        DataError: If it cannot be read, or holds other bytes; the message names it.
    """
    shown = shown_as or path
    try:
        with gzip.open(path) as stream:
            # One byte more than needed: a file that unpacks to gigabytes is refused without unpacking it.
            content = stream.read(file.num_bytes + 1)
    except EOFError:
        raise DataError(f"{shown} is truncated: its compressed data break off") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{shown} is altered or no gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"{shown} cannot be read: {error.strerror or error}") from None
    if len(content) != file.num_bytes:
        there = f"more than {file.num_bytes:,}" if len(content) > file.num_bytes else f"{len(content):,}"
        raise DataError(f"{shown} is altered: it unpacks to {there} bytes, not {file.num_bytes:,}")
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(
            f"{shown} is altered: the sha256 of its unpacked bytes is {found[:16]}…, not {file.sha256[:16]}…"
        )
    return content
