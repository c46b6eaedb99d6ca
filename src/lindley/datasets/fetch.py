"""Fetching one file from its mirrors in turn, until the decompressed bytes are the right ones."""

from __future__ import annotations

import os
import queue
import tempfile
import threading
from pathlib import Path

from lindley.datasets.files import DataFile, read_verified
from lindley.errors import DataError

TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two pieces of an answer."""
_CHUNK_BYTES = 1 << 16
MOST_SECONDS = 3600.0
"""For one file from one mirror: a server that sends a byte now and then would never end."""


def cache_folder() -> Path:
    """Return the user's cache folder, where lindley puts what it fetches."""
    import pooch

    return Path(pooch.os_cache("lindley"))


def fetch_file(file: DataFile, target: Path, *, most_seconds: float = MOST_SECONDS) -> bytes:
    """Put the file at target and return its decompressed bytes.

    Target appears whole and verified, or not at all.

    Args:
        file: What is fetched, and its mirrors.
        target: Where it is put.
        most_seconds: For each mirror, from the first byte sent to the last received; then the next one is tried.

    Raises:
        DataError: With one line for each mirror's fault. A fault of the own disk ends the search, since the next mirror
            would meet it too.
    """
    faults = []
    for address in file.addresses:
        try:
            return _fetch_from(address, file, target, most_seconds)
        except DataError as error:
            faults.append(f"  {error}")
        except OSError as error:
            raise DataError(f"  {target.parent} cannot be written to: {error.strerror or error}") from None
    raise DataError("\n".join(faults))


def _fetch_from(address: str, file: DataFile, target: Path, most_seconds: float) -> bytes:
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name that no other process has: two that fetch the same file do not disturb each other.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        _download(address, part, file, most_seconds)
        content = read_verified(part, file, shown_as=address)
        _publish(part, target)
        return content
    finally:
        part.unlink(missing_ok=True)


def _download(address: str, part: Path, file: DataFile, most_seconds: float) -> None:
    """In a thread that is left alone when its time is over: no other bound holds from the first header to the end."""
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            _transfer(address, part, file)
            outcome.put(None)
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        error = outcome.get(timeout=most_seconds)
    except queue.Empty:
        raise DataError(f"{address} had not sent the file after {most_seconds:g} seconds") from None
    if error is not None:
        raise error


def _transfer(address: str, part: Path, file: DataFile) -> None:
    import requests

    from lindley.datasets.transfer_bar import TransferBar  # rich is not needed to list files

    # gzip never makes a file larger than this: more is not the file, and might not end.
    bar = TransferBar(file.path, address, part, limit=file.num_bytes + 2 * _CHUNK_BYTES)
    # "identity": else a server may mark the file as compressed for the way, and requests would unpack it.
    plain = {"Accept-Encoding": "identity"}
    try:
        with bar, requests.get(address, headers=plain, timeout=TIMEOUT_SECONDS, stream=True) as answer:
            answer.raise_for_status()
            length = answer.headers.get("Content-Length", "")
            bar.total = int(length) if length.isdecimal() else 0
            with part.open("wb", buffering=0) as received:
                for piece in answer.iter_content(_CHUNK_BYTES):
                    received.write(piece)
                    bar.update(len(piece))
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
    except (DataError, OSError):
        raise
    except Exception as error:  # of a header that says what it cannot
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
