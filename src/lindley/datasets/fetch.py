"""Fetching one file from its mirrors in turn, until the decompressed bytes are the right ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lindley.datasets.files import DataFile, read_verified
from lindley.datasets.transfer_bar import TransferBar
from lindley.errors import DataError

TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two pieces of an answer."""
_CHUNK_BYTES = 1 << 16


def cache_folder() -> Path:
    """The user's cache folder, where lindley puts what it fetches."""
    import pooch

    return Path(pooch.os_cache("lindley"))


def fetch_file(file: DataFile, target: Path) -> bytes:
    """Put the file at target and return its decompressed bytes.

    Target appears whole and verified, or not at all. Raises DataError with one line for each mirror's fault; a
    fault of the own disk ends the search, since the next mirror would meet it too.
    """
    faults = []
    for address in file.addresses:
        try:
            return _fetch_from(address, file, target)
        except DataError as error:
            faults.append(f"  {error}")
        except OSError as error:
            raise DataError(f"  {target.parent} cannot be written to: {error.strerror or error}") from None
    raise DataError("\n".join(faults))


def _fetch_from(address: str, file: DataFile, target: Path) -> bytes:
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name that no other process has: two that fetch the same file do not disturb each other.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        _download(address, part, file)
        content = read_verified(part, file, shown_as=address)
        _publish(part, target)
        return content
    finally:
        part.unlink(missing_ok=True)


def _download(address: str, part: Path, file: DataFile) -> None:
    import pooch
    import requests  # pooch's own; here for the names of its errors

    # gzip never makes a file larger than this: more is not the file, and might not end.
    bar = TransferBar(file.path, address, part, limit=file.num_bytes + 2 * _CHUNK_BYTES)
    # "identity": else a server may mark the file as compressed for the way, and requests would unpack it.
    download = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=_CHUNK_BYTES,
        timeout=TIMEOUT_SECONDS,
        headers={"Accept-Encoding": "identity"},
    )
    try:
        with bar:
            download(address, str(part), None)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise DataError(f"{address} answered HTTP {status}") from None
    except requests.Timeout:
        raise DataError(f"{address} did not answer in time") from None
    except requests.exceptions.ChunkedEncodingError:
        raise DataError(f"{address}: the connection broke off") from None
    except requests.ConnectionError:
        raise DataError(f"{address} could not be reached, or fell silent") from None
    except requests.RequestException as error:
        raise DataError(f"{address} could not be fetched: {type(error).__name__}") from None


def _publish(part: Path, target: Path) -> None:
    """Make the part the target, on the disk and not only in its buffers."""
    _flush_to_disk(part)
    os.replace(part, target)
    _flush_to_disk(target.parent)


def _flush_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # a folder cannot be opened there
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
