"""How far a project is: its status, read from the events that are new and the models of its rounds."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lindley.labelling import reads
from lindley.labelling.accuracy import (
    AdjustedAccuracy,
    adjust_by_confidence,
    calibration,
    estimate_accuracy,
    recall_by_class,
)
from lindley.labelling.advice import Forecast, RoundChange, advise, forecast_gain
from lindley.labelling.audit_verdict import audit_statuses
from lindley.labelling.class_events import resolve_class
from lindley.labelling.consensus import pairwise_agreement
from lindley.labelling.epochs import Epoch, list_epochs, pack, read_epoch
from lindley.labelling.fold import ProjectState
from lindley.labelling.labels_saved import LabelsSaved, estimate_labels_saved
from lindley.labelling.learning_curve import (
    Judgement,
    find_undecided,
    judge,
    judged_items,
    learning_curve,
    own_answers,
)
from lindley.labelling.project import Project
from lindley.labelling.ranked_queue import read_epoch as read_queue_epoch
from lindley.labelling.records import ProjectEvent, Stream
from lindley.labelling.round_records import read_rounds
from lindley.labelling.sentence_gain import SentenceGain, sentence_of
from lindley.labelling.snapshot import Snapshot, Value, take_snapshot
from lindley.labelling.sql import sa
from lindley.labelling.status_records import (
    MIN_KAPPA_ITEMS,
    ModelStatus,
    PeopleAgreement,
    PersonStatus,
    ProjectStatus,
    SentencesStatus,
    SentenceStatus,
    SuspectStatus,
)
from lindley.labelling.suspects import SuspectLabel

SHOWN_SUSPECTS, SHOWN_LENGTH = 10, 200
"""The largest number of suspects, and of the characters of each."""
STREAMS: tuple[Stream, ...] = ("train", "test", "audit")


class StatusReader:
    """Reads the status of a project again and again, for threads: each time only the events and epochs that are new.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._mutex = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._epochs: dict[int, Epoch] = {}
        self._last: tuple[tuple[Any, ...], ProjectStatus] | None = None

    def read(self) -> ProjectStatus:
        """Return the status. Nothing is computed where nothing has happened since the last time."""
        with self._mutex:
            key = self._project.store.read(_status_key)
            if self._last is None or self._last[0] != key:
                self._snapshot = take_snapshot(self._project, self._snapshot)
                self._read_epochs()
                self._last = key, _status(self._project, self._snapshot, [*self._epochs.values()])
            return self._last[1]

    def _read_epochs(self) -> None:
        """Read the epochs that are new and have a model, up to that of the queue; others are dropped."""
        last = self._project.store.epoch()
        numbers = [number for number in list_epochs(self._project.folder) if number <= last]
        found = (self._epochs.get(number) or pack(read_epoch(self._project.folder, number)) for number in numbers)
        self._epochs = {each.number: each for each in found if each.model_version}


def project_status(project: Project) -> ProjectStatus:
    """Return the status of a project."""
    return StatusReader(project).read()


def _status_key(connection: sa.Connection) -> tuple[Any, ...]:
    """Return what changes whenever the status does."""
    return (
        reads.read_last_seq(connection),
        read_queue_epoch(connection),
        reads.read_streams_key(connection),
        reads.count_entries(connection),
        read_rounds(connection)[-1:],
    )


