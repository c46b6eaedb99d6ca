"""The download of one file from its mirrors in turn, until one sends the right bytes."""

from __future__ import annotations

import os
import queue
import tempfile
import threading
from pathlib import Path

from lindley.datasets.data_file import DataFile, read_verified
from lindley.errors import DataError

TIMEOUT_SECONDS = (10.0, 30.0)
"""Limits for connecting, and between two pieces of an answer."""
_CHUNK_BYTES = 1 << 16
MAX_SECONDS = 3600.0
"""Limit for one file from one mirror: a server that sends a byte now and then would never end."""


def cache_folder() -> Path:
    """Return the user's cache folder, where lindley stores downloads."""
    import pooch

    return Path(pooch.os_cache("lindley"))


def fetch_file(
    file: DataFile,
    target: Path,
    *,
    timeouts: tuple[float, float] = TIMEOUT_SECONDS,
    max_seconds: float = MAX_SECONDS,
) -> bytes:
    """Download a file to a path and return its decompressed bytes.

    The path appears with the complete, verified file, or not at all.

    Args:
        file: The file and its mirrors.
        target: The path to write.
        timeouts: Seconds for connecting, and between two pieces of an answer.
        max_seconds: The limit for each mirror, from the first byte sent to the last received; then the next is tried.

    Raises:
        DataError: With one line for each mirror's fault. A fault of the local disk ends the search, since the next
            mirror would meet it too.
    """
    faults = []
    for address in file.addresses:
        try:
            return _fetch_from(address, file, target, timeouts, max_seconds)
        except DataError as error:
            faults.append(f"  {error}")
        except OSError as error:
            raise DataError(f"  {target.parent} cannot be written to: {error.strerror or error}", path=target) from None
    raise DataError("\n".join(faults), path=target)


def _fetch_from(address: str, file: DataFile, target: Path, timeouts: tuple[float, float], max_seconds: float) -> bytes:
    target.parent.mkdir(parents=True, exist_ok=True)
    # The name is unique, so that two processes that fetch the same file do not disturb each other.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        _download(address, part, file, timeouts, max_seconds)
        content = read_verified(part, file, display_name=address)
        _publish(part, target)
        return content
    finally:
        part.unlink(missing_ok=True)


def _download(address: str, part: Path, file: DataFile, timeouts: tuple[float, float], max_seconds: float) -> None:
    """Download in a thread that is abandoned when its time is over: no other limit covers headers and body."""
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            _transfer(address, part, file, timeouts)
            outcome.put(None)
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        error = outcome.get(timeout=max_seconds)
    except queue.Empty:
        raise DataError(f"{address} had not sent the file after {max_seconds:g} seconds") from None
    if error is not None:
        raise error


def _transfer(address: str, part: Path, file: DataFile, timeouts: tuple[float, float]) -> None:
    import requests

    from lindley.datasets.download_bar import DownloadBar  # listing files needs no rich

    # gzip never makes a file larger than this: a longer answer is another file, and might not end.
    bar = DownloadBar(file.path, address, part, limit=file.num_bytes + 2 * _CHUNK_BYTES)
    # "identity": otherwise a server may declare the file as compressed in transit, and requests would unpack it.
    plain = {"Accept-Encoding": "identity"}
    try:
        with bar, requests.get(address, headers=plain, timeout=timeouts, stream=True) as answer:
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
    except Exception as error:  # a header with impossible values
        raise DataError(f"{address} could not be fetched: {type(error).__name__}") from None


def _publish(part: Path, target: Path) -> None:
    """Rename the part to the target, and flush both to the disk."""
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
