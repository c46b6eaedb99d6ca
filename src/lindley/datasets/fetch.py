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

    Target appears whole and verified, or not at all. Raises DataError with one line for each mirror's fault.
    """
    faults = []
    for address in file.addresses:
        part = _new_part(target)
        try:
            _download(address, part, file)
            content = read_verified(part, file, shown_as=address)
            _publish(part, target)
            return content
        except DataError as error:
            faults.append(f"  {error}")
        finally:
            part.unlink(missing_ok=True)
    raise DataError("\n".join(faults))


def _new_part(target: Path) -> Path:
    """An empty file beside target, of a name that no other process has."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise DataError(f"  {target.parent} cannot be written to: {error.strerror}") from None
    os.close(handle)
    return Path(name)


def _download(address: str, part: Path, file: DataFile) -> None:
    import pooch
    import requests  # pooch's own; here for the names of its errors

    # gzip never makes a file larger than this: more is not the file, and might not end.
    bar = TransferBar(file.path, address, limit=file.num_bytes + 2 * _CHUNK_BYTES)
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
    except requests.ConnectionError:
        raise DataError(f"{address} could not be reached, or the connection broke off") from None
    except requests.RequestException as error:
        raise DataError(f"{address} could not be fetched: {type(error).__name__}") from None
    except OSError as error:
        raise DataError(f"{part.parent} cannot be written to: {error.strerror}") from None


def _publish(part: Path, target: Path) -> None:
    """Make the part the target, on the disk and not only in its buffers."""
    try:
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(part, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror}") from None
