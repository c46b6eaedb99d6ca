"""The data sets by name. Adding one is a function that returns a Dataset and an entry here.

To list or to check them imports no torch; the function's module is imported when its data set is loaded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from lindley.datasets.fetch import cache_folder
from lindley.datasets.files import DataFile
from lindley.datasets.image_files import FASHION_MNIST, MNIST
from lindley.datasets.lookup import obtain, place_of
from lindley.errors import InputError
from lindley.names import nearest

if TYPE_CHECKING:
    from lindley.contracts import Classification
    from lindley.datasets.dataset import Dataset


@dataclass(frozen=True)
class Option:
    """One option of a data set: its default, whose type is the option's, its least value and its largest."""

    default: int | float
    least: int | float
    most: int | float


@dataclass(frozen=True)
class DatasetSpec:
    """One data set: what it is, where it comes from, and how it is loaded."""

    name: str
    path: str
    """The import path, "package.module:name", of what returns the Dataset. It is called with the options as keywords,
    with `seed` where the data set is seeded, and with `read`, which gives the bytes of a DataFile, where it has
    files."""
    title: str
    class_names: tuple[str, ...]
    num_rows: int
    """Rows of the pool, under the default options."""
    num_test: int
    """Test rows, under the default options."""
    input_shape: tuple[int, ...]
    """The shape of one row."""
    reference: str
    """Who made it, and where that was published."""
    licence: str
    files: tuple[DataFile, ...] = ()
    """What is fetched for it; empty where it is generated or comes with a library."""
    options: Mapping[str, Option] = field(default_factory=dict)
    seeded: bool = False
    """Whether its rows depend on a trial's seed."""
    extra: str = ""
    """The optional dependencies of lindley that it needs, as in "lindley[extra]"."""

    @property
    def task(self) -> Classification:
        """The task with its classes."""
        from lindley.contracts import Classification

        return Classification(self.class_names)

    @property
    def num_classes(self) -> int:
        """The number of classes, C."""
        return len(self.class_names)

    def rows_with(self, options: Mapping[str, object]) -> int:
        """Return the rows of the pool under these options; an option of a wrong type counts as its default."""
        given = {**{name: option.default for name, option in self.options.items()}, **options}
        rows, repeats = given.get("num_pool", self.num_rows), given.get("repeats")
        if isinstance(repeats, int):
            rows = self.num_rows // int(self.options["repeats"].default) * repeats
        return rows if isinstance(rows, int) else self.num_rows


_DIGITS = tuple("0123456789")
_MNIST_REFERENCE = "LeCun, Cortes, Burges 1998"
_SPECS = (
    DatasetSpec(
        "two-moons",
        "lindley.datasets.moons:two_moons",
        "two interleaved half circles with noise, generated",
        ("upper moon", "lower moon"),
        num_rows=500,
        num_test=1000,
        input_shape=(2,),
        reference="scikit-learn's make_moons",
        licence="none: generated",
        options={
            "num_pool": Option(500, 2, 10_000_000),
            "num_test": Option(1000, 2, 10_000_000),
            "noise": Option(0.2, 0, 1e6),
        },
        seeded=True,
    ),
    DatasetSpec(
        "digits",
        "lindley.datasets.digits:digits",
        "scikit-learn's handwritten digits, 8 x 8 pixels",
        _DIGITS,
        num_rows=1198,
        num_test=599,
        input_shape=(64,),
        reference="Alpaydin and Kaynak 1998, UCI Machine Learning Repository",
        licence="CC BY 4.0",
    ),
    DatasetSpec(
        "mnist",
        "lindley.datasets.mnist:mnist",
        "handwritten digits, 28 x 28 pixels",
        _DIGITS,
        num_rows=60_000,
        num_test=10_000,
        input_shape=(1, 28, 28),
        reference=_MNIST_REFERENCE,
        licence="CC BY-SA 3.0",
        files=tuple(MNIST),
    ),
    DatasetSpec(
        "fashion-mnist",
        "lindley.datasets.fashion_mnist:fashion_mnist",
        "articles of clothing, 28 x 28 pixels",
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        num_rows=60_000,
        num_test=10_000,
        input_shape=(1, 28, 28),
        reference="Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747",
        licence="MIT",
        files=tuple(FASHION_MNIST),
    ),
    DatasetSpec(
        "repeated-mnist",
        "lindley.datasets.repeated:repeated_mnist",
        "MNIST with each training image several times, each copy with noise of its own",
        _DIGITS,
        num_rows=180_000,
        num_test=10_000,
        input_shape=(1, 28, 28),
        reference=f"{_MNIST_REFERENCE}; Kirsch et al. 2019, arXiv:1906.08158",
        licence="CC BY-SA 3.0",
        files=tuple(MNIST),
        options={
            "repeats": Option(3, 1, 1000),
            "noise": Option(0.1, 0, 1e6),
        },
        seeded=True,
    ),
)
DATASETS: dict[str, DatasetSpec] = {spec.name: spec for spec in _SPECS}


