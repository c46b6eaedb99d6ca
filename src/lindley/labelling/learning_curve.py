"""The models of a project's rounds on its test labels: the newest one's predictions, and the learning curve.

Every model is judged by all test labels that there are now: each round kept what it predicts of the whole test stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lindley.labelling.class_events import resolve_class
from lindley.labelling.epochs import Epoch
from lindley.labelling.fold import ProjectState
from lindley.labelling.records import ClassRecord, ProjectEvent, Stream
from lindley.labelling.snapshot import Snapshot, Value
from lindley.measures.intervals import wilson_interval


@dataclass(frozen=True)
class CurvePoint:
    """The accuracy of one round's model on all test labels."""

    epoch: int
    num_train: int
    """The number of labels from which the model learned."""
    num_labels: int
    """The number of labels of people that were there, those of the test stream included."""
    num_correct: int
    num_test: int
    share: float
    low: float
    """Wilson's interval at 95 %."""
    high: float


@dataclass(frozen=True)
class Judgement:
    """Labels beside what one model predicts of their items."""

    truth: tuple[int, ...] = ()
    """The ids of the classes of the labels, [n]."""
    predicted: tuple[int | None, ...] = ()
    """Those that the model predicts, through merges; None where the class is no longer offered. [n]"""
    confidence: tuple[float, ...] = ()
    """The probabilities of the predicted classes, [n]."""

    @property
    def correct(self) -> list[bool]:
        """For each label whether the model predicts it."""
        return [guess == truth for truth, guess in zip(self.truth, self.predicted, strict=True)]


def judge(answers: Mapping[int, Value], epoch: Epoch, classes: Sequence[ClassRecord]) -> Judgement:
    """Return what an epoch predicts of labelled items; items that came after it, and skips, are left out.

    Args:
        answers: By item the class that counts.
        epoch: The epoch.
        classes: All classes by their id, with their merges.
    """
    found = []
    for item, place in _places(answers, epoch):
        guess = resolve_class(classes, epoch.test_predicted[place])
        found.append((answers[item], guess, epoch.test_confidence[place]))
    return Judgement(*map(tuple, zip(*found, strict=True))) if found else Judgement()


def judged_items(answers: Mapping[int, Value], epoch: Epoch) -> list[int]:
    """Return the labelled items that an epoch predicts, in the order of their judgement."""
    return [item for item, _ in _places(answers, epoch)]


def _places(answers: Mapping[int, Value], epoch: Epoch) -> list[tuple[int, int]]:
    """Return the labelled items that an epoch predicts, each with its place there."""
    labelled = np.array([item for item, value in answers.items() if value != "skip"], dtype=np.int64)
    items = np.array(epoch.test_items, dtype=np.int64)  # sorted
    places = np.searchsorted(items, labelled)
    known = places < len(items)
    known[known] = items[places[known]] == labelled[known]
    return [*zip(labelled[known].tolist(), places[known].tolist(), strict=True)]


def learning_curve(snapshot: Snapshot, epochs: Sequence[Epoch], judged: Sequence[Judgement]) -> list[CurvePoint]:
    """Return the accuracy of each epoch's model on all test labels; none where there are no test labels.

    Args:
        snapshot: The labels that count now.
        epochs: The epochs.
        judged: Each epoch's predictions beside the test labels.
    """
    answered = np.sort([_last_answer(snapshot.state, item) for item in (*snapshot.train, *snapshot.test)])
    curve = []
    for epoch, each in zip(epochs, judged, strict=True):
        num_correct, num_test = sum(each.correct), len(each.truth)
        if num_test:
            interval = wilson_interval(num_correct, num_test)
            num_labels = int(np.searchsorted(answered, epoch.upto_seq, side="right"))
            point = epoch.number, epoch.num_train, num_labels, num_correct, num_test, num_correct / num_test
            curve.append(CurvePoint(*point, *interval))
    return curve


def find_undecided(snapshot: Snapshot, stream: Stream) -> list[int]:
    """Return the items of a stream that people answered without a label that counts.

    They were skipped, people disagree on them, or their class is no longer offered.
    """
    labelled = {item for item, value in getattr(snapshot, stream).items() if value != "skip"}
    answered = (item for item in snapshot.state.standing if snapshot.streams[item] == stream and item not in labelled)
    return [item for item in answered if own_answers(snapshot.state, item)]


def own_answers(state: ProjectState, item: int) -> list[ProjectEvent]:
    """Return people's answers to an item here; imported ones say nothing of a random item."""
    return [each for each in state.answers(item).values() if not each.imported]


def _last_answer(state: ProjectState, item: int) -> float:
    """Return the place of a person's last answer to an item; infinity where its label was imported."""
    return max((float(each.seq or 0) for each in own_answers(state, item)), default=np.inf)
