"""The candidates of `lindley select`: predictions, features, and the rows that are labelled already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.axis_order import warn_if_axes_swapped
from lindley.acquisition.specs import ACQUISITIONS
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.apps.array_files import open_array
from lindley.apps.candidate_subset import CandidateSubset, exclude_ids
from lindley.apps.id_files import Ids, read_ids
from lindley.apps.input_files import Location
from lindley.apps.printing import print_message
from lindley.apps.select_options import SelectOptions, parse_options
from lindley.contracts import Candidates
from lindley.errors import InputError
from lindley.shapes import Rows


@dataclass(frozen=True)
class SelectInputs:
    """The candidates and their features, and the rows that are labelled already with theirs."""

    candidates: Candidates
    features: Tensor | None
    labelled: Rows | None
    labelled_features: Tensor | None


def read_candidates(options: SelectOptions, location: Location, ids: Ids | None) -> SelectInputs:
    """Return all candidates of the files but the excluded ones.

    Args:
        options: The options of the command.
        location: The file of the predictions, or of the features where there are none.
        ids: The ids of all candidates; None for row numbers.
    """
    features = _read_features(options.features, "features")
    labelled_features = _read_features(options.labelled_features, "labelled_features")
    every = _open_candidates(options, location, ids, features)
    inputs = SelectInputs(every, features, None, labelled_features)
    if not options.exclude:
        return inputs
    names = range(len(every.rows)) if ids is None else ids
    excluded = [each for text in options.exclude for each in read_ids(text, location, argument="exclude")]
    kept, unknown = exclude_ids(excluded, names)
    if unknown:
        print_message(f"lindley: {len(unknown)} of the excluded ids are no candidates: {_list_ids(unknown)}")
    inputs = replace(inputs, candidates=CandidateSubset(every, kept))
    requires = ACQUISITIONS[options.acquisition].requirements(parse_options(options.options))
    needs_labelled = labelled_features is None and "labelled_features" in requires
    if features is not None and features.dim() == 2 and len(features) == len(every.rows):
        inputs = replace(inputs, features=features[kept])
        return _label_excluded(inputs, features, kept, every, names) if needs_labelled else inputs
    if needs_labelled:
        print_message(
            "lindley: --features has no features of the excluded rows, so that these do not count as labelled; add "
            "--labelled-features FILE"
        )
    return inputs


def read_predictions(
    options: SelectOptions, location: Location, default: str, name: str, ids: Ids | None = None
) -> ArrayCandidates:
    """Return the predictions of a file, mapped or read slice by slice.

    Args:
        options: The options of the command.
        location: The file, and the name of its array.
        default: The name of the array where the location has none and the file has several: "targets", or as `inputs`.
        name: What messages call the predictions.
        ids: The ids of the rows, for messages; None for row numbers.
    """
    parquet = location.path.suffix.lower() == ".parquet"
    if parquet and not options.order.startswith("N"):
        raise InputError(
            f"axes must begin with N, since a row of {location.path} is a row of the pool; got {options.order}",
            argument="axes",
            got=options.order,
        )
    array = open_array(location, default, num_draws=options.num_draws if parquet or default != "targets" else None)
    if parquet and len(array.shape) == 2:
        raise InputError(
            f"num_draws is required: {location.path} has flat lists of {array.shape[1]} numbers",
            argument="num_draws",
            got=None,
        )
    if ids is not None and len(array.shape) == len(options.order):
        _check_number(options, ids, array.shape[options.order.index("N")])
    predictions = ArrayCandidates(array, inputs=options.inputs, axes=options.order, ids=ids, name=name)
    if options.axes is None and ids is None and default != "targets" and not parquet:
        warn_if_axes_swapped(array, options.inputs, name)
    return predictions


def _open_candidates(
    options: SelectOptions, location: Location, ids: Ids | None, features: Tensor | None
) -> Candidates:
    if options.file is not None:
        return read_predictions(options, location, options.inputs, location.path.name, ids)
    count = len(features) if features is not None and features.dim() else 0
    if ids is not None:
        _check_number(options, ids, count)
    return TensorCandidates(None, torch.arange(count))


def _check_number(options: SelectOptions, ids: Ids, count: int) -> None:
    if len(ids) != count:
        raise InputError(
            f"ids must be one for each of the {count} candidates; got {len(ids)} in {options.ids}",
            argument="ids",
            got=len(ids),
        )


def _label_excluded(
    inputs: SelectInputs, features: Tensor, kept: Tensor, every: Candidates, names: Sequence[object]
) -> SelectInputs:
    """Count the excluded rows as labelled, by their features where these are finite."""
    excluded = torch.ones(len(features), dtype=torch.bool)
    excluded[kept] = False
    usable = features.isfinite().all(1)
    if broken := (excluded & ~usable).nonzero()[:, 0].tolist():
        listed = _list_ids([names[row] for row in broken])
        print_message(f"lindley: excluded rows do not count as labelled where features are not finite: {listed}")
    rows = (excluded & usable).nonzero()[:, 0]
    return replace(inputs, labelled=every.rows[rows], labelled_features=features[rows])


def _read_features(text: str | None, name: str) -> Tensor | None:
    if text is None:
        return None
    array = open_array(Location.parse(text, name), name)
    return array.read(0, slice(0, array.shape[0])) if array.shape else torch.empty(0)


def _list_ids(ids: Sequence[object]) -> str:
    return f"{list(ids[:5])!r}{' and more' if len(ids) > 5 else ''}"
