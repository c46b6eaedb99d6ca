"""The data sets by name. A new one is a function that returns a Dataset, and an entry here.

Listing and checking them imports no torch; the function's module is imported when its data set is loaded.
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

from lindley.datasets.data_file import DataFile
from lindley.datasets.data_folders import find_file, read_or_fetch
from lindley.datasets.download import cache_folder
from lindley.datasets.image_files import FASHION_MNIST, MNIST
from lindley.errors import InputError
from lindley.names import suggest_name

if TYPE_CHECKING:
    from lindley.contracts import Classification
    from lindley.datasets.dataset import Dataset


@dataclass(frozen=True)
class Option:
    """An option of a data set: its default, whose type is the option's type, its minimum and its maximum."""

    default: int | float
    minimum: int | float
    maximum: int | float


@dataclass(frozen=True)
class DatasetSpec:
    """A data set: its content, its source, and the function that loads it."""

    name: str
    path: str
    """The import path, "package.module:name", of the function that returns the Dataset. It takes the options as
    keywords, `seed` where the data set is seeded, and `read`, which returns the bytes of a DataFile, where it has
    files."""
    title: str
    class_names: tuple[str, ...]
    num_rows: int
    """The number of rows of the pool, under the default options."""
    num_test: int
    """The number of test rows, under the default options."""
    input_shape: tuple[int, ...]
    """The shape of one row."""
    reference: str
    """Authors, year and publication."""
    licence: str
    files: tuple[DataFile, ...] = ()
    """The files to fetch; empty where the data set is generated or comes with a library."""
    options: Mapping[str, Option] = field(default_factory=dict)
    seeded: bool = False
    """Whether its rows depend on a trial's seed."""
    extra: str = ""
    """The optional dependencies that it requires, as in "lindley[extra]"."""

    @property
    def task(self) -> Classification:
        """The task with its classes."""
        from lindley.contracts import Classification

        return Classification(self.class_names)

    @property
    def num_classes(self) -> int:
        """The number of classes, C."""
        return len(self.class_names)

    def num_rows_with(self, options: Mapping[str, object]) -> int:
        """Return the number of rows of the pool under some options; an option of a wrong type counts as its default."""
        values = {**{name: option.default for name, option in self.options.items()}, **options}
        rows, repeats = values.get("num_pool", self.num_rows), values.get("repeats")
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
        "lindley.datasets.repeated_mnist:repeated_mnist",
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
        name: The name in the catalogue.
        data_dir: The folder to search first; then $LINDLEY_DATA, then the user's cache folder.
        seed: The seed of generated rows and noise.
        options: Options of the data set; the others keep their defaults.
        download: Whether missing files may be fetched.

    Raises:
        InputError: If the name or an option is unknown, or a value cannot be used.
        DataError: If a file is missing, truncated or altered.

    >>> len(load("two-moons", seed=1, options={"num_pool": 40}).pool)
    40
    """
    spec = dataset_spec(name)
    arguments: dict[str, Any] = dict(check_dataset_options(name, options or {}))
    if spec.seeded:
        arguments["seed"] = seed
    if spec.files:
        arguments["read"] = partial(read_or_fetch, data_dir=_folder(data_dir), download=download)
    try:
        dataset: Dataset = resolve_name(spec.path)(**arguments)
    except ModuleNotFoundError as error:
        if not spec.extra:
            raise
        raise InputError(
            f'the data set {name} requires {error.name}, which is not installed: pip install "lindley[{spec.extra}]"',
            argument="name",
            got=name,
        ) from None
    return dataset


def dataset_spec(name: str) -> DatasetSpec:
    """Return the entry of a name. Raises InputError, which lists the known names, for an unknown one."""
    if name not in DATASETS:
        raise InputError(
            f"unknown data set {name!r}; known: {', '.join(DATASETS)}.{suggest_name(name, DATASETS)}",
            argument="name",
            got=name,
        )
    return DATASETS[name]


def check_dataset_options(name: str, options: Mapping[str, object]) -> dict[str, int | float]:
    """Return the options of a data set. Raises InputError for an unknown name, a wrong type or a value out of range."""
    allowed = dataset_spec(name).options
    checked: dict[str, int | float] = {}
    for key, value in options.items():
        if key not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has none"
            raise InputError(
                f"unknown option {key!r} of the data set {name}; {known}.{suggest_name(key, allowed)}",
                argument=key,
                got=value,
            )
        checked[key] = _check_value(key, value, allowed[key], name)
    return checked


@dataclass(frozen=True)
class DatasetStatus:
    """The files of a data set on this machine."""

    name: str
    title: str
    num_rows: int
    num_classes: int
    where: str
    """The folders of its files, or the folder that they will be fetched to, in words."""
    missing: tuple[str, ...]
    """The files that are not on this machine."""


def status(data_dir: str | os.PathLike[str] | None = None) -> list[DatasetStatus]:
    """Return the status of each data set; its files are searched for, but not opened."""
    return [_dataset_status(spec, _folder(data_dir)) for spec in DATASETS.values()]


def fetch(name: str, data_dir: str | os.PathLike[str] | None = None) -> DatasetStatus:
    """Verify the files of a data set, fetch those that are missing, and return the status."""
    spec = dataset_spec(name)
    for file in spec.files:
        read_or_fetch(file, data_dir=_folder(data_dir), download=True)
    return _dataset_status(spec, _folder(data_dir))


def _folder(data_dir: str | os.PathLike[str] | None) -> Path | None:
    return None if data_dir is None else Path(data_dir)


def _dataset_status(spec: DatasetSpec, data_dir: Path | None) -> DatasetStatus:
    found = {file.path: find_file(file, data_dir) for file in spec.files}
    missing = tuple(path for path, target in found.items() if target is None)
    folders = dict.fromkeys(str(target.parent) for target in found.values() if target is not None)
    if not found:
        where = "needs no files"
    elif missing:
        where = f"will be fetched to {cache_folder() / Path(missing[0]).parent}"
    else:
        where = ", ".join(folders)
    return DatasetStatus(spec.name, spec.title, spec.num_rows, spec.num_classes, where, missing)


def _check_value(key: str, value: object, option: Option, dataset: str) -> int | float:
    whole = isinstance(option.default, int)
    right = isinstance(value, int) or (isinstance(value, float) and not whole and math.isfinite(value))
    if not right or isinstance(value, bool) or not option.minimum <= value <= option.maximum:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise InputError(
            f"It is an option of the data set {dataset}.",
            argument=key,
            expected=f"{kind} from {option.minimum} to {option.maximum:g}",
            got=value,
        )
    return value  # type: ignore[return-value]
