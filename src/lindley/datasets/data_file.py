"""The files of data sets, which are read only if they hold exactly the known bytes."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import DataError


@dataclass(frozen=True)
class DataFile:
    """A gzip file. Its decompressed bytes are verified, since mirrors compress differently."""

    path: str
    """The path below a data folder, such as "mnist/train-images-idx3-ubyte.gz"."""
    sha256: str
    """The hash of the decompressed bytes."""
    num_bytes: int
    """The number of decompressed bytes."""
    mirrors: tuple[str, ...]
    """Addresses of folders, tried in turn; the file's name is appended to each."""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(mirror + self.name for mirror in self.mirrors)


def read_verified(path: Path, file: DataFile, *, display_name: str | None = None) -> bytes:
    """Return the decompressed bytes of a file, verified by length and hash.

    Args:
        path: The file to read.
        file: The expected length and hash.
        display_name: The file's name in messages; None for the path.

    Raises:
        DataError: If the file cannot be read, or holds other bytes; the message and `error.path` name it.
    """
    name = display_name or path
    try:
        with gzip.open(path) as stream:
            # One byte more than expected: a file that unpacks to gigabytes is refused without unpacking it.
            content = stream.read(file.num_bytes + 1)
    except EOFError:
        raise DataError(f"{name} is truncated: its compressed data break off", path=path) from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name} is altered or no gzip file: {error}", path=path) from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}", path=path) from None
    if len(content) != file.num_bytes:
        there = f"more than {file.num_bytes:,}" if len(content) > file.num_bytes else f"{len(content):,}"
        raise DataError(f"{name} is altered: it unpacks to {there} bytes, not {file.num_bytes:,}", path=path)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(
            f"{name} is altered: the sha256 of its unpacked bytes is {found[:16]}…, not {file.sha256[:16]}…", path=path
        )
    return content
