"""The folders of data files: data_dir, then $LINDLEY_DATA, then the user's cache folder, where missing files go."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from lindley.datasets.data_file import DataFile, read_verified
from lindley.datasets.download import cache_folder, fetch_file
from lindley.errors import DataError

DATA_VARIABLE = "LINDLEY_DATA"


def read_or_fetch(file: DataFile, *, data_dir: Path | None, download: bool) -> bytes:
    """Return the verified, decompressed bytes of a file, from the first folder that has it.

    A damaged file of the user's own is refused and left alone; one in the cache folder is renamed to
    `NAME.damaged` and fetched anew.

    Args:
        file: The file, its length and its hash.
        data_dir: The folder to search first; then $LINDLEY_DATA, then the user's cache folder.
        download: Whether a missing file may be fetched.

    Raises:
        DataError: If the file is missing or damaged; the message says what to do, and `error.path` is the file.
    """
    for folder in user_folders(data_dir):
        if os.path.exists(folder / file.path):
            return _read_own(folder / file.path, file)
    cached = cache_folder() / file.path
    if os.path.exists(cached):
        try:
            return read_verified(cached, file)
        except DataError as error:
            if not download:
                raise DataError(
                    f"{error}. Nothing was loaded from it; remove it to fetch it again.", path=cached
                ) from None
            _keep_damaged(cached, error)
    if not download:
        raise DataError(f"{_search_message(file, data_dir)} Downloads are switched off.", path=file.path)
    try:
        return fetch_file(file, cached)
    except DataError as error:
        raise DataError(
            f"{_search_message(file, data_dir)} Fetching failed:\n{error}\n{_advice(file)}", path=file.path
        ) from None


def find_file(file: DataFile, data_dir: Path | None) -> Path | None:
    """Return the path at which `read_or_fetch` finds a file without fetching it, or None; the file is not opened."""
    folders = [*user_folders(data_dir), cache_folder()]
    return next((folder / file.path for folder in folders if os.path.exists(folder / file.path)), None)


def user_folders(data_dir: Path | None) -> list[Path]:
    """Return the user's own folders, in the order of the search.

    Raises DataError for a folder that does not exist, since a misspelt one would start a download.
    """
    variable = os.environ.get(DATA_VARIABLE)
    named = [("the data folder", data_dir), (f"${DATA_VARIABLE},", Path(variable).expanduser() if variable else None)]
    for title, folder in named:
        if folder is not None and not os.path.isdir(folder):
            raise DataError(
                f"{title} {folder} is not a folder. Create it, or name the folder that holds the data.", path=folder
            )
    return [folder for _, folder in named if folder is not None]


def _read_own(path: Path, file: DataFile) -> bytes:
    try:
        return read_verified(path, file)
    except DataError as error:
        raise DataError(
            f"{error}. Nothing was loaded from it; replace it by a good copy, or remove it to fetch it again.",
            path=path,
        ) from None


def _keep_damaged(path: Path, error: DataError) -> None:
    damaged = path.with_name(f"{path.name}.damaged")
    try:
        os.replace(path, damaged)
    except OSError as os_error:
        raise DataError(f"{error}, and it cannot be renamed: {os_error.strerror}. Remove it.", path=path) from None
    logging.getLogger("lindley").warning("%s. It is kept as %s and fetched again.", error, damaged.name)


def _search_message(file: DataFile, data_dir: Path | None) -> str:
    paths = ", ".join(str(folder / file.path) for folder in [*user_folders(data_dir), cache_folder()])
    return f"{file.path} was not found; looked for {paths}."


def _advice(file: DataFile) -> str:
    return f"Put a copy at FOLDER/{file.path} and name FOLDER with --data-dir or in ${DATA_VARIABLE}."
