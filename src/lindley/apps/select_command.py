"""`lindley select`: which candidates of a file of predictions to label next."""

from __future__ import annotations

import csv
import inspect
import io
import json
import math
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import typer
from rich.console import Console
from torch import Tensor

from lindley.acquisition.catalogue import METHODS, WITHOUT_PREDICTIONS, acquisition_named
from lindley.acquisition.foreign import ForeignPredictions
from lindley.acquisition.one_call import NOT_TOLD, select
from lindley.acquisition.unpredicted import Unpredicted
from lindley.apps.array_files import Place, open_array
from lindley.apps.id_files import Ids, read_ids
from lindley.apps.some_predictions import SomePredictions, left_after
from lindley.apps.waiting import WatchedPredictions, showing_rows
from lindley.contracts import Labels, Predictions, Selection
from lindley.errors import InputError
from lindley.information.layouts import check_layout
from lindley.names import nearest

FORMATS = ("csv", "jsonl")


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


def select_from_file(asked: SelectOptions) -> None:
    """Choose, and write id, rank and score; what there is to say of the choice goes to stderr."""
    try:
        _select_from_file(asked)
    except InputError as error:
        raise InputError(_as_options(str(error))) from error


def _as_options(message: str) -> str:
    """What `lindley.select` says of its arguments, in the words of a command line."""
    message = re.sub(r'(inputs|axes)="(\w+)"', r"--\1 \2", message)
    message = message.replace("For one draw use log_probs[:, None].", "For one draw save it as [N, 1, C].")
    message = message.replace("as in delta=0.4", "as in --option delta=0.4")
    return re.sub(r"pass (targets|features)=\.\.\.|add --(targets|features) FILE", r"add --\1\2 FILE", message)


def _select_from_file(asked: SelectOptions) -> None:
    check_layout(asked.inputs, asked.axes)
    form = _format(asked)
    options = _options(asked.options)
    acquisition_named(asked.acquisition, options)  # wrong names are refused before a large file is read
    _refuse_missing(asked)
    place = _place(asked)
    ids = None if asked.ids is None else read_ids(asked.ids, place)
    whole = None if asked.file is None else _predictions(asked, place, asked.inputs, place.path.name, ids)
    given = _candidates(asked, place, whole, ids)
    candidates = given.predictions
    targets = Place.of(asked.targets) if asked.targets else None
    console = Console(stderr=True)
    with showing_rows(len(candidates.rows), console) as told, warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        selection = select(
            None if whole is None else WatchedPredictions(candidates, told),
            asked.acquisition,
            asked.batch_size,
            asked.seed,
            rows=candidates.rows if whole is None else None,
            targets=None if targets is None else _predictions(asked, targets, "targets", "targets"),
            features=given.features,
            labelled_features=given.labelled_features,
            labelled=given.labelled,
            **options,
        )
    for note in dict.fromkeys(str(note.message) for note in notes):
        typer.echo(f"lindley: {note}", err=True)
    _write(_table(selection, ids), form, asked.out)
    typer.echo(in_a_sentence(asked.acquisition, selection, candidates.shape), err=True)


def list_acquisitions() -> None:
    """Each acquisition: its name, its source, what it needs besides predictions, and its options."""
    width = max(map(len, METHODS))
    for name, method in METHODS.items():
        typer.echo(f"{name:{width}} {method.title}: {method.source}")
        needs = ", ".join(need.replace("_", " ") for need in sorted(method.needs))
        options = ", ".join(inspect.signature(method.check).parameters)
        more = [f"needs {needs}"] * bool(needs) + [f"options: {options}"] * bool(options)
        if more:
            typer.echo(f"{'':{width}} {'; '.join(more)}")


def in_a_sentence(acquisition: str, selection: Selection, shape: tuple[int, int, int]) -> str:
    """What a selection says of itself; information in bits, everything else as the method gives it."""
    count, num_draws, _ = shape
    said = dict(selection.diagnostics)
    draws = f"{num_draws} draw{'' if num_draws == 1 else 's'}"
    under = f" under {draws}" if num_draws else ""
    words = [f"{METHODS[acquisition].title} chose {len(selection.rows):,} of {count:,} candidates{under}"]
    if said.get("switch_pick") == len(selection.rows):  # it never gave way to its continuation
        said.pop("switch_pick")
    joint, error = said.pop("joint_information", None), said.pop("joint_information_se", None)
    share = said.pop("share_of_log_k", None)
    if isinstance(joint, float):
        exact = f" ± {error / math.log(2):.2g}" if isinstance(error, float) and error > 0 else ""
        words.append(f"their labels together carry {joint / math.log(2):.3g}{exact} bits")
    if isinstance(share, float):
        words.append(f"{share:.0%} of what {draws} can show")
    words += [f"{key.replace('_', ' ')} {_short(value)}" for key, value in said.items() if not isinstance(value, list)]
    return "; ".join(words) + "."


def _predictions(
    asked: SelectOptions, place: Place, what: str, name: str, ids: Ids | None = None
) -> ForeignPredictions:
    parquet = place.path.suffix.lower() == ".parquet"
    if parquet and not asked.axes.startswith("N"):
        raise InputError(f"a row of {place.path} is a row of the pool: --axes must begin with N; got {asked.axes}")
    array = open_array(place, what, num_draws=asked.num_draws if parquet or what != "targets" else None)
    if parquet and len(array.shape) == 2:
        raise InputError(
            f"{place.path} has flat lists of {array.shape[1]} numbers: say of how many draws, --num-draws K"
        )
    return ForeignPredictions(array, inputs=asked.inputs, axes=asked.axes, ids=ids, name=name)


