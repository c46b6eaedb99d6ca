"""The candidates of `lindley select`: what may be asked for, with its features, and what is labelled already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.axis_order import warn_if_axes_swapped
from lindley.acquisition.specs import ACQUISITIONS
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.apps.array_files import Place, open_array
from lindley.apps.id_files import Ids, read_ids
from lindley.apps.printing import print_message
from lindley.apps.select_options import SelectOptions, method_options
from lindley.apps.some_predictions import SomeCandidates, left_after
from lindley.contracts import Candidates
from lindley.errors import InputError
from lindley.shapes import Rows


@dataclass(frozen=True)
class Given:
    """What may be asked for, its features, and what is labelled already with the features of that."""

    candidates: Candidates
    features: Tensor | None
    labelled: Rows | None
    labelled_features: Tensor | None


def read_candidates(asked: SelectOptions, place: Place, ids: Ids | None) -> Given:
    """All candidates of the files without those that are excluded."""
    features = _features(asked.features, "features")
    labelled_features = _features(asked.labelled_features, "labelled_features")
    everyone = _everyone(asked, place, ids, features)
    given = Given(everyone, features, None, labelled_features)
    if not asked.exclude:
        return given
    names = range(len(everyone.rows)) if ids is None else ids
    excluded = [each for text in asked.exclude for each in read_ids(text, place, option="--exclude")]
    left, unknown = left_after(excluded, names)
    if unknown:
        print_message(f"lindley: {len(unknown)} of the excluded ids are no candidates: {_some(unknown)}")
    given = replace(given, candidates=SomeCandidates(everyone, left))
    needs = ACQUISITIONS[asked.acquisition].requirements(method_options(asked.options))
    needed = labelled_features is None and "labelled_features" in needs
    if features is not None and features.dim() == 2 and len(features) == len(everyone.rows):
        given = replace(given, features=features[left])
        return _with_excluded(given, features, left, everyone, names) if needed else given
    if needed:
        print_message(
            "lindley: --features are not those of all candidates, so that what is excluded has none and does not "
            "count as labelled; say --labelled-features FILE"
        )
    return given


def read_predictions(
    asked: SelectOptions, place: Place, what: str, name: str, ids: Ids | None = None
) -> ArrayCandidates:
    """Those of a file, mapped or read slice by slice."""
    parquet = place.path.suffix.lower() == ".parquet"
    if parquet and not asked.order.startswith("N"):
        raise InputError(f"a row of {place.path} is a row of the pool: --axes must begin with N; got {asked.order}")
    array = open_array(place, what, num_draws=asked.num_draws if parquet or what != "targets" else None)
    if parquet and len(array.shape) == 2:
        raise InputError(
            f"{place.path} has flat lists of {array.shape[1]} numbers: say of how many draws, --num-draws K"
        )
    if ids is not None and len(array.shape) == len(asked.order):
        _check_number(asked, ids, array.shape[asked.order.index("N")])
    predictions = ArrayCandidates(array, inputs=asked.inputs, axes=asked.order, ids=ids, name=name)
    if asked.axes is None and ids is None and what != "targets" and not parquet:
        warn_if_axes_swapped(array, asked.inputs, name)
    return predictions


def _everyone(asked: SelectOptions, place: Place, ids: Ids | None, features: Tensor | None) -> Candidates:
    if asked.file is not None:
        return read_predictions(asked, place, asked.inputs, place.path.name, ids)
    count = len(features) if features is not None and features.dim() else 0
    if ids is not None:
        _check_number(asked, ids, count)
    return TensorCandidates(None, torch.arange(count))


def _check_number(asked: SelectOptions, ids: Ids, count: int) -> None:
    if len(ids) != count:
        raise InputError(f"--ids {asked.ids}: ids must be one for each of the {count} candidates; got {len(ids)}")


def _with_excluded(
    given: Given, features: Tensor, left: Tensor, everyone: Candidates, names: Sequence[object]
) -> Given:
    """The excluded rows counted as labelled, by their features where these are finite."""
    excluded = torch.ones(len(features), dtype=torch.bool)
    excluded[left] = False
    usable = features.isfinite().all(1)
    if broken := (excluded & ~usable).nonzero()[:, 0].tolist():
        told = _some([names[row] for row in broken])
        print_message(f"lindley: excluded rows do not count as labelled where features are not finite: {told}")
    rows = (excluded & usable).nonzero()[:, 0]
    return replace(given, labelled=everyone.rows[rows], labelled_features=features[rows])


def _features(text: str | None, name: str) -> Tensor | None:
    if text is None:
        return None
    array = open_array(Place.of(text), name)
    return array.read(0, slice(0, array.shape[0])) if array.shape else torch.empty(0)


def _some(ids: Sequence[object]) -> str:
    return f"{list(ids[:5])!r}{' and more' if len(ids) > 5 else ''}"
