"""`lindley select`: which candidates of a file of predictions to label next."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.select import select
from lindley.acquisition.specs import ACQUISITIONS
from lindley.apps.array_files import Place
from lindley.apps.console import PlainConsole
from lindley.apps.id_files import Ids, read_ids
from lindley.apps.output_file import write_out
from lindley.apps.printing import print_message, print_result
from lindley.apps.select_candidates import read_candidates, read_predictions
from lindley.apps.select_options import (
    SelectOptions,
    candidates_place,
    check_nothing_is_lost,
    method_options,
    output_format,
    refuse_missing,
)
from lindley.apps.selection_files import Line, as_text
from lindley.apps.waiting import WatchedCandidates, showing_rows
from lindley.contracts import Selection
from lindley.errors import Argument, InputError, InputWarning
from lindley.information.layouts import check_layout


def select_from_file(asked: SelectOptions) -> None:
    """Choose, and write id, rank and score; what there is to say of the choice goes to stderr."""
    try:
        _select_from_file(asked)
    except InputError as error:
        raise InputError(error.render(_as_option)) from error


def _as_option(argument: Argument) -> str:
    """An argument of `lindley.select` as an option of the command line."""
    if argument.option:
        return f"--option {argument.name}={argument.value}"
    return f"--{argument.name.replace('_', '-')} {'FILE' if argument.value is None else argument.value}"


def _describe(warning: Warning | str) -> str:
    return warning.render(_as_option) if isinstance(warning, InputWarning) else str(warning)


def _select_from_file(asked: SelectOptions) -> None:
    check_layout(asked.inputs, asked.order)
    form = output_format(asked)
    options = method_options(asked.options)
    acquisition_named(asked.acquisition, options)  # wrong names are refused before a large file is read
    refuse_missing(asked)
    place = candidates_place(asked)
    ids = None if asked.ids is None else read_ids(asked.ids, place)
    targets = Place.of(asked.targets) if asked.targets else None
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        given = read_candidates(asked, place, ids)
        candidates = given.candidates
        with showing_rows(len(candidates.rows), PlainConsole(stderr=True)) as told:
            selection = select(
                None if asked.file is None else WatchedCandidates(candidates, told),
                asked.acquisition,
                asked.batch_size,
                asked.seed,
                rows=candidates.rows if asked.file is None else None,
                targets=None if targets is None else read_predictions(asked, targets, "targets", "targets"),
                features=given.features,
                labelled_features=given.labelled_features,
                labelled=given.labelled,
                **options,
            )
    for warning in dict.fromkeys(_describe(note.message) for note in notes):
        print_message(f"lindley: {warning}")
    text = as_text(_lines(selection, ids), form, spreadsheet=asked.spreadsheet)
    check_nothing_is_lost(asked)  # once more: somebody may have written the file meanwhile
    write_out(asked.out, text)
    print_message(in_a_sentence(asked.acquisition, selection, len(candidates.rows), candidates.num_draws))


def list_acquisitions() -> None:
    """Each acquisition: its name, its source, what it needs besides predictions, and its options."""
    width = max(map(len, ACQUISITIONS))
    for name, method in ACQUISITIONS.items():
        print_result(f"{name:{width}} {method.title}: {method.reference}")
        needs = _in_words(method.requires)
        options = ", ".join(method.option_names)
        more = [f"needs {needs}"] * bool(needs) + [f"options: {options}"] * bool(options)
        more += [f"with {name}={value} needs {_in_words(also)}" for (name, value), also in method.requires_with.items()]
        if more:
            print_result(f"{'':{width}} {'; '.join(more)}")


def _in_words(needs: Collection[str]) -> str:
    return ", ".join(need.replace("_", " ") for need in sorted(needs))


def in_a_sentence(acquisition: str, selection: Selection, count: int, num_draws: int) -> str:
    """What a selection says of itself; information in bits, everything else as the method gives it."""
    said = dict(selection.diagnostics)
    draws = f"{num_draws} draw{'' if num_draws == 1 else 's'}"
    under = f" under {draws}" if num_draws else ""
    words = [f"{ACQUISITIONS[acquisition].title} chose {len(selection.rows):,} of {count:,} candidates{under}"]
    for key in ("num_joint_picks", "saturated_after"):
        if said.get(key) == len(selection.rows):  # nothing to say: log K was not used up
            said.pop(key)
    joint, error = said.pop("joint_information", None), said.pop("joint_information_se", None)
    share = said.pop("share_of_log_k", None)
    if isinstance(joint, float):
        exact = f" ± {error / math.log(2):.2g}" if isinstance(error, float) and error > 0 else ""
        words.append(f"their labels together carry {joint / math.log(2):.3g}{exact} bits")
    if isinstance(share, float):
        words.append(f"{share:.0%} of what {draws} can show")
    words += [f"{key.replace('_', ' ')} {_short(value)}" for key, value in said.items() if not isinstance(value, list)]
    return "; ".join(words) + "."


def _lines(selection: Selection, ids: Ids | None) -> list[Line]:
    rows = selection.rows.tolist()
    scores = selection.scores.cpu().numpy()
    return [
        # the shortest decimal that gives this float32 or float64 again
        Line(row if ids is None else ids[row], rank, float(str(score)))
        for rank, (row, score) in enumerate(zip(rows, scores, strict=True), 1)
    ]


def _short(value: object) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else (f"{value:.4g}" if isinstance(value, float) else str(value))
    )
