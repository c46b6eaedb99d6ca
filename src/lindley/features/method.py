"""The contract of feature methods: what they read, what they learn, and the version by which features are cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np

from lindley.errors import InputError

Kind = Literal["text", "images", "rows", "vectors"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Contents: TypeAlias = Sequence[Any] | np.ndarray
"""The items. "text": strings. "images": paths, bytes of files, or uint8 arrays [h, w] and [h, w, 3]. "rows": JSON
objects, as text or as mappings from column to value. "vectors": numbers [n, D]."""
Transform: TypeAlias = Callable[[Contents], np.ndarray]
"""n items -> [n, D] float32."""
Progress: TypeAlias = Callable[[int, int], None]
"""Is called with the number of items that have features, and the number of all."""


@dataclass(frozen=True)
class LearntState:
    """The state that a method learnt: arrays by name, and settings as JSON values. It is stored without a pickle."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class FeatureMethod(Protocol):
    """A method that turns items into vectors: a frozen dataclass of its options."""

    @property
    def kind(self) -> Kind:
        """The kind of the items."""
        ...

    @property
    def fit_rows(self) -> int:
        """The largest number of items from which it learns; 0 where it learns nothing."""
        ...

    @property
    def block_rows(self) -> int:
        """The number of items whose features are computed and stored together."""
        ...

    @property
    def version(self) -> str:
        """The name of the method and a hash of all that its features depend on, save the items."""
        ...

    def fit(self, contents: Contents) -> LearntState:
        """Learn from some items of the pool. Raises InputError where they cannot be used."""
        ...

    def restore(self, state: LearntState) -> Transform:
        """Return the function from items to features that was learnt. Raises InputError for a state that is damaged."""
        ...


def compute_features(
    method: FeatureMethod, contents: Contents, *, on_progress: Progress = lambda done, total: None
) -> np.ndarray:
    """Learn from items and return their features in memory; `FeatureCache` keeps them on disk.

    Args:
        method: The method.
        contents: n items.
        on_progress: Is called after each block of items.

    Returns:
        The features, [n, D] float32.

    Raises:
        InputError: If items cannot be used; `error.rows` lists them.
    """
    hashes = content_hashes(contents, method.kind) if method.fit_rows else []
    transform = method.restore(fit_to_rows(method, contents, hashes))
    blocks = []
    for start, stop in block_bounds(0, len(contents), method.block_rows):
        blocks.append(compute_block(transform, contents, start, stop))
        on_progress(stop, len(contents))
    if not blocks:
        raise InputError(argument="contents", expected="at least one item", got=0)
    return np.concatenate(blocks)


def fit_to_rows(method: FeatureMethod, contents: Contents, hashes: Sequence[str]) -> LearntState:
    """Return what a method learns from the items of the smallest hashes, whatever the order of the pool.

    Args:
        method: The method.
        contents: All items.
        hashes: The hash of each item.

    Raises:
        InputError: If items cannot be used; `error.rows` lists them.
    """
    rows = sorted(range(len(hashes)), key=lambda row: (hashes[row], row))[: method.fit_rows]
    try:
        return method.fit(take(contents, rows))
    except InputError as error:
        raise _renumber(error, rows) from None


def compute_block(transform: Transform, contents: Contents, start: int, stop: int) -> np.ndarray:
    """Return the features of the rows from `start` to `stop`, checked.

    Args:
        transform: The function from items to features.
        contents: All items.
        start: The first row.
        stop: The row after the last.

    Raises:
        InputError: If they are not one finite vector of float32 for each item; `error.rows` lists the rows.
    """
    try:
        features = np.asarray(transform(contents[start:stop]))
    except InputError as error:
        raise _renumber(error, range(start, stop)) from None
    expected = f"[{stop - start}, D], one vector of numbers for each item"
    if features.ndim != 2 or len(features) != stop - start or features.dtype.kind not in "biuf":
        raise InputError(argument="features", expected=expected, got=f"{features.dtype} {[*features.shape]}")
    with np.errstate(over="ignore"):
        features = np.ascontiguousarray(features, dtype=np.float32)
    bad = ~np.isfinite(features).all(1)
    if bad.any():
        rows = (start + bad.nonzero()[0]).tolist()
        raise InputError("Look at these items.", argument="features", expected="finite float32", rows=rows)
    return features


def take(contents: Contents, rows: Sequence[int]) -> Contents:
    """Return some items, in the order of the rows."""
    return contents[list(rows)] if isinstance(contents, np.ndarray) else [contents[row] for row in rows]


def block_bounds(start: int, stop: int, block_rows: int) -> Iterator[tuple[int, int]]:
    """Yield the first row of each block and the row after its last.

    Args:
        start: The first row of all.
        stop: The row after the last of all.
        block_rows: The number of rows of a block.
    """
    for first in range(start, stop, block_rows):
        yield first, min(first + block_rows, stop)


def content_hashes(contents: Contents, kind: Kind) -> list[str]:
    """Return the sha256 of each item: of the text, of the bytes of the file, of the values.

    Args:
        contents: The items.
        kind: Their kind; text names a file where it is "images".
    """
    return [_content_hash(Path(each) if kind == "images" and isinstance(each, str) else each) for each in contents]


def method_version(name: str, options: Mapping[str, Any], *, revision: int, packages: Sequence[str] = ()) -> str:
    """Return the version of a method.

    Args:
        name: The name of the method.
        options: All that its features depend on, as JSON values.
        revision: A number that grows when its code gives other features.
        packages: Installed packages whose versions matter.
    """
    versions = {package: version(package) for package in packages}
    content = json.dumps([name, dict(options), revision, versions], sort_keys=True)
    return f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _content_hash(content: Any) -> str:
    if isinstance(content, Path):
        with content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if isinstance(content, np.ndarray):
        prefix = f"{content.dtype.str} {content.shape} ".encode()
        return hashlib.sha256(prefix + np.ascontiguousarray(content).tobytes()).hexdigest()
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _renumber(error: InputError, rows: Sequence[int]) -> InputError:
    """Return the error with rows of the pool in place of positions within some of them."""
    if not (error.rows and error.expected):
        return error
    at_fault = [rows[each] if isinstance(each, int) else each for each in error.rows]
    return InputError(*error.parts[1:], argument=error.argument, expected=error.expected, got=error.got, rows=at_fault)
