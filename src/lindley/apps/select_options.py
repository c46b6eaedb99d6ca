"""The options of `lindley select`: wrong ones are refused before a large file is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.acquisition.specs import ACQUISITIONS, PREDICTION_FREE
from lindley.apps.array_files import Place
from lindley.apps.output_file import check_out, refuse_loss
from lindley.apps.selection_files import FORMATS, is_selection
from lindley.errors import InputError
from lindley.names import nearest

_FARTHEST = 1 << 63
_OF_PREDICTIONS = ("array", "num_draws", "inputs", "axes", "targets")


@dataclass(frozen=True)
class SelectOptions:
    """The arguments and options as they were typed."""

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
    force: bool = False

    @property
    def order(self) -> str:
        """The order of the axes: the one given, else NKC."""
        return self.axes or "NKC"


def refuse_missing(asked: SelectOptions) -> None:
    """What a method needs is said by its option before anything is read."""
    needs = ACQUISITIONS[asked.acquisition].requirements(method_options(asked.options))
    for need, given in (("targets", asked.targets), ("features", asked.features)):
        if given is None and need in needs:
            raise InputError(f"{asked.acquisition} needs {need}: add --{need} FILE")


def candidates_place(asked: SelectOptions) -> Place:
    """The file of the candidates: of their predictions, else of their features."""
    if asked.file is not None:
        place = Place.of(asked.file)
        return place if asked.array is None else Place(place.path, asked.array)
    if asked.acquisition not in PREDICTION_FREE:
        raise InputError(
            f"{asked.acquisition} reads predictions [N, K, C]: name their FILE, as in `lindley select probs.npy`. "
            f"Without any there are {', '.join(PREDICTION_FREE)}, with --features FILE"
        )
    if asked.features is None:
        raise InputError("without predictions, --features FILE must say what the candidates are")
    default = SelectOptions(None)
    for name in _OF_PREDICTIONS:
        if getattr(asked, name) != getattr(default, name):
            raise InputError(f"--{name.replace('_', '-')} is of predictions, and none are given. Leave it out.")
    return Place.of(asked.features)


def method_options(given: Sequence[str]) -> dict[str, Any]:
    """Return the options of the acquisition: each value a number, true or false, else text."""
    options: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise InputError(f"--option must be NAME=VALUE, as in --option num_configurations=200; got {each!r}")
        if name in options:
            raise InputError(f"--option {name} is given twice")
        options[name] = _value(value)
    return options


def _value(text: str) -> Any:
    """Lists and tables stay text: no method takes them, and a parser would follow them as deep as they go."""
    if text.strip()[:1] in ("[", "{"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, int) and not -_FARTHEST <= value < _FARTHEST:
        raise InputError(f"--option: whole numbers must fit into 64 bits; got {text}")
    return value


def output_format(asked: SelectOptions) -> str:
    """Return csv or jsonl: what was said, else what --out ends in. Refuses an --out that would lose something."""
    suffix = None if asked.out is None else asked.out.suffix.lower().removeprefix(".")
    form = asked.format or suffix or "csv"
    if form not in FORMATS:
        raise InputError(f"the output must be {' or '.join(FORMATS)}; got {form!r}.{nearest(form, FORMATS)}")
    if asked.spreadsheet and form != "csv":
        raise InputError(f"--spreadsheet is for csv; the output is {form}. Leave one of them out")
    check_out(asked.out)
    check_nothing_is_lost(asked)
    return form


def check_nothing_is_lost(asked: SelectOptions) -> None:
    """Refuse an --out that is also read, or that holds more than a selection as it was written."""
    given = (asked.file, asked.ids, *asked.exclude, asked.targets, asked.features, asked.labelled_features)
    inputs = [Path(each) for text in given if text is not None for each in (text, text.rpartition(":")[0]) if each]
    refuse_loss(asked.out, inputs, is_selection, force=asked.force)
