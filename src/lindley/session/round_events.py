"""Between the state of a session and its rounds: the labels that a round reads, and the events that it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lindley.contracts import Labels, Selection
from lindley.errors import InputError
from lindley.session.event_store import EventStore
from lindley.session.events import Fitted, Purpose, Queried
from lindley.session.rounds import RoundLabels, RoundResult
from lindley.session.state import SessionState
from lindley.session.subsets import initial_random_rows, validation_rows
from lindley.session.validated_records import build_record
from lindley.shapes import Rows


def select_labels(state: SessionState, *purposes: Purpose) -> Labels:
    """Return the labels of the rows of these purposes, in order, without those of none of the classes."""
    answers = [answer for answer in state.answers_for(*purposes) if answer.outcome == "label"]
    rows = torch.tensor([answer.row for answer in answers], dtype=torch.int64)
    return Labels(rows, torch.tensor([answer.value for answer in answers], dtype=torch.int64))


def build_round_labels(state: SessionState, excluded: Sequence[int]) -> RoundLabels:
    """Return what a round reads of the state; rows set apart and excluded rows are no candidates."""
    labelled = [answer.row for answer in state.answers_for("initial", "train")]
    apart = [row for query in state.queries for row in query.rows]
    unavailable = dict.fromkeys([*state.answers, *apart, *excluded])
    has_validation = next(state.answers_for("validation"), None) is not None
    return RoundLabels(
        select_labels(state, "initial", "train"),
        select_labels(state, "validation") if has_validation else None,
        torch.tensor(labelled, dtype=torch.int64),
        torch.tensor(list(unavailable), dtype=torch.int64),
        state.num_labels,
    )


def build_first_queries(
    state: SessionState, num_rows: int, initial: int, validation: int, *, seed: int
) -> list[Queried]:
    """Return the queries of random rows with which a session begins, without rows that have an answer already.

    Args:
        state: The state of the session.
        num_rows: The number of rows of the pool, N.
        initial: The number of initial rows; 0: no such query.
        validation: The number of validation rows; 0: no such query.
        seed: The session's seed.

    Raises:
        InputError: If there are more than the pool has.
    """
    rows = initial_random_rows(num_rows, initial, seed=seed) if initial else torch.empty(0, dtype=torch.int64)
    chosen: dict[Purpose, Rows] = {"initial": rows} if initial else {}
    if validation:
        chosen["validation"] = validation_rows(num_rows, rows, validation, seed=seed)
    return [
        Queried(round=0, purpose=purpose, rows=[row for row in each.tolist() if row not in state.answers])
        for purpose, each in chosen.items()
    ]


def build_query(selection: Selection, index: int, purpose: Purpose) -> Queried:
    """Return the event of a selection.

    Args:
        selection: The rows, with their scores and diagnostics.
        index: The number of the round.
        purpose: The purpose of the query.
    """
    return build_record(
        Queried,
        round=index,
        purpose=purpose,
        rows=selection.rows.tolist(),
        scores=selection.scores.double().tolist(),
        diagnostics=dict(selection.diagnostics),
    )


def build_fitted(result: RoundResult, store: EventStore) -> Fitted:
    """Return the event of a fit; the arrays of its observers are written to the store.

    Raises:
        InputError: If two observers measured under one name, or if a measurement is none that a journal can hold.
    """
    seen = result.observations
    names = [key for each in seen.values() for key in each.metrics]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"Two observers measured {twice[0]!r}; give each metric a name of its own.",
            argument="observers",
            got=twice[0],
        )
    arrays = {
        name: store.save_arrays(f"round-{result.index:03d}-{name}", each.arrays)
        for name, each in seen.items()
        if each.arrays
    }
    return build_record(
        Fitted,
        round=result.index,
        labels=result.num_labels,
        metrics={key: value for each in seen.values() for key, value in each.metrics.items()},
        arrays=arrays,
        seconds=dict(result.seconds),
        compute_path=result.compute_path,
        hyperparameters=dict(result.hyperparameters),
    )
