"""Where data files lie: data_dir, then $LINDLEY_DATA, then the user's cache folder, fetched there when missing."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from lindley.datasets.fetch import cache_folder, fetch_file
from lindley.datasets.files import DataFile, read_verified
from lindley.errors import DataError

DATA_VARIABLE = "LINDLEY_DATA"


def obtain(file: DataFile, *, data_dir: Path | None, download: bool) -> bytes:
    """Return the verified, decompressed bytes of a file, from the first place that has it.

    A damaged file of the user's own is refused and left alone; one in the cache folder is renamed to
    `NAME.damaged` and fetched anew.

    Args:
        file: What is wanted.
        data_dir: Where it is looked for first; then $LINDLEY_DATA, then the user's cache folder.
        download: Whether it may be fetched.

    Raises:
        DataError: If it cannot be had; the message names the file and says what to do.
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
                raise DataError(f"{error}. Nothing was loaded from it; remove it to have it fetched anew.") from None
            _set_aside(cached, error)
    if not download:
        raise DataError(f"{_missing(file, data_dir)} Nothing may be fetched here.")
    try:
        return fetch_file(file, cached)
    except DataError as error:
        raise DataError(f"{_missing(file, data_dir)} Fetching failed:\n{error}\n{_advice(file)}") from None


def place_of(file: DataFile, data_dir: Path | None) -> Path | None:
    """Return the path at which obtain() would find the file without fetching it; the file is not opened."""
    folders = [*user_folders(data_dir), cache_folder()]
    return next((folder / file.path for folder in folders if os.path.exists(folder / file.path)), None)


def user_folders(data_dir: Path | None) -> list[Path]:
    """Return the folders that belong to the user, in the order in which they are searched.

    Raises DataError for one that is not there: a misspelt folder would else start a download.
    """
    variable = os.environ.get(DATA_VARIABLE)
    named = [("the data folder", data_dir), (f"${DATA_VARIABLE},", Path(variable).expanduser() if variable else None)]
    for what, folder in named:
        if folder is not None and not os.path.isdir(folder):
            raise DataError(f"{what} {folder} is not a folder. Create it, or name the folder that holds the data.")
    return [folder for _, folder in named if folder is not None]


def _read_own(path: Path, file: DataFile) -> bytes:
    try:
        return read_verified(path, file)
    except DataError as error:
        raise DataError(
            f"{error}. Nothing was loaded from it; replace it by a good copy, or remove it to have it fetched."
        ) from None


def _set_aside(path: Path, error: DataError) -> None:
    damaged = path.with_name(f"{path.name}.damaged")
    try:
        os.replace(path, damaged)
    except OSError as os_error:
        raise DataError(f"{error}, and it cannot be renamed: {os_error.strerror}. Remove it.") from None
    logging.getLogger("lindley").warning("%s. It is kept as %s and fetched anew.", error, damaged.name)


def _missing(file: DataFile, data_dir: Path | None) -> str:
    looked = ", ".join(str(folder / file.path) for folder in [*user_folders(data_dir), cache_folder()])
    return f"{file.path} was not found; looked for {looked}."


def _advice(file: DataFile) -> str:
    return f"Put a copy at FOLDER/{file.path} and name FOLDER with --data-dir or in ${DATA_VARIABLE}."
