"""A project in one file, and back: a zip with the sha256 of each file in it.

The database is copied as one moment has it, also while a server runs; training waits meanwhile. Images, and the tables
that were read, are not in it: they stay where they are. Features are in it, so that the model predicts as before.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lindley.errors import DataError, InputError
from lindley.files import ByteSink, open_atomically, sync_folder
from lindley.labelling.item_features import FOLDER as FEATURES
from lindley.labelling.item_features import VECTORS
from lindley.labelling.postgresql import PostgresqlDatabase
from lindley.labelling.project import Project
from lindley.labelling.settings import FILE_NAME, read_settings, write_settings
from lindley.labelling.sql import Storage
from lindley.labelling.storages import DATABASE
from lindley.labelling.table_copy import copy_from_sqlite
from lindley.session.locks import FileLock

MANIFEST = "manifest.json"
FORMAT = "lindley backup 1"
_FOLDERS = (FEATURES, "models", "epochs", "rounds")
_LEFT_OUT = (".partial", ".lock", ".holder")
_LOCK_SECONDS = 600.0  # that a round of training may take, and a backup waits for
_CHUNK = 1 << 20
_MAX_MANIFEST = 1 << 28
Progress = Callable[[int], None]


@dataclass(frozen=True)
class _Stored:
    """A file's entry in the manifest."""

    bytes: int
    sha256: str


def back_up_project(project: Project, path: Path, *, on_progress: Progress = lambda count: None) -> int:
    """Write a backup of a project, whole or not at all, and return the number of files in it.

    Args:
        project: The project; others may have it open, and label.
        path: The file, which is replaced where it is there.
        on_progress: Called with the number of files that are in it.

    Raises:
        InputError: If the file would lie in the project's folder.
        HeldError: If a round of training does not end in time.
    """
    if path.resolve().is_relative_to(project.folder.resolve()):
        raise InputError(f"{path} lies in the project itself; name a file elsewhere.", argument="file", got=str(path))
    manifest: dict[str, dict[str, Any]] = {}
    with (
        FileLock(project.folder / "trainer.lock", timeout=_LOCK_SECONDS),
        tempfile.TemporaryDirectory(prefix="lindley-backup-", dir=path.resolve().parent) as scratch,
        open_atomically(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
    ):
        database = Path(scratch) / DATABASE
        project.store.back_up(database)
        settings = project.folder / FILE_NAME
        if project.settings.database:  # it is the file now
            settings = Path(scratch) / FILE_NAME
            write_settings(settings.parent, project.settings.model_copy(update={"database": ""}))
        for name, source in [(DATABASE, database), (FILE_NAME, settings), *_files(project.folder)]:
            manifest[name] = _store(archive, name, source)
            on_progress(len(manifest))
        content = {"format": FORMAT, "lindley": version("lindley"), "files": manifest}
        archive.writestr(MANIFEST, json.dumps(content, indent=1))
    return len(manifest)


def restore_project(path: Path, folder: Path, *, database: str = "", on_progress: Progress = lambda count: None) -> int:
    """Restore a project from a backup: all of it, or nothing; return the number of files.

    Args:
        path: The backup.
        folder: The folder of the project, which must be missing or empty.
        database: The address of a PostgreSQL database that takes the labels, as `check_url` returns it; "": the folder.
        on_progress: Called with the number of files that are there.

    Raises:
        InputError: If the folder holds something, or the database a project.
        DataError: If the backup is truncated, was altered, or is none.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder} holds something already. Name a folder that is new, or empty.", argument="dir", got=str(folder)
        )
    folder = Path(os.path.abspath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.restoring-", dir=folder.parent))
    try:
        count = _extract(path, scratch, on_progress)
        if database:
            _move_labels(scratch, PostgresqlDatabase(database, folder / DATABASE), database)
        scratch.chmod(0o777 & ~_umask())
        if folder.exists():
            folder.rmdir()
        os.replace(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    sync_folder(folder.parent)
    return count


def _move_labels(folder: Path, storage: Storage, url: str) -> None:
    """Move the labels from the file in a folder into a database, whose address then stands in the settings."""
    with storage.reserve():
        copy_from_sqlite(folder / DATABASE, storage)
        write_settings(folder, read_settings(folder).model_copy(update={"database": url}))
        (folder / DATABASE).unlink()


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield what belongs to a project beside its database, by its name in the backup, sorted."""
    if (root / VECTORS).is_file():
        yield VECTORS, root / VECTORS
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.name != "lock" and path.suffix not in _LEFT_OUT:
                yield path.relative_to(root).as_posix(), path


def _store(archive: zipfile.ZipFile, name: str, source: Path) -> dict[str, Any]:
    """Write a file into the backup as it is read, and return its size and its sha256."""
    with source.open("rb") as file, archive.open(name, "w", force_zip64=True) as into:
        return _copy(file, into, None)


def _copy(file: IO[bytes] | BufferedIOBase, into: ByteSink, max_bytes: int | None) -> dict[str, Any]:
    digest, total = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        total += len(chunk)
        if max_bytes is not None and total > max_bytes:
            break
        digest.update(chunk)
        into.write(chunk)
    return {"bytes": total, "sha256": digest.hexdigest()}


def _extract(path: Path, folder: Path, on_progress: Progress) -> int:
    """Write the files of a backup into a folder, each checked against the manifest."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(archive)
            for count, (name, known) in enumerate(manifest.items(), 1):
                target = folder.joinpath(*PurePosixPath(name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as file, target.open("xb") as into:
                    found = _copy(file, into, known.bytes)
                    into.flush()
                    os.fsync(into.fileno())
                if found != {"bytes": known.bytes, "sha256": known.sha256}:
                    raise ValueError(f"{name} is not what the manifest says")
                on_progress(count)
            return len(manifest)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk, and no place before the beginning of the zip
            raise
        raise _damage_error(path, error) from None
    except MemoryError:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds for damaged bytes
        raise _damage_error(path, error) from None


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, _Stored]:
    """Return the files of a backup; an error of any kind where they are not those of its manifest."""
    names = archive.namelist()
    if archive.getinfo(MANIFEST).file_size > _MAX_MANIFEST:
        raise ValueError("its manifest is too large")
    content = json.loads(archive.read(MANIFEST))
    if content["format"] != FORMAT:
        raise ValueError(f"it is of the format {content['format']!r}, and this lindley reads {FORMAT!r}")
    files = {name: _Stored(int(each["bytes"]), str(each["sha256"])) for name, each in content["files"].items()}
    if sorted(names) != sorted([*files, MANIFEST]):
        raise ValueError("its files are not those of its manifest")
    if wrong := [name for name in files if not _belongs(name)]:
        raise ValueError(f"{wrong[0]!r} is no file of a project")
    if missing := [name for name in (FILE_NAME, DATABASE) if name not in files]:
        raise ValueError(f"it has no {missing[0]}")
    return files


def _belongs(name: str) -> bool:
    """Return whether a name is that of a file of a project: relative, and within it on any system."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or any(mark in part for mark in '\\:\0<>"|?*') for part in parts):
        return False
    return name in (FILE_NAME, DATABASE, VECTORS) or (len(parts) > 1 and parts[0] in _FOLDERS)


def _damage_error(path: Path, error: Exception) -> DataError:
    reason = str(error) or type(error).__name__
    return DataError(f"{path} is no whole backup of a project ({reason}). Nothing was restored.", path=path)


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before
