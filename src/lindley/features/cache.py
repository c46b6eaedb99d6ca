"""Features on disk: computed once for each item and version, continued after a kill, grown where a pool grows.

    FOLDER/VERSION/state.json, state.npz     what the method learnt
    FOLDER/VERSION/features.npy              [N, D] float32
    FOLDER/VERSION/hashes.npy                [N] the sha256 of each row's item
    FOLDER/VERSION/checksums.json            by N the sha256 of features.npy, of those before too: a kill leaves one
    FOLDER/VERSION/blocks/000000500.npz      rows from 500 on that are not yet in these two

Each file is whole or absent. Blocks are joined when all rows have features; only then do they go.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock

from lindley.errors import DataError, InputError
from lindley.features.method import (
    Contents,
    FeatureMethod,
    Progress,
    Transform,
    block_bounds,
    compute_block,
    content_hashes,
    fit_to_rows,
)
from lindley.features.state import load_state, save_state
from lindley.files import make_folder, read_plain_file, sync_folder, write_atomically, write_json

_COPY_ROWS = 5_000
_HASH_BYTES = 64


class FeatureCache:
    """The features of one pool by one method. Several processes may use one folder; they wait for each other."""

    def __init__(self, folder: str | os.PathLike[str], method: FeatureMethod) -> None:
        """Take the folder of all versions, which is made where it is missing, and the method."""
        self.method = method
        self.folder = Path(folder) / method.version
        self._restored: Transform | None = None

    def features(
        self,
        contents: Contents,
        *,
        hashes: Sequence[str] | None = None,
        on_progress: Progress = lambda done, total: None,
    ) -> np.ndarray:
        """Return the features of a pool, of which only those that are not stored yet are computed.

        Args:
            contents: The items; those that were there before come first and unchanged.
            hashes: The sha256 of each item; None computes them.
            on_progress: Is called at the start and after each block of items.

        Returns:
            The features, [N, D] float32, mapped from their file and read-only.

        Raises:
            InputError: If items cannot be used, or are not those that were there before; `error.rows` lists them.
            DataError: If the stored files were altered.
        """
        hashes = content_hashes(contents, self.method.kind) if hashes is None else hashes
        _check_hashes(hashes, len(contents))
        make_folder(self.folder)
        with FileLock(self.folder / "lock"):
            done = self._check_stored(hashes)
            on_progress(done, len(contents))
            if done < len(contents):
                self._compute(contents, hashes, done, on_progress)
            self._join_blocks()
        return self._load("features.npy")

    def transform(self, contents: Contents) -> np.ndarray:
        """Return the features of other items by what was learnt from the pool; they are not stored.

        Args:
            contents: n items.

        Returns:
            The features, [n, D] float32.

        Raises:
            InputError: If items cannot be used, or if nothing was learnt from a pool yet.
        """
        transform = self._restored = self._restored or self._restore()
        bounds = block_bounds(0, len(contents), self.method.block_rows)
        blocks = [compute_block(transform, contents, start, stop) for start, stop in bounds]
        if not blocks:
            raise InputError(argument="contents", expected="at least one item", got=0)
        return np.concatenate(blocks)

    def _restore(self) -> Transform:
        state = load_state(self.folder)
        if state is None:
            raise InputError(
                f"{self.folder} holds nothing that was learnt from a pool: call features(pool) first.",
                argument="folder",
                got=str(self.folder),
            )
        return self.method.restore(state)

    def _compute(self, contents: Contents, hashes: Sequence[str], done: int, on_progress: Progress) -> None:
        state = load_state(self.folder)
        if state is None and done:
            raise DataError(f"{self.folder} has lost what was learnt from the pool; delete it", path=self.folder)
        if state is None:
            state = fit_to_rows(self.method, contents, hashes)
            save_state(self.folder, state)
        transform = self.method.restore(state)
        num_features = self._num_features()
        for start, stop in block_bounds(done, len(contents), self.method.block_rows):
            features = compute_block(transform, contents, start, stop)
            num_features = num_features or features.shape[1]
            if features.shape[1] != num_features:
                expected = f"[n, {num_features}], as those before"
                raise InputError(argument="features", expected=expected, got=[*features.shape])
            buffer = io.BytesIO()
            np.savez(buffer, features=features, hashes=_as_bytes(hashes[start:stop]))
            write_atomically(self._blocks / f"{start:09}.npz", buffer.getvalue())
            on_progress(stop, len(contents))

    def _num_features(self) -> int | None:
        """Return the length of the stored vectors; None where there are none."""
        if self._num_joined():
            return int(self._load("features.npy").shape[1])
        return next((part.shape[1] for part in self._read_blocks("features")), None)

    def _check_stored(self, hashes: Sequence[str]) -> int:
        """Return the number of rows that are stored. Raise InputError where they belong to other items.

        Raise DataError where the features were altered; this is read whole once, before they are used or copied.
        """
        if joined := self._num_joined():
            path = self.folder / "features.npy"
            if self._read_checksums().get(str(joined)) != _file_sha256(path):
                raise self._damage_error(path, ValueError("its sha256 is not the stored one"))
        parts = [self._load("hashes.npy")[: self._num_joined()]] if self._num_joined() else []
        parts += self._read_blocks("hashes")
        stored = np.concatenate(parts) if parts else _as_bytes([])
        given = _as_bytes(hashes[: len(stored)])
        changed = (stored[: len(given)] != given).nonzero()[0].tolist()
        changed += range(len(given), len(stored))
        if changed:
            raise InputError(
                f"New items come after the old ones. To compute the features of another pool, delete {self.folder}.",
                argument="contents",
                expected="the items whose features are stored, in their order",
                rows=changed,
            )
        return len(stored)

    def _join_blocks(self) -> None:
        """Append the blocks to the two files: the hashes first, so that each stored vector has one."""
        joined = self._num_joined()
        hashes = [self._load("hashes.npy")[:joined]] if joined else []
        hashes += self._read_blocks("hashes")
        num_rows = sum(map(len, hashes))
        if num_rows == joined:
            shutil.rmtree(self._blocks, ignore_errors=True)  # what a kill left
            return
        with _replace(self.folder / "hashes.npy") as path:
            _write_array(path, num_rows, hashes)
        known = self._read_checksums() if joined else {}
        with _replace(self.folder / "features.npy") as path:
            _write_array(path, num_rows, self._all_features(joined))
            write_json(self.folder / "checksums.json", {**known, str(num_rows): _file_sha256(path)})
        shutil.rmtree(self._blocks)

    def _all_features(self, joined: int) -> Iterator[np.ndarray]:
        if joined:
            stored = self._load("features.npy")
            for start, stop in block_bounds(0, joined, _COPY_ROWS):
                yield stored[start:stop]
        yield from self._read_blocks("features")

    @property
    def _blocks(self) -> Path:
        return self.folder / "blocks"

    def _num_joined(self) -> int:
        return len(self._load("features.npy")) if (self.folder / "features.npy").exists() else 0

    def _read_blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield the "features" or the "hashes" of the blocks that are not joined yet, in order."""
        row = self._num_joined()
        while (path := self._blocks / f"{row:09}.npz").exists():
            try:
                with np.load(path, allow_pickle=False) as archive:
                    part = archive[name]
            except Exception as error:  # whatever a reader raises at damaged bytes
                raise self._damage_error(path, error) from None
            row += len(part)
            yield part

    def _load(self, name: str) -> np.ndarray:
        try:
            array: np.ndarray = np.load(self.folder / name, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # whatever a reader raises at damaged bytes
            raise self._damage_error(self.folder / name, error) from None
        return array

    def _read_checksums(self) -> dict[str, str]:
        path = self.folder / "checksums.json"
        try:
            return dict(json.loads(read_plain_file(path)))
        except (OSError, ValueError, TypeError) as error:
            raise self._damage_error(path, error) from None

    def _damage_error(self, path: Path, error: Exception) -> DataError:
        reason = f"{type(error).__name__}: {error}"
        return DataError(f"{path} was altered ({reason}); delete {self.folder} to compute it anew", path=path)


def _check_hashes(hashes: Sequence[str], num_items: int) -> None:
    if not num_items:
        raise InputError(argument="contents", expected="at least one item", got=0)
    if len(hashes) != num_items:
        raise InputError(argument="hashes", expected=f"one for each of the {num_items} items", got=len(hashes))
    long = [row for row, each in enumerate(hashes) if len(each.encode()) > _HASH_BYTES]
    if long:
        expected = f"of at most {_HASH_BYTES} bytes, as a sha256 in hexadecimal digits"
        raise InputError(argument="hashes", expected=expected, got=hashes[long[0]], rows=long)


def _as_bytes(hashes: Sequence[str]) -> np.ndarray:
    return np.array([each.encode() for each in hashes], dtype=f"S{_HASH_BYTES}")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _replace(path: Path) -> Iterator[Path]:
    """Yield a temporary path that takes the place of a file, once it is written and durable."""
    temporary = path.with_name(path.name + ".partial")
    yield temporary
    os.replace(temporary, path)
    sync_folder(path.parent)


def _write_array(path: Path, num_rows: int, parts: Iterator[np.ndarray] | Sequence[np.ndarray]) -> None:
    """Write parts of an array one after the other, so that it is never in memory as a whole."""
    with path.open("wb") as file:
        for place, part in enumerate(parts):
            if place == 0:
                shape = (num_rows, *part.shape[1:])
                header = {"descr": part.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(part).tobytes())
        file.flush()
        os.fsync(file.fileno())
