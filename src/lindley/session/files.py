"""Files that are whole or absent: atomic writes, and arrays that carry their hash."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lindley.errors import InputError, JournalError
from lindley.session.events import ArraysFile

_TEMPORARY = ".partial"
REMEDY = "Restore the file, or delete its folder to begin again."
"""The advice for a damaged file of a session or a trial."""
MAX_BYTES = 1 << 30
"""The largest file that is read whole; a larger one is none of ours."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole: a kill leaves the old file or the new one.

    Temporary file in the same folder -> fsync -> replace -> fsync the folder.
    """
    make_folder(path.parent)
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_plain_file(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a plain file. Raise OSError, at once, for a folder, a pipe, a device or a larger file."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer waits
    with open(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file", str(path))
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, more than {max_bytes:,}", str(path))
        return file.read()


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing; each is durable."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable. Does nothing on Windows, where a folder cannot be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, atomically and indented. Raises ValueError for NaN and infinities."""
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def save_arrays(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
    """Write `folder/arrays/name.npz` and return the reference by which an event names it.

    The same arrays give the same bytes. A file that an older event names is never overwritten by other content: the
    new file then bears its hash in its name.

    Args:
        folder: The session's folder.
        name: The name of the file, without its ending.
        arrays: The arrays by name.

    Raises:
        InputError: If an array holds Python objects.
    """
    buffer = io.BytesIO()
    try:
        np.savez_compressed(buffer, allow_pickle=False, **{key: np.asarray(array) for key, array in arrays.items()})
    except ValueError as error:
        raise InputError(f"The arrays {name!r} cannot be stored: {error}.", argument=name) from None
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    relative = f"arrays/{name}.npz"
    if (folder / relative).exists() and _sha256(folder / relative) != digest:
        relative = f"arrays/{name}-{digest[:8]}.npz"
    write_atomically(folder / relative, content)
    return ArraysFile(file=relative, sha256=digest)


def load_arrays(folder: Path, reference: ArraysFile) -> dict[str, np.ndarray]:
    """Return the arrays that an event names. Raises JournalError when the file is missing or was altered."""
    verify_arrays(folder, reference)
    path = folder / reference.file
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds
        raise JournalError(
            f"{path} holds no arrays that can be read ({type(error).__name__}). {REMEDY}", path=path
        ) from None


def verify_arrays(folder: Path, reference: ArraysFile) -> None:
    """Raise JournalError unless the file that an event names is there, byte for byte."""
    path = folder / reference.file
    if not path.is_file():
        raise JournalError(f"{path} is missing, but {folder / 'journal.jsonl'} names it. {REMEDY}", path=path)
    if _sha256(path) != reference.sha256:
        raise JournalError(f"{path} was altered: its sha256 is not the one in the journal. {REMEDY}", path=path)


def delete_unused_arrays(folder: Path, keep: set[str]) -> None:
    """Delete what kills and superseded rounds left in `folder/arrays`; `keep` holds the names that events name."""
    for path in (folder / "arrays").glob("*"):
        if f"arrays/{path.name}" not in keep:
            path.unlink()


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_plain_file(path)).hexdigest()