@dataclass(frozen=True)
class _Candidates:
    """What may be asked for, its features, and what is labelled already with the features of that."""

    predictions: Predictions
    features: Tensor | None
    labelled: Labels | None = None
    labelled_features: Tensor | None = None


def _candidates(asked: SelectOptions, place: Place, whole: ForeignPredictions | None, ids: Ids | None) -> _Candidates:
    features = _features(asked.features, "features")
    labelled_features = _features(asked.labelled_features, "labelled_features")
    if whole is None:
        count = len(features) if features is not None and features.dim() else 0
        if ids is not None and len(ids) != count:
            raise InputError(f"there must be one id for each candidate, {count}; got {len(ids)}")
        everyone: Predictions = Unpredicted(torch.arange(count))
    else:
        everyone = whole
    if asked.exclude is None:
        return _Candidates(everyone, features, None, labelled_features)
    names = range(len(everyone.rows)) if ids is None else ids
    left, unknown = left_after(read_ids(asked.exclude, place, option="--exclude"), names)
    if unknown:
        typer.echo(f"lindley: {len(unknown)} of the excluded ids are no candidates: {_some(unknown)}", err=True)
    remaining = SomePredictions(everyone, left)
    needed = labelled_features is None and "labelled_features" in METHODS[asked.acquisition].needs
    if features is None or features.dim() != 2 or len(features) != len(everyone.rows):
        if needed:
            typer.echo(
                "lindley: --features are not those of all candidates, so that what is excluded has none and does not "
                "count as labelled; say --labelled-features FILE",
                err=True,
            )
        return _Candidates(remaining, features, None, labelled_features)
    if not needed:
        return _Candidates(remaining, features[left], None, labelled_features)
    excluded = torch.ones(len(features), dtype=torch.bool)
    excluded[left] = False
    usable = features.isfinite().all(1)
    if len(broken := (excluded & ~usable).nonzero()[:, 0].tolist()):
        told = _some([names[row] for row in broken])
        typer.echo(f"lindley: excluded rows do not count as labelled where features are not finite: {told}", err=True)
    rows = (excluded & usable).nonzero()[:, 0]
    labelled = Labels(everyone.rows[rows], torch.full((len(rows),), NOT_TOLD))
    return _Candidates(remaining, features[left], labelled, features[rows])


def _some(ids: Sequence[object]) -> str:
    return f"{list(ids[:5])!r}{' and more' if len(ids) > 5 else ''}"


def _features(text: str | None, name: str) -> Tensor | None:
    if text is None:
        return None
    array = open_array(Place.of(text), name)
    return array.read(0, slice(0, array.shape[0])) if array.shape else torch.empty(0)


def _refuse_missing(asked: SelectOptions) -> None:
    """What a method needs is said by its option before anything is read."""
    for need, given in (("targets", asked.targets), ("features", asked.features)):
        if given is None and need in METHODS[asked.acquisition].needs:
            raise InputError(f"{asked.acquisition} needs {need}: add --{need} FILE")


def _place(asked: SelectOptions) -> Place:
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
    for name in ("array", "num_draws", "inputs", "axes", "targets"):
        if getattr(asked, name) != getattr(default, name):
            raise InputError(f"--{name.replace('_', '-')} is of predictions, and none are given. Leave it out.")
    return Place.of(asked.features)


def _options(given: Sequence[str]) -> dict[str, Any]:
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


def _format(asked: SelectOptions) -> str:
    suffix = None if asked.out is None else asked.out.suffix.lower().removeprefix(".")
    form = asked.format or suffix or "csv"
    if form not in FORMATS:
        raise InputError(f"the output must be {' or '.join(FORMATS)}; got {form!r}.{nearest(form, FORMATS)}")
    if asked.out is not None and not asked.out.resolve().parent.is_dir():
        raise InputError(f"--out: there is no folder {asked.out.parent}")
    if asked.out is not None and asked.out.is_dir():
        raise InputError(f"--out: {asked.out} is a folder; name a file")
    return form


def _table(selection: Selection, ids: Ids | None) -> list[Mapping[str, str | int | float]]:
    rows = selection.rows.tolist()
    scores = selection.scores.cpu().numpy()
    return [
        # the shortest decimal that gives this float32 or float64 again
        {"id": row if ids is None else ids[row], "rank": rank, "score": float(str(score))}
        for rank, (row, score) in enumerate(zip(rows, scores, strict=True), 1)
    ]


def _write(table: Sequence[Mapping[str, str | int | float]], form: str, out: Path | None) -> None:
    text = io.StringIO()
    if form == "csv":
        writer = csv.DictWriter(text, ["id", "rank", "score"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    else:
        text.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in table)
    if out is None:
        sys.stdout.write(text.getvalue())
        sys.stdout.flush()
    else:
        out.write_text(text.getvalue(), encoding="utf-8")
        typer.echo(f"Written to {out}.", err=True)


def _short(value: object) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else (f"{value:.4g}" if isinstance(value, float) else str(value))
    )
