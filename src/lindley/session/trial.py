"""A trial run to its end: fold the journal into what is known, run the rounds that are missing, append each.

State is the fold of the journal's events and nothing else, so a trial that was killed goes on by being started
again, and only the round under way is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lindley.contracts import Labels, Pool, Selection
from lindley.errors import InputError
from lindley.session.files import save_arrays, sweep_arrays, verify_arrays
from lindley.session.journal import Event, Journal
from lindley.session.manifest import Manifest, begin_folder, claim_folder, manifest_beside, said_changes
from lindley.session.progress import OnProgress, ignore_progress
from lindley.session.rounds import Observer, Round, RoundSettings, run_round
from lindley.session.schedule import Labelling
from lindley.session.state import TrialState, fold
from lindley.session.subsets import balanced_rows, initial_random_rows, validation_rows
from lindley.shapes import ClassIndices, Rows


@dataclass(frozen=True)
class TrialSetup:
    """Everything that a trial needs: the oracle is `classes`, what it answers of every row of the pool."""

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


def run_trial(setup: TrialSetup, folder: Path, *, on_progress: OnProgress = ignore_progress) -> None:
    """Run, or go on with, the trial in `folder` until max_labels labels are known and a model is fitted on them.

    Where max_labels was raised, the last round is fitted again (to the same model) and now selects.
    Raises HeldError when another process runs it, JournalError when the folder is damaged or of another trial.
    """
    with Journal(folder) as journal:
        continue_trial(setup, journal, on_progress=on_progress)


def continue_trial(setup: TrialSetup, journal: Journal, *, on_progress: OnProgress = ignore_progress) -> None:
    """As `run_trial`, in the folder of a journal that is open already."""
    folder, state = journal.folder, fold(journal.events)
    manifest_beside(folder, journal.events)
    for event in state.rounds:
        for reference in event["arrays"].values():
            verify_arrays(folder, reference)
    if state.reaches(setup.schedule.max_labels):
        _sweep(folder, state.rounds)
        return
    changes: Mapping[str, list[Any]] = {}
    if state.rounds:
        changes = claim_folder(folder, setup.manifest, journal.events)
    else:
        begin_folder(folder, setup.manifest, journal.events)
    start = _begun(state, setup, journal)
    validation = _labels_of(start["validation"]) if "validation" in start else None
    done, labels = _known(state, setup.schedule, _labels_of(start), validation)
    if changes:
        journal.append({"event": "resumed", "round": len(done), "changes": changes})
        on_progress({"stage": "resumed", "round": len(done), "changes": changes, "message": _said(changes)})
    while not TrialState(None, tuple(done)).reaches(setup.schedule.max_labels):
        event = _run_and_append(setup, labels, validation, journal, index=len(done), on_progress=on_progress)
        done.append(event)
        labels = _told(labels, event)
    _sweep(folder, done)


def _sweep(folder: Path, rounds: Iterable[Event]) -> None:
    sweep_arrays(folder, {each["file"] for event in rounds for each in event["arrays"].values()})


def _begun(state: TrialState, setup: TrialSetup, journal: Journal) -> Event:
    """The event that a trial starts with; what it began with before its first round counts for nothing."""
    if state.start is not None and state.rounds:
        return state.start
    schedule, seed = setup.schedule, setup.rounds.seed
    if schedule.initial == "balanced":
        rows = balanced_rows(setup.classes, schedule.initial_labels, seed=seed)
    else:
        rows = initial_random_rows(len(setup.pool), schedule.initial_labels, seed=seed)
    begun: Event = {"event": "start", **_answered(rows, setup.classes[rows])}
    if schedule.validation_labels:
        stopping = validation_rows(len(setup.pool), rows, schedule.validation_labels, seed=seed)
        begun["validation"] = _answered(stopping, setup.classes[stopping])
    if state.start is None or any(state.start.get(key) != value for key, value in begun.items()):
        journal.append(begun)
    return begun


def _known(
    state: TrialState, schedule: Labelling, labels: Labels, validation: Labels | None
) -> tuple[list[Event], Labels]:
    """The rounds that stand, and the labels after them, `labels` being those of the start."""
    done: list[Event] = []
    for event in state.rounds:
        asked = len(event["selection"]["rows"]) if event["selection"] else 0
        if asked == 0 or asked < schedule.batch_after(_told_so_far(labels, validation)):
            break  # the end of a shorter schedule: this round selects now, or selects more
        done.append(event)
        labels = _told(labels, event)
    return done, labels


def _answered(rows: Rows, classes: ClassIndices) -> dict[str, list[int]]:
    return {"rows": rows.tolist(), "classes": classes.tolist()}


def _labels_of(told: Mapping[str, Any]) -> Labels:
    return Labels(torch.tensor(told["rows"]), torch.tensor(told["classes"]))


def _told_so_far(labels: Labels, validation: Labels | None) -> int:
    return len(labels) + (0 if validation is None else len(validation))


def _told(labels: Labels, event: Event) -> Labels:
    told = event["selection"]
    return labels.extended(torch.tensor(told["rows"]), torch.tensor(told["classes"])) if told else labels


def _run_and_append(
    setup: TrialSetup,
    labels: Labels,
    validation: Labels | None,
    journal: Journal,
    *,
    index: int,
    on_progress: OnProgress,
) -> Event:
    told, num_rounds = _told_so_far(labels, validation), setup.schedule.num_rounds
    result = run_round(
        setup.rounds,
        setup.pool,
        labels,
        setup.observers,
        index=index,
        batch_size=setup.schedule.batch_after(told),
        validation=validation,
        sources=setup.sources,
        on_stage=lambda stage: on_progress({"stage": stage, "round": index, "rounds": num_rounds, "labels": told}),
    )
    event = _round_event(result, setup.classes, journal.folder)
    journal.append(event)
    accuracy = event["metrics"].get("accuracy")
    on_progress({"stage": "round", "round": index, "rounds": num_rounds, "labels": told, "accuracy": accuracy})
    return event


def _round_event(result: Round, oracle: ClassIndices, folder: Path) -> Event:
    """The event of a round; its arrays are on the disk before it names them."""
    seen = result.observations
    return {
        "event": "round",
        "round": result.index,
        "labels": result.num_labels,
        "metrics": {key: value for each in seen.values() for key, value in each.metrics.items()},
        "selection": _selection_event(result.selection, oracle) if result.selection is not None else None,
        "arrays": {
            name: save_arrays(folder, f"round-{result.index:03d}-{name}", each.arrays)
            for name, each in seen.items()
            if each.arrays
        },
        "seconds": dict(result.seconds),
        **({"path": result.path} if result.path else {}),
        **({"tuned": dict(result.tuned)} if result.tuned else {}),
    }


def _selection_event(selection: Selection, oracle: ClassIndices) -> dict[str, Any]:
    rows = selection.rows.cpu()
    return {
        **_answered(rows, oracle[rows]),
        "scores": selection.scores.double().tolist(),
        "diagnostics": dict(selection.diagnostics),
    }


def _said(changes: Mapping[str, list[Any]]) -> str:
    return f"continued under other conditions, so later rounds need not be bit-equal: {said_changes(changes)}"
