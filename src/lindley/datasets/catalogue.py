"""The data sets by name: loaded, listed and fetched."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lindley.contracts import Classification
from lindley.datasets import digits, fashion_mnist, mnist, moons
from lindley.datasets.dataset import Dataset
from lindley.datasets.fetch import cache_folder
from lindley.datasets.files import DataFile
from lindley.datasets.images import Reader
from lindley.datasets.lookup import obtain, place_of
from lindley.datasets.repeated import repeated_mnist
from lindley.errors import InputError
from lindley.names import nearest


@dataclass(frozen=True)
class Option:
    """One option of a data set: its default, whose type is the option's, its least value and its largest."""

    default: int | float
    least: int | float
    most: int | float


@dataclass(frozen=True)
class Entry:
    """A data set of the catalogue.

    build: makes it, given a reader of files, a seed and its options.
    num_rows, num_test: of the pool and of the test set, under the default options.
    input_shape: of one row.
    files: what it is read from; empty where it is generated or comes with a library.
    """

    title: str
    build: Callable[..., Dataset]
    num_rows: int
    num_test: int
    task: Classification
    input_shape: tuple[int, ...]
    files: tuple[DataFile, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)

    @property
    def num_classes(self) -> int:
        return self.task.num_classes

    def rows_with(self, options: Mapping[str, object]) -> int:
        """Return the rows of the pool under these options; an option of a wrong type counts as its default."""
        given = {**{name: option.default for name, option in self.options.items()}, **options}
        rows, repeats = given.get("num_pool", self.num_rows), given.get("repeats")
        if isinstance(repeats, int):
            rows = self.num_rows // int(self.options["repeats"].default) * repeats
        return rows if isinstance(rows, int) else self.num_rows


DATASETS: dict[str, Entry] = {
    "two-moons": Entry(
        "two interleaved half circles with noise, generated",
        lambda read, seed, **options: moons.two_moons(seed=seed, **options),
        num_rows=500,
        num_test=1000,
        task=moons.TASK,
        input_shape=(2,),
        options={
            "num_pool": Option(500, 2, 10_000_000),
            "num_test": Option(1000, 2, 10_000_000),
            "noise": Option(0.2, 0, 1e6),
        },
    ),
    "digits": Entry(
        "scikit-learn's handwritten digits, 8 x 8 pixels",
        lambda read, seed: digits.digits(),
        num_rows=1198,
        num_test=599,
        task=digits.TASK,
        input_shape=(64,),
    ),
    "mnist": Entry(
        "handwritten digits, 28 x 28 pixels",
        lambda read, seed: mnist.mnist(read=read),
        num_rows=60_000,
        num_test=10_000,
        task=mnist.TASK,
        input_shape=(1, 28, 28),
        files=tuple(mnist.FILES),
    ),
    "fashion-mnist": Entry(
        "articles of clothing, 28 x 28 pixels",
        lambda read, seed: fashion_mnist.fashion_mnist(read=read),
        num_rows=60_000,
        num_test=10_000,
        task=fashion_mnist.TASK,
        input_shape=(1, 28, 28),
        files=tuple(fashion_mnist.FILES),
    ),
    "repeated-mnist": Entry(
        "MNIST with each training image several times, each copy with noise of its own",
        lambda read, seed, **options: repeated_mnist(read=read, seed=seed, **options),
        num_rows=180_000,
        num_test=10_000,
        task=mnist.TASK,
        input_shape=(1, 28, 28),
        files=tuple(mnist.FILES),
        options={
            "repeats": Option(3, 1, 1000),
            "noise": Option(0.1, 0, 1e6),
        },
    ),
}


def load(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    download: bool = True,
) -> Dataset:
    """The data set of that name, verified; files are looked for as lookup.py says, and fetched when missing.

    Raises InputError for an unknown name or option, DataError for a file that is missing, truncated or altered.

    >>> len(load("two-moons", seed=1, options={"num_pool": 40}).pool)
    40
    """
    entry = entry_named(name)
    checked = checked_options(name, options or {})
    read: Reader = partial(obtain, data_dir=_folder(data_dir), download=download)
    return entry.build(read=read, seed=seed, **checked)


def entry_named(name: str) -> Entry:
    """The entry of that name; an unknown name is refused with the known ones."""
    if name not in DATASETS:
        raise InputError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}.{nearest(name, DATASETS)}")
    return DATASETS[name]


def checked_options(name: str, options: Mapping[str, object]) -> dict[str, int | float]:
    """The options given, of the right type and not too small; what is not given keeps its default."""
    allowed = entry_named(name).options
    checked: dict[str, int | float] = {}
    for key, value in options.items():
        if key not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has none"
            raise InputError(f"unknown option {key!r} of the data set {name}; {known}.{nearest(key, allowed)}")
        checked[key] = _checked_value(f"option {key!r} of the data set {name}", value, allowed[key])
    return checked


@dataclass(frozen=True)
class Status:
    """Where a data set stands on this machine.

    folder: the folders its files were found in (one, as a rule); empty where it needs none or some are missing.
    missing: the files that would be fetched.
    """

    name: str
    title: str
    num_rows: int
    num_classes: int
    where: str
    missing: tuple[str, ...]


def status(data_dir: str | os.PathLike[str] | None = None) -> list[Status]:
    """Each data set and where it would be read from; files are looked for, not opened."""
    return [_status_of(name, entry, _folder(data_dir)) for name, entry in DATASETS.items()]


def fetch(name: str, data_dir: str | os.PathLike[str] | None = None) -> Status:
    """Make sure that a data set is on this machine: its files are verified, and fetched where missing."""
    entry = entry_named(name)
    for file in entry.files:
        obtain(file, data_dir=_folder(data_dir), download=True)
    return _status_of(name, entry, _folder(data_dir))


def _folder(data_dir: str | os.PathLike[str] | None) -> Path | None:
    return None if data_dir is None else Path(data_dir)


def _status_of(name: str, entry: Entry, data_dir: Path | None) -> Status:
    places = {file.path: place_of(file, data_dir) for file in entry.files}
    missing = tuple(path for path, place in places.items() if place is None)
    folders = dict.fromkeys(str(place.parent) for place in places.values() if place is not None)
    if not places:
        where = "needs no files"
    elif missing:
        where = f"will be fetched to {cache_folder() / Path(missing[0]).parent}"
    else:
        where = ", ".join(folders)
    return Status(name, entry.title, entry.num_rows, entry.num_classes, where, missing)


def _checked_value(what: str, value: object, option: Option) -> int | float:
    whole = isinstance(option.default, int)
    right = isinstance(value, int) or (isinstance(value, float) and not whole and math.isfinite(value))
    if not right or isinstance(value, bool) or not option.least <= value <= option.most:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{what} must be {kind} from {option.least} to {option.most:g}; got {value!r}.")
    return value  # type: ignore[return-value]
