"""The folder of a project that is being made: in the end the whole project is in it, or nothing of it.

`init.lock` stands in it meanwhile. A process that was killed leaves it, and then the next one starts over; only the
features of the same items are kept, which may have taken hours. Files of others are never touched: a folder that holds
any is refused.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lindley.errors import InputError
from lindley.files import write_atomically
from lindley.labelling.item_features import FOLDER as FEATURES
from lindley.labelling.item_features import VECTORS
from lindley.labelling.settings import FILE_NAME
from lindley.labelling.storages import DATABASE
from lindley.session.locks import FileLock

_MARK = "init"
_LOCK, _HOLDER, _ITEMS = f"{_MARK}.lock", f"{_MARK}.holder", f"{_MARK}.items"
_OURS = {_LOCK, _HOLDER, _ITEMS, FILE_NAME, VECTORS, FEATURES}


def check_free(folder: Path) -> None:
    """Raise InputError unless a project can be made in a folder: it is missing, empty, or a killed init left it."""
    if (folder / FILE_NAME).exists():
        raise InputError(
            f"{folder} holds a project already. Label it (lindley label {folder}), bring more data "
            f"(lindley add {folder} SOURCE), or name another folder.",
            argument="folder",
            got=str(folder),
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Name a folder that is new, or empty.", argument="folder")
    names = sorted(each.name for each in folder.iterdir()) if folder.exists() else []
    others = [name for name in names if not _is_ours(name)] if _LOCK in names else names
    if others:
        raise InputError(
            f"{folder} is no project, and holds other files ({others[0]!r}). Name a folder that is new, or empty.",
            argument="folder",
            got=str(folder),
        )


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Hold a folder while a project is made in it; after an error nothing of that is left.

    An interruption is no error: what is there already shortens the same command.

    Raises:
        InputError: If the folder holds anything else.
        HeldError: If another process makes a project in it.
    """
    check_free(folder)
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    lock = FileLock(folder / _MARK, timeout=0.0)
    try:
        check_free(folder)  # another process may have made one meanwhile
        _remove(folder, keep={_LOCK, _HOLDER, _ITEMS, FEATURES})
        try:
            yield
        except Exception:
            _remove(folder)
            with suppress(OSError):  # files of others came meanwhile
                for each in missing:
                    each.rmdir()
            raise
        _remove(folder, keep={FILE_NAME, DATABASE, VECTORS, FEATURES})
    finally:
        lock.release()


def keep_features_of(folder: Path, hashes: Iterable[str]) -> None:
    """Remove the features that a killed process left, unless they are of the items of these hashes."""
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest().encode()
    note = folder / _ITEMS
    if not note.is_file() or note.read_bytes() != digest:
        shutil.rmtree(folder / FEATURES, ignore_errors=True)
        write_atomically(note, digest)


def _is_ours(name: str) -> bool:
    return name.removesuffix(".partial") in _OURS or name.startswith(DATABASE)


def _remove(folder: Path, *, keep: Collection[str] = ()) -> None:
    """Remove what we made, but some of it."""
    for each in folder.iterdir():
        if not _is_ours(each.name) or each.name in keep:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            with suppress(PermissionError):  # on Windows, the lock that is held
                each.unlink()
