"""Whether the rows and classes of a journal lie within its pool and its task. No torch here."""

from __future__ import annotations

from pathlib import Path

from lindley.errors import JournalError
from lindley.session.files import REMEDY
from lindley.session.state import SessionState


def check_ranges(state: SessionState, *, num_rows: int, num_classes: int, path: Path | None) -> None:
    """Raise JournalError for rows that are not in the pool, and for labels that are no class of the task.

    Args:
        state: The state of the journal.
        num_rows: The number of rows of the pool, N.
        num_classes: The number of classes of the task, C.
        path: The journal, for messages.
    """
    where = "the store" if path is None else str(path)
    queries = (*state.queries, *(each.query for each in state.rounds if each.query))
    rows = (*state.answers, *state.disputed, *(row for query in queries for row in query.rows))
    if (largest := max(rows, default=-1)) >= num_rows:
        raise JournalError(
            f"{where} holds row {largest}, and the pool has the rows 0 to {num_rows - 1}. {REMEDY}", path=path
        )
    given = (*state.answers.values(), *(each for answers in state.disputed.values() for each in answers))
    for each in given:
        if each.outcome == "label" and each.value not in range(num_classes):
            raise JournalError(
                f"{where} holds class {each.value} for row {each.row}, and the classes are 0 to {num_classes - 1}. "
                f"{REMEDY}",
                path=path,
            )
