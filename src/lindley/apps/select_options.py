"""The options of `lindley select`: wrong ones are refused before a large file is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.acquisition.specs import ACQUISITIONS, PREDICTION_FREE
from lindley.apps.input_files import Location
from lindley.apps.output_file import check_out, refuse_overwrite
from lindley.apps.selection_files import FORMATS, is_selection
from lindley.errors import Argument, InputError
from lindley.names import suggest_name

_INT64_LIMIT = 1 << 63
_PREDICTION_OPTIONS = ("array", "num_draws", "inputs", "axes", "targets")


@dataclass(frozen=True)
class SelectOptions:
    """The arguments and options as the user typed them."""

    file: str | None
    acquisition: str = "batchbald"
    batch_size: int = 10
    seed: int = 0
    inputs: str = "log_probs"
    axes: str | None = None
    array: str | None = None
    num_draws: int | None = None
    ids: str | None = None
    exclude: Sequence[str] = ()
    targets: str | None = None
    features: str | None = None
    labelled_features: str | None = None
    options: Sequence[str] = field(default_factory=list)
    out: Path | None = None
    format: str | None = None
    spreadsheet: bool = False
    overwrite: bool = False

    @property
    def order(self) -> str:
        """The order of the axes; NKC where none is given."""
        return self.axes or "NKC"


def check_requirements(options: SelectOptions) -> None:
    """Raise InputError where the acquisition requires targets or features, and there is no file of them."""
    requires = ACQUISITIONS[options.acquisition].requirements(parse_options(options.options))
    for name, given in (("targets", options.targets), ("features", options.features)):
        if given is None and name in requires:
            raise InputError(
                f"{name} is required by {options.acquisition}; name a file of them", argument=name, got=None
            )


def candidates_location(options: SelectOptions) -> Location:
    """Return the file of the candidates: that of their predictions, else that of their features."""
    if options.file is not None:
        location = Location.parse(options.file, "file")
        return location if options.array is None else Location(location.path, options.array)
    if options.acquisition not in PREDICTION_FREE:
        raise InputError(
            f"{options.acquisition} reads predictions [N, K, C]: name their FILE, as in `lindley select probs.npy`. "
            f"Without predictions there are {', '.join(PREDICTION_FREE)}, with ",
            Argument("features"),
            argument="file",
            got=None,
        )
    if options.features is None:
        raise InputError(
            "features is required where there are no predictions; name a file of them", argument="features", got=None
        )
    default = SelectOptions(None)
    for name in _PREDICTION_OPTIONS:
        if (got := getattr(options, name)) != getattr(default, name):
            raise InputError(f"{name} is about predictions, and there are none. Leave it out.", argument=name, got=got)
    return Location.parse(options.features, "features")


def parse_options(assignments: Sequence[str]) -> dict[str, Any]:
    """Return the acquisition's options of NAME=VALUE texts: each value a number, true or false, else text."""
    options: dict[str, Any] = {}
    for each in assignments:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise InputError(argument="option", expected="NAME=VALUE, as in num_configurations=200", got=each)
        if name in options:
            raise InputError(f"{name} is given twice", argument="option", got=each)
        options[name] = _parse_value(value)
    return options


def _parse_value(text: str) -> Any:
    """Lists and tables stay text: no acquisition takes them, and a parser would recurse as deep as they go."""
    if text.strip()[:1] in ("[", "{"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, int) and not -_INT64_LIMIT <= value < _INT64_LIMIT:
        raise InputError(f"whole numbers must fit into 64 bits; got {text}", argument="option", got=text)
    return value


def output_format(options: SelectOptions) -> str:
    """Return "csv" or "jsonl": the format given, else the ending of `out`. Refuse an `out` that loses something."""
    suffix = None if options.out is None else options.out.suffix.lower().removeprefix(".")
    form = options.format or suffix or "csv"
    if form not in FORMATS:
        raise InputError(
            f"the output must be {' or '.join(FORMATS)}; got {form!r}.{suggest_name(form, FORMATS)}",
            argument="format" if options.format else "out",
            got=form,
        )
    if options.spreadsheet and form != "csv":
        raise InputError(
            f"spreadsheet is for csv; the output is {form}. Leave one of them out", argument="spreadsheet", got=form
        )
    check_out(options.out)
    check_overwrite(options)
    return form


def check_overwrite(options: SelectOptions) -> None:
    """Refuse an `out` that is also read, or that holds more than a selection as it was written."""
    given = (
        options.file, options.ids, *options.exclude, options.targets, options.features, options.labelled_features
    )  # fmt: skip
    inputs = [Path(each) for text in given if text is not None for each in (text, text.rpartition(":")[0]) if each]
    refuse_overwrite(options.out, inputs, overwrite=options.overwrite, may_go=is_selection)
