"""A trial: a session whose oracle is a program, run to a number of labels.

State is the fold of the journal's events and nothing else. So a trial that was killed continues when it is started
again, and only the round under way is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from lindley.contracts import Pool
from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import InputError, JournalError
from lindley.session.events import Answer, Started
from lindley.session.files import delete_unused_arrays, verify_arrays
from lindley.session.journal_file import JournalStore
from lindley.session.journal_ranges import check_ranges
from lindley.session.manifest import Manifest, claim_folder, describe_changes, read_trial_manifest
from lindley.session.progress import OnProgress, ProgressEvent, ignore_progress
from lindley.session.rounds import Observer, RoundSettings
from lindley.session.schedule import LabelSchedule
from lindley.session.session import Session
from lindley.session.state import Round, SessionState, fold_events
from lindley.session.subsets import initial_balanced_rows, initial_random_rows, validation_rows
from lindley.shapes import ClassIndices, Rows

Oracle = Callable[[Sequence[int]], list[Answer]]
"""Returns an answer to each of some rows."""


def build_oracle(classes: ClassIndices) -> Oracle:
    """Return the simulated oracle that knows the class of every row of the pool; -1 is none of the classes.  [N]"""
    listed = classes.tolist()

    def answer(rows: Sequence[int]) -> list[Answer]:
        return [
            Answer(row, outcome="none_of_the_classes", uuid="")
            if listed[row] == NONE_OF_THE_CLASSES
            else Answer(row, listed[row], uuid="")
            for row in rows
        ]

    return answer


@dataclass(frozen=True)
class TrialSetup:
    """All parts of a trial; `classes` are what its oracle knows of every row of the pool, [N]."""

    rounds: RoundSettings
    schedule: LabelSchedule
    pool: Pool
    classes: ClassIndices
    manifest: Manifest
    sources: Rows | None = None
    observers: Mapping[str, Observer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.pool) != self.classes.numel():
            raise InputError(
                argument="classes",
                expected=f"[{len(self.pool)}], one for each row of the pool",
                got=[*self.classes.shape],
            )
        least = self.schedule.initial_labels + self.schedule.validation_labels
        if not least <= self.schedule.max_labels <= len(self.pool):
            raise InputError(
                argument="schedule.max_labels",
                expected=f"from {least}, the initial and validation labels together, to {len(self.pool)}, the size of "
                "the pool",
                got=self.schedule.max_labels,
            )

    def first_rows(self) -> tuple[Tensor, Tensor]:
        """Return the initial rows and the validation rows, the same for every acquisition of a seed."""
        schedule, seed = self.schedule, self.rounds.seed
        if schedule.initial == "balanced":
            initial = initial_balanced_rows(self.classes, schedule.initial_labels, seed=seed)
        else:
            initial = initial_random_rows(len(self.pool), schedule.initial_labels, seed=seed)
        return initial, validation_rows(len(self.pool), initial, schedule.validation_labels, seed=seed)


def run_trial(setup: TrialSetup, folder: Path, *, on_progress: OnProgress = ignore_progress) -> None:
    """Run or continue the trial in a folder until a model is fitted on max_labels labels.

    Where max_labels was raised, the last round is fitted again (to the same model) and now selects.

    Args:
        setup: The parts of the trial.
        folder: Holds its journal, or will hold it.
        on_progress: Called with each progress event.

    Raises:
        HeldError: If another process runs the trial.
        JournalError: If the folder is damaged, or holds another trial.
    """
    with JournalStore(folder) as store:
        continue_trial(setup, store, on_progress=on_progress)


def continue_trial(setup: TrialSetup, store: JournalStore, *, on_progress: OnProgress = ignore_progress) -> None:
    """Run or continue a trial, as `run_trial` does, in the folder of a journal that is open already.

    Args:
        setup: The parts of the trial.
        store: Its journal.
        on_progress: Called with each progress event.
    """
    folder, state = store.folder, fold_events(store.read(), path=store.path)
    read_trial_manifest(folder, state, key=setup.manifest["key"])
    for reference in _array_files(state):
        verify_arrays(folder, reference)
    if not state.is_complete(setup.schedule.max_labels):
        changes = claim_folder(folder, setup.manifest, state)
        if not state.rounds and not _matches_setup(state, setup):
            store.append([Started(key=setup.manifest["key"])])
        session = _open_session(setup, store, on_progress)
        if changes:
            session.record_changes(changes)
            on_progress(_resumption_event(changes, session.state.resumptions[-1].round))
        _query_first_rows(session, setup)
        _run_rounds(session, build_oracle(setup.classes), setup.schedule)
        state = session.state
    delete_unused_arrays(folder, {each.file for each in _array_files(state)})


def _run_rounds(session: Session, oracle: Oracle, schedule: LabelSchedule) -> None:
    while not session.state.is_complete(schedule.max_labels):
        state = session.state
        if short := next((each for each in state.rounds if _ends_early(each, schedule)), None):
            if answered := [row for row in _rows_since(state, short.index) if row in state.answers]:
                session.withdraw(answered)
        elif state.pending:
            session.tell(oracle(state.pending))
            continue
        result = session.step(batch_size=schedule.next_batch_size(session.state.num_labels))
        event: ProgressEvent = {"stage": "round", "round": result.index, "labels": result.num_labels}
        session.on_progress({**event, "accuracy": session.state.rounds[-1].metrics.get("accuracy")})


def _matches_setup(state: SessionState, setup: TrialSetup) -> bool:
    """Whether the rows and classes of a state are in the pool and the task; data may have been repaired since."""
    try:
        check_ranges(state, num_rows=len(setup.pool), num_classes=setup.rounds.task.num_classes, path=None)
    except JournalError:
        return False
    return True


def _ends_early(round: Round, schedule: LabelSchedule) -> bool:
    """Whether a round is the end of a shorter schedule: it selects now, or selects more."""
    return len(round.rows) < schedule.next_batch_size(round.labels)


def _rows_since(state: SessionState, index: int) -> list[int]:
    return [row for each in state.rounds[index:] for row in each.rows]


def _query_first_rows(session: Session, setup: TrialSetup) -> None:
    """Query the first rows. Other rows or answers, with which a trial without a round was begun, count for nothing."""
    oracle = build_oracle(setup.classes)
    initial, validation = (rows.tolist() for rows in setup.first_rows())
    wanted = [("initial", initial)] + [("validation", validation)] * bool(validation)
    state = session.state
    if state.rounds:
        return
    right = {answer.row: answer.value for answer in oracle([*initial, *validation])}
    queried = [(query.purpose, query.rows) for query in state.queries]
    if queried != wanted[: len(queried)] or any(right.get(row) != each.value for row, each in state.answers.items()):
        session.restart()
        queried = []
    for purpose, rows in wanted[len(queried) :]:
        session.query(rows, "initial" if purpose == "initial" else "validation")


def _open_session(setup: TrialSetup, store: JournalStore, on_progress: OnProgress) -> Session:
    settings = setup.rounds
    num_rounds = setup.schedule.num_rounds
    return Session(
        setup.pool,
        settings.learner,
        settings.acquisition,
        task=settings.task,
        num_draws=settings.num_draws,
        store=store,
        seed=settings.seed,
        requires=settings.requires,
        candidates=settings.candidates,
        num_targets=settings.num_targets,
        sources=setup.sources,
        observers=setup.observers,
        key=setup.manifest["key"],
        on_progress=lambda event: on_progress({**event, "rounds": num_rounds}),
    )


def _array_files(state: SessionState) -> Iterable[Any]:
    return (reference for each in state.rounds for reference in each.fit.arrays.values())


def _resumption_event(changes: Mapping[str, list[Any]], round: int) -> ProgressEvent:
    message = f"continued under other conditions, so later rounds need not be bit-equal: {describe_changes(changes)}"
    return {"stage": "resumed", "round": round, "changes": changes, "message": message}
