"""A trial: a session whose oracle is a program, run to a number of labels.

State is the fold of the journal's events and nothing else, so a trial that was killed goes on by being started again,
and only the round under way is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from lindley.contracts import Pool
from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import InputError
from lindley.session.events import Answer
from lindley.session.files import sweep_arrays, verify_arrays
from lindley.session.journal_store import JournalStore
from lindley.session.manifest import Manifest, claim_folder, describe_changes, manifest_of
from lindley.session.progress import OnProgress, ProgressEvent, ignore_progress
from lindley.session.rounds import Observer, RoundSettings
from lindley.session.schedule import Labelling
from lindley.session.session import Session
from lindley.session.state import Round, SessionState, fold
from lindley.session.subsets import balanced_rows, initial_random_rows, validation_rows
from lindley.shapes import ClassIndices, Rows

Oracle = Callable[[Sequence[int]], list[Answer]]
"""Rows -> an answer to each of them."""


def simulated_oracle(classes: ClassIndices) -> Oracle:
    """Return the oracle that knows the class of every row of the pool; -1 is none of the classes.  [N]"""
    known = classes.tolist()

    def answer(rows: Sequence[int]) -> list[Answer]:
        return [
            Answer(row, outcome="none_of_the_classes", uuid="")
            if known[row] == NONE_OF_THE_CLASSES
            else Answer(row, known[row], uuid="")
            for row in rows
        ]

    return answer


@dataclass(frozen=True)
class TrialSetup:
    """Everything that a trial needs; `classes` is what its oracle knows of every row of the pool."""

    rounds: RoundSettings
    schedule: Labelling
    pool: Pool
    classes: ClassIndices
    manifest: Manifest
    sources: Rows | None = None
    observers: Mapping[str, Observer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.pool) != self.classes.numel():
            raise InputError(f"the pool has {len(self.pool)} rows, but {self.classes.numel()} classes are known")
        least = self.schedule.initial_labels + self.schedule.validation_labels
        if not least <= self.schedule.max_labels <= len(self.pool):
            raise InputError(
                "schedule.max_labels must lie between the initial and validation labels together "
                f"({least}) and the size of the pool ({len(self.pool)}); got {self.schedule.max_labels}"
            )

    def first_rows(self) -> tuple[Tensor, Tensor]:
        """The initial rows, and the validation rows, the same for every acquisition of a seed."""
        schedule, seed = self.schedule, self.rounds.seed
        if schedule.initial == "balanced":
            initial = balanced_rows(self.classes, schedule.initial_labels, seed=seed)
        else:
            initial = initial_random_rows(len(self.pool), schedule.initial_labels, seed=seed)
        return initial, validation_rows(len(self.pool), initial, schedule.validation_labels, seed=seed)


def run_trial(setup: TrialSetup, folder: Path, *, on_progress: OnProgress = ignore_progress) -> None:
    """Run, or go on with, the trial in `folder` until max_labels labels are known and a model is fitted on them.

    Where max_labels was raised, the last round is fitted again (to the same model) and now selects.
    Raises HeldError when another process runs it, JournalError when the folder is damaged or of another trial.
    """
    with JournalStore(folder) as store:
        continue_trial(setup, store, on_progress=on_progress)


def continue_trial(setup: TrialSetup, store: JournalStore, *, on_progress: OnProgress = ignore_progress) -> None:
    """As `run_trial`, in the folder of a journal that is open already."""
    folder, state = store.folder, fold(store.read())
    manifest_of(folder, state)
    for reference in _arrays(state):
        verify_arrays(folder, reference)
    if not state.reaches(setup.schedule.max_labels):
        changes = claim_folder(folder, setup.manifest, state)
        session = _session(setup, store, on_progress)
        if changes:
            session.resume(changes)
            on_progress(_resumed(changes, session.state.resumed[-1].round))
        _begin(session, setup)
        _run(session, simulated_oracle(setup.classes), setup.schedule)
        state = session.state
    sweep_arrays(folder, {each.file for each in _arrays(state)})


def _run(session: Session, oracle: Oracle, schedule: Labelling) -> None:
    while not session.state.reaches(schedule.max_labels):
        state = session.state
        if short := next((each for each in state.rounds if _is_short(each, schedule)), None):
            if answered := [row for row in _rows_from(state, short.index) if row in state.resolved]:
                session.withdraw(answered)
        elif state.pending:
            session.tell(oracle(state.pending))
            continue
        result = session.step(batch_size=schedule.batch_after(session.state.num_labels))
        told: ProgressEvent = {"stage": "round", "round": result.index, "labels": result.num_labels}
        session.on_progress({**told, "accuracy": session.state.rounds[-1].metrics.get("accuracy")})


def _is_short(round: Round, schedule: Labelling) -> bool:
    """Whether it is the end of a shorter schedule: it selects now, or selects more."""
    return len(round.rows) < schedule.batch_after(round.labels)


def _rows_from(state: SessionState, index: int) -> list[int]:
    return [row for each in state.rounds[index:] for row in each.rows]


def _begin(session: Session, setup: TrialSetup) -> None:
    """Query the first rows. What a trial without a round was begun with, other rows or answers, counts for nothing."""
    oracle = simulated_oracle(setup.classes)
    initial, validation = (rows.tolist() for rows in setup.first_rows())
    wanted = [("initial", initial)] + [("validation", validation)] * bool(validation)
    state = session.state
    if state.rounds:
        return
    right = {answer.row: answer.value for answer in oracle([*initial, *validation])}
    there = [(query.purpose, query.rows) for query in state.queries]
    if there != wanted[: len(there)] or any(right.get(row) != each.value for row, each in state.resolved.items()):
        session.restart()
        there = []
    for purpose, rows in wanted[len(there) :]:
        session.query(rows, "initial" if purpose == "initial" else "validation")


def _session(setup: TrialSetup, store: JournalStore, on_progress: OnProgress) -> Session:
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
        requires=settings.needs,
        candidates=settings.candidates,
        num_targets=settings.num_targets,
        sources=setup.sources,
        observers=setup.observers,
        key=setup.manifest["key"],
        on_progress=lambda event: on_progress({**event, "rounds": num_rounds}),
    )


def _arrays(state: SessionState) -> Iterable[Any]:
    return (reference for each in state.rounds for reference in each.fit.arrays.values())


def _resumed(changes: Mapping[str, list[Any]], round: int) -> ProgressEvent:
    message = f"continued under other conditions, so later rounds need not be bit-equal: {describe_changes(changes)}"
    return {"stage": "resumed", "round": round, "changes": changes, "message": message}
