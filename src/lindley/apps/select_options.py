"""What `lindley select` was asked for, refused before a large file is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.acquisition.catalogue import METHODS, WITHOUT_PREDICTIONS
from lindley.apps.array_files import Place
from lindley.apps.output_file import check_out
from lindley.errors import InputError
from lindley.names import nearest

FORMATS = ("csv", "jsonl")
_OF_PREDICTIONS = ("array", "num_draws", "inputs", "axes", "targets")


@dataclass(frozen=True)
class SelectOptions:
    """What `lindley select` was asked for."""

    file: str | None
    acquisition: str = "batchbald"
    batch_size: int = 10
    seed: int = 0
    inputs: str = "log_probs"
    axes: str = "NKC"
    array: str | None = None
    num_draws: int | None = None
    ids: str | None = None
    exclude: str | None = None
    targets: str | None = None
    features: str | None = None
    labelled_features: str | None = None
    options: Sequence[str] = field(default_factory=list)
    out: Path | None = None
    format: str | None = None


def refuse_missing(asked: SelectOptions) -> None:
    """What a method needs is said by its option before anything is read."""
    needs = METHODS[asked.acquisition].needed(method_options(asked.options))
    for need, given in (("targets", asked.targets), ("features", asked.features)):
        if given is None and need in needs:
            raise InputError(f"{asked.acquisition} needs {need}: add --{need} FILE")


def candidates_place(asked: SelectOptions) -> Place:
    """The file of the candidates: of their predictions, else of their features."""
    if asked.file is not None:
        place = Place.of(asked.file)
        return place if asked.array is None else Place(place.path, asked.array)
    if asked.acquisition not in WITHOUT_PREDICTIONS:
        raise InputError(
            f"{asked.acquisition} reads predictions [N, K, C]: name their FILE, as in `lindley select probs.npy`. "
            f"Without any there are {', '.join(WITHOUT_PREDICTIONS)}, with --features FILE"
        )
    if asked.features is None:
        raise InputError("without predictions, --features FILE must say what the candidates are")
    default = SelectOptions(None)
    for name in _OF_PREDICTIONS:
        if getattr(asked, name) != getattr(default, name):
            raise InputError(f"--{name.replace('_', '-')} is of predictions, and none are given. Leave it out.")
    return Place.of(asked.features)


def method_options(given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE, the value a number, true or false, else text."""
    options: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise InputError(f"--option must be NAME=VALUE, as in --option num_paths=200; got {each!r}")
        if name in options:
            raise InputError(f"--option {name} is given twice")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


def output_format(asked: SelectOptions) -> str:
    """What was said, csv or jsonl, else what --out ends in."""
    suffix = None if asked.out is None else asked.out.suffix.lower().removeprefix(".")
    form = asked.format or suffix or "csv"
    if form not in FORMATS:
        raise InputError(f"the output must be {' or '.join(FORMATS)}; got {form!r}.{nearest(form, FORMATS)}")
    check_out(asked.out)
    return form