def load(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    download: bool = True,
) -> Dataset:
    """Return the data set of that name, verified; files are fetched where no folder has them.

    Args:
        name: Its name in the catalogue.
        data_dir: Where files are looked for first; then $LINDLEY_DATA, then the user's cache folder.
        seed: Seed of what is generated, such as noise.
        options: Those of the data set; what is not given keeps its default.
        download: Whether missing files may be fetched.

    Raises:
        InputError: If the name or an option is unknown, or a value cannot be used.
        DataError: If a file is missing, truncated or altered.

    >>> len(load("two-moons", seed=1, options={"num_pool": 40}).pool)
    40
    """
    spec = spec_named(name)
    given: dict[str, Any] = dict(checked_options(name, options or {}))
    if spec.seeded:
        given["seed"] = seed
    if spec.files:
        given["read"] = partial(obtain, data_dir=_folder(data_dir), download=download)
    try:
        dataset: Dataset = resolve_name(spec.path)(**given)
    except ModuleNotFoundError as error:
        if not spec.extra:
            raise
        raise InputError(
            f'the data set {name} needs {error.name}, which is not installed: pip install "lindley[{spec.extra}]"'
        ) from None
    return dataset


def spec_named(name: str) -> DatasetSpec:
    """Return the entry of that name; an unknown name is refused with the known ones."""
    if name not in DATASETS:
        raise InputError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}.{nearest(name, DATASETS)}")
    return DATASETS[name]


def checked_options(name: str, options: Mapping[str, object]) -> dict[str, int | float]:
    """Return the options given if they are of the right type and within their limits; else raise InputError."""
    allowed = spec_named(name).options
    checked: dict[str, int | float] = {}
    for key, value in options.items():
        if key not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has none"
            raise InputError(f"unknown option {key!r} of the data set {name}; {known}.{nearest(key, allowed)}")
        checked[key] = _checked_value(f"option {key!r} of the data set {name}", value, allowed[key])
    return checked


@dataclass(frozen=True)
class Status:
    """Where a data set lies on this machine."""

    name: str
    title: str
    num_rows: int
    num_classes: int
    where: str
    """The folders of its files, or where they will be fetched to, in words."""
    missing: tuple[str, ...]
    """The files that would be fetched."""


def status(data_dir: str | os.PathLike[str] | None = None) -> list[Status]:
    """Return each data set and where it would be read from; files are looked for, not opened."""
    return [_status_of(spec, _folder(data_dir)) for spec in DATASETS.values()]


def fetch(name: str, data_dir: str | os.PathLike[str] | None = None) -> Status:
    """Verify the files of a data set, fetch those that are missing, and return where they lie."""
    spec = spec_named(name)
    for file in spec.files:
        obtain(file, data_dir=_folder(data_dir), download=True)
    return _status_of(spec, _folder(data_dir))


def _folder(data_dir: str | os.PathLike[str] | None) -> Path | None:
    return None if data_dir is None else Path(data_dir)


def _status_of(spec: DatasetSpec, data_dir: Path | None) -> Status:
    places = {file.path: place_of(file, data_dir) for file in spec.files}
    missing = tuple(path for path, place in places.items() if place is None)
    folders = dict.fromkeys(str(place.parent) for place in places.values() if place is not None)
    if not places:
        where = "needs no files"
    elif missing:
        where = f"will be fetched to {cache_folder() / Path(missing[0]).parent}"
    else:
        where = ", ".join(folders)
    return Status(spec.name, spec.title, spec.num_rows, spec.num_classes, where, missing)


def _checked_value(what: str, value: object, option: Option) -> int | float:
    whole = isinstance(option.default, int)
    right = isinstance(value, int) or (isinstance(value, float) and not whole and math.isfinite(value))
    if not right or isinstance(value, bool) or not option.least <= value <= option.most:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{what} must be {kind} from {option.least} to {option.most:g}; got {value!r}.")
    return value  # type: ignore[return-value]