def _status(project: Project, snapshot: Snapshot, epochs: Sequence[Epoch]) -> ProjectStatus:
    store, streams, state = project.store, snapshot.streams, snapshot.state
    undecided = {name: find_undecided(snapshot, name) for name in STREAMS}
    newest = epochs[-1] if epochs else None
    judgements = [judge(snapshot.test, each, state.classes) for each in epochs]
    judged = judgements[-1] if judgements else Judgement()
    correct = judged.correct
    accuracy = estimate_accuracy(sum(correct), len(correct), _count_known(newest, undecided["test"]))
    changes = [_round_change(each) for each in epochs]
    information = newest.metrics.get("information") if newest else None
    num_entries, num_unreadable, unreadable = store.read(reads.count_entries)
    rounds = store.rounds()
    names = dict(zip(snapshot.class_ids, snapshot.class_names, strict=True))
    return ProjectStatus(
        name=project.folder.absolute().name,
        kind=project.settings.kind,
        num_items=len(streams),
        num_entries=num_entries,
        num_unreadable=num_unreadable,
        unreadable=unreadable,
        labels={name: sum(value != "skip" for value in getattr(snapshot, name).values()) for name in STREAMS},
        num_imported=sum(value != "skip" and not own_answers(state, item) for item, value in snapshot.train.items()),
        num_unused=len(snapshot.unused),
        undecided={name: len(items) for name, items in undecided.items()},
        num_disputed=len(snapshot.disputed),
        by_class=_count_classes(snapshot.train.values(), names),
        model=None if newest is None else _model_status(project, newest),
        accuracy=accuracy,
        adjusted=_adjust(judged, newest, streams),
        target=project.settings.target,
        advice=advise(accuracy, changes, target=project.settings.target),
        forecast=_forecast(epochs, judgements),
        audits=audit_statuses(project, state),
        recall=recall_by_class(judged.truth, judged.predicted, names),
        calibration=calibration(correct, judged.confidence),
        curve=learning_curve(snapshot, epochs, judgements),
        saved=_labels_saved(snapshot, epochs, judgements),
        suspects=_suspects(project, snapshot, newest),
        information_bits=None if information is None else information / math.log(2),
        information_limit_bits=math.log2(project.settings.num_draws),
        sentences=_sentences(newest, state),
        agreement=_agreement(state),
        people=_people(state),
        seconds_per_label=_seconds_per_label(state.known.values()),
        failure=rounds[-1].error if rounds and rounds[-1].status == "failed" else "",
    )


def _round_change(epoch: Epoch) -> RoundChange:
    return RoundChange(epoch.num_train, epoch.metrics.get("agreement"), epoch.metrics.get("item_information"))


def _count_known(epoch: Epoch | None, items: Sequence[int]) -> int:
    """Return how many of the items a model predicts; later ones are judged by the next one."""
    return 0 if epoch is None else len({*items} & {*epoch.test_items})


