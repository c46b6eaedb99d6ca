"""The arrays of a session: files that carry their hash, named by events."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lindley.errors import InputError, JournalError
from lindley.files import read_plain_file, write_atomically
from lindley.session.events import ArraysFile

REMEDY = "Restore the file, or delete its folder to begin again."
"""The advice for a damaged file of a session or a trial."""


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
