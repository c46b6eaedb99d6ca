"""`lindley select`: which candidates of a file of predictions to label next."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.select import select
from lindley.acquisition.specs import ACQUISITIONS
from lindley.apps.console import PlainConsole
from lindley.apps.error_messages import format_warning
from lindley.apps.id_files import Ids, read_ids
from lindley.apps.input_files import Location
from lindley.apps.output_file import write_out
from lindley.apps.printing import print_message, print_result
from lindley.apps.read_progress import WatchedCandidates, show_read_progress
from lindley.apps.select_candidates import read_candidates, read_predictions
from lindley.apps.select_options import (
    SelectOptions,
    candidates_location,
    check_overwrite,
    check_requirements,
    output_format,
    parse_options,
)
from lindley.apps.selection_files import SelectionLine, format_selection
from lindley.contracts import Selection
from lindley.information.layouts import check_layout

_INFORMATION = {
    "regret_bound": "no row would have gained more than a pick by over",
    "joint_information": "their labels together carry",
    "target_information": "about the targets they carry",
    "gaussian_information": "Gaussian information",
    "two_bald": "2-BALD",
}
"""Diagnostics in nats, which are shown in bits."""


def select_from_file(options: SelectOptions) -> None:
    """Select, write id, rank and score, and print a summary to stderr."""
    check_layout(options.inputs, options.order)
    form = output_format(options)
    method_options = parse_options(options.options)
    acquisition_named(options.acquisition, method_options)  # wrong names are refused before a large file is read
    check_requirements(options)
    location = candidates_location(options)
    ids = None if options.ids is None else read_ids(options.ids, location)
    targets = Location.parse(options.targets, "targets") if options.targets else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        inputs = read_candidates(options, location, ids)
        candidates = inputs.candidates
        with show_read_progress(len(candidates.rows), PlainConsole(stderr=True)) as on_read:
            selection = select(
                None if options.file is None else WatchedCandidates(candidates, on_read),
                options.acquisition,
                options.batch_size,
                options.seed,
                rows=candidates.rows if options.file is None else None,
                targets=None if targets is None else read_predictions(options, targets, "targets", "targets"),
                features=inputs.features,
                labelled_features=inputs.labelled_features,
                labelled=inputs.labelled,
                **method_options,
            )
    for text in dict.fromkeys(format_warning(each.message) for each in caught):
        print_message(f"lindley: {text}")
    content = format_selection(_selection_lines(selection, ids), form, spreadsheet=options.spreadsheet)
    check_overwrite(options)  # once more: somebody may have written the file meanwhile
    write_out(options.out, content)
    print_message(selection_summary(options.acquisition, selection, len(candidates.rows), candidates.num_draws))


def list_acquisitions() -> None:
    """Print each acquisition: its name, its source, what it requires besides predictions, and its options."""
    width = max(map(len, ACQUISITIONS))
    for name, method in ACQUISITIONS.items():
        print_result(f"{name:{width}} {method.title}: {method.reference}")
        requires = _list_names(method.requires)
        options = ", ".join(method.option_names)
        more = [f"requires {requires}"] * bool(requires) + [f"options: {options}"] * bool(options)
        more += [
            f"with {name}={value} requires {_list_names(also)}" for (name, value), also in method.requires_with.items()
        ]
        if more:
            print_result(f"{'':{width}} {'; '.join(more)}")


def _list_names(names: Collection[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in sorted(names))


def selection_summary(acquisition: str, selection: Selection, count: int, num_draws: int) -> str:
    """Return a selection's diagnostics as a sentence: information in bits, everything else as the method gives it.

    Args:
        acquisition: The name of the acquisition.
        selection: The rows, their scores and diagnostics.
        count: The number of candidates.
        num_draws: The number of draws K; 0 where there are no predictions.
    """
    diagnostics, method = dict(selection.diagnostics), ACQUISITIONS[acquisition]
    draws = f"{num_draws} draw{'' if num_draws == 1 else 's'}"
    under = f" under {draws}" if num_draws else ""
    unit = " (scores in nats)" if method.unit == "log C" else ""
    parts = [f"{method.title} chose {len(selection.rows):,} of {count:,} candidates{under}{unit}"]
    for key in ("num_joint_picks", "saturated_after"):
        if diagnostics.get(key) == len(selection.rows):  # nothing to say: log K was not used up
            diagnostics.pop(key)
    if diagnostics.get("regret_bound") == 0:  # every gain is exact
        diagnostics.pop("regret_bound")
    for key, words in _INFORMATION.items():
        value, error = diagnostics.pop(key, None), diagnostics.pop(f"{key}_se", None)
        if isinstance(value, float):
            exact = f" ± {error / math.log(2):.2g}" if isinstance(error, float) and error > 0 else ""
            parts.append(f"{words} {value / math.log(2):.3g}{exact} bits")
    share = diagnostics.pop("share_of_log_k", None)
    if isinstance(share, float):
        parts.append(f"{share:.0%} of what {draws} can show")
    parts += [
        f"{key.replace('_', ' ')} {_format_value(value)}"
        for key, value in diagnostics.items()
        if not isinstance(value, list)
    ]
    return "; ".join(parts) + "."


def _selection_lines(selection: Selection, ids: Ids | None) -> list[SelectionLine]:
    rows = selection.rows.tolist()
    scores = selection.scores.cpu().numpy()
    return [
        # the shortest decimal that gives this float32 or float64 again
        SelectionLine(row if ids is None else ids[row], rank, float(str(score)))
        for rank, (row, score) in enumerate(zip(rows, scores, strict=True), 1)
    ]


def _format_value(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