def _count_classes(values: Iterable[Value], names: Mapping[int, str]) -> dict[str, int]:
    counts: dict[Value, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return {name: counts[number] for number, name in names.items()}


def _adjust(judged: Judgement, epoch: Epoch | None, streams: np.ndarray) -> AdjustedAccuracy | None:
    if epoch is None:
        return None
    of_test = streams[list(epoch.test_items)] == "test"  # an epoch predicts the audit's items too
    return adjust_by_confidence(judged.correct, judged.confidence, np.array(epoch.test_confidence)[of_test].tolist())


def _forecast(epochs: Sequence[Epoch], judgements: Sequence[Judgement]) -> Forecast | None:
    """Extend the learning curve of the epochs that predict every test label; items added later have none before."""
    most = max((len(each.truth) for each in judgements), default=0)
    rounds = [
        (epoch.num_train, each.correct)
        for epoch, each in zip(epochs, judgements, strict=True)
        if len(each.truth) == most
    ]
    if not most or not epochs[-1].num_train:
        return None
    return forecast_gain([count for count, _ in rounds], np.array([correct for _, correct in rounds]))


def _sentences(epoch: Epoch | None, state: ProjectState) -> SentencesStatus | None:
    """Return the verdict on the sentences, without those that were changed after the epoch."""
    if epoch is None or "prior_scale" not in epoch.hyperparameters:
        return None
    found = []
    for each in (SentenceGain(**values) for values in epoch.metrics.get("sentences", ())):
        record = state.classes[each.class_id]
        if not record.retired and sentence_of(record) == each.sentence:
            found.append(SentenceStatus(name=record.name, misleads=each.misleads, **asdict(each)))
    return SentencesStatus(epoch.hyperparameters["prior_scale"], found)


def _agreement(state: ProjectState) -> list[PeopleAgreement]:
    """Return the agreement of each two people; what is not defined is None, since JSON has no NaN."""
    found = []
    for people, each in pairwise_agreement(state).items():
        kappa, low, high = (None if math.isnan(value) else value for value in (each.kappa, each.low, each.high))
        ends = (low, high) if each.num_items >= MIN_KAPPA_ITEMS else (None, None)
        found.append(PeopleAgreement(people, each.num_items, each.observed, kappa, *ends))
    return found


def _labels_saved(snapshot: Snapshot, epochs: Sequence[Epoch], judgements: Sequence[Judgement]) -> LabelsSaved | None:
    """Compare chosen labels with random ones; not where labels were imported, which nobody chose."""
    kept = epochs[-1].metrics.get("random_labels") if epochs else None
    if kept is None or any(not own_answers(snapshot.state, item) for item in snapshot.train):
        return None
    predicted = dict(zip(kept["items"], kept["predicted"], strict=True))
    items = judged_items(snapshot.test, epochs[-1])
    places = [place for place, item in enumerate(items) if item in predicted]
    classes = snapshot.state.classes
    random = [resolve_class(classes, predicted[items[place]]) == snapshot.test[items[place]] for place in places]
    rounds = {
        epoch.num_train: each.correct  # of rounds with the same labels the last
        for epoch, each in zip(epochs, judgements, strict=True)
        if len(each.truth) == len(items)
    }
    chosen = np.array([*rounds.values()], dtype=bool).reshape(len(rounds), len(items))[:, places]
    return estimate_labels_saved([*rounds], chosen, np.array(random, dtype=bool), len(predicted) - 1)


def _suspects(project: Project, snapshot: Snapshot, epoch: Epoch | None) -> list[SuspectStatus]:
    """Return the suspects of an epoch whose label is still the same, and was given once."""
    found = [SuspectLabel(**each) for each in (epoch.metrics.get("suspects", ()) if epoch else ())]
    standing = [each for each in found if _is_suspect(snapshot, each)][:SHOWN_SUSPECTS]
    places = project.places([each.item for each in standing])
    items = project.store.items([each.item for each in standing])
    is_text = project.settings.kind == "text"
    return [
        SuspectStatus(
            each.item,
            places[each.item],
            item.content[:SHOWN_LENGTH] if is_text else "",
            each.class_id,
            snapshot.state.classes[each.class_id].name,
            each.margin,
        )
        for each, item in zip(standing, items, strict=True)
    ]


def _is_suspect(snapshot: Snapshot, found: SuspectLabel) -> bool:
    given = [
        snapshot.state.class_of(each)
        for each in snapshot.state.standing.get(found.item, ())
        if each.class_id is not None
    ]
    return snapshot.train.get(found.item) == found.class_id and given.count(found.class_id) < 2


def _model_status(project: Project, epoch: Epoch) -> ModelStatus:
    behind = project.count_new_answers(epoch.upto_seq)
    return ModelStatus(epoch.model_version, epoch.number, epoch.num_train, epoch.acquisition, behind)


def _people(state: ProjectState) -> list[PersonStatus]:
    answers: dict[str, list[ProjectEvent]] = defaultdict(list)
    for item in state.standing:
        for each in own_answers(state, item):
            answers[each.person].append(each)
    events: dict[str, list[ProjectEvent]] = defaultdict(list)
    for event in state.known.values():
        events[event.person].append(event)
    found = []
    for person, given in sorted(answers.items()):
        num_labels = sum(each.kind == "label" for each in given)
        pace = _seconds_per_label(events[person])
        found.append(PersonStatus(person, num_labels, len(given) - num_labels, pace))
    return found


def _seconds_per_label(events: Iterable[ProjectEvent]) -> float | None:
    times = [
        (event.shown_ms - (event.idle_ms or 0)) / 1000
        for event in events
        if event.kind == "label" and event.shown_ms is not None
    ]
    return float(np.median(times)) if times else None
