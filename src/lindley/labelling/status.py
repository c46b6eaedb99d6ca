"""How far a project is: labels, accuracy, what the model still learns, and whether to stop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lindley.labelling.accuracy import (
    AccuracyEstimate,
    ClassRecall,
    ReliabilityBin,
    adjust_by_confidence,
    audit_interval,
    calibration_error,
    estimate_accuracy,
    recall_by_class,
    reliability,
)
from lindley.labelling.advice import Advice, Forecast, advise, forecast_accuracy
from lindley.labelling.epochs import Epoch, read_epochs
from lindley.labelling.project import Project
from lindley.labelling.snapshot import Snapshot, Value, take_snapshot


@dataclass(frozen=True)
class CurvePoint:
    """The accuracy of one round's model on all test labels."""

    epoch: int
    num_train: int
    num_correct: int
    num_test: int


@dataclass(frozen=True)
class ProjectStatus:
    """How far a project is."""

    num_items: int
    num_entries: int
    num_unreadable: int
    labels: Mapping[str, int]
    """By stream the number of items with a label."""
    skipped: Mapping[str, int]
    disputed: int
    by_class: Mapping[str, int]
    """By name of the class the number of training labels."""
    epoch: int
    model_version: str
    accuracy: AccuracyEstimate
    adjusted: tuple[float, float] | None
    """The accuracy adjusted by the model's confidence in all items, and its standard error."""
    audit: Mapping[str, Any] | None
    """The audit: its labels, how many are predicted, and the interval that is judged once."""
    recall: Sequence[ClassRecall]
    reliability: Sequence[ReliabilityBin]
    calibration_error: float | None
    curve: Sequence[CurvePoint]
    information_bits: float | None
    """The joint information of the next batch."""
    seconds_per_label: float | None
    """The median time for an answer."""
    advice: Advice
    forecast: Forecast | None
    failure: str
    """Why the last round failed; "" where it did not."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def project_status(project: Project) -> ProjectStatus:
    """Return how far a project is."""
    store, snapshot = project.store, take_snapshot(project)
    epochs = list(read_epochs(project.folder))
    current = project.current_epoch()
    known = [epoch for epoch in epochs if epoch.model_version and current and epoch.number <= current.number]
    newest = known[-1] if known else None
    truth, guesses, sure = _judged(snapshot.test, newest)
    correct = [guess == true for true, guess in zip(truth, guesses, strict=True)]
    skipped = sum(value == "skip" for value in snapshot.test.values())
    accuracy = estimate_accuracy(sum(correct), len(correct), skipped)
    bins = reliability(correct, sure)
    curve = [_point(snapshot, epoch) for epoch in known]
    same = [point for point in curve if point.num_test]
    entries = list(store.entries())
    rounds = store.rounds()
    information = [each.metrics["information"] for each in known if "information" in each.metrics]
    probs = project.probs()
    return ProjectStatus(
        project.num_items,
        len(entries),
        sum(entry.item is None for entry in entries),
        {name: _count(getattr(snapshot, name)) for name in ("train", "test", "audit")},
        {name: _count(getattr(snapshot, name), skips=True) for name in ("train", "test", "audit")},
        len(snapshot.disputed),
        _by_class(snapshot),
        store.epoch(),
        newest.model_version if newest else "",
        accuracy,
        None if probs is None else adjust_by_confidence(correct, sure, float(probs.max(1).mean())),
        _audit(snapshot, newest),
        recall_by_class(truth, guesses, snapshot.class_ids),
        bins,
        calibration_error(bins),
        curve,
        information[-1] / np.log(2) if information else None,
        _seconds_per_label(project),
        advise(
            accuracy,
            [each.metrics["agreement"] for each in known if "agreement" in each.metrics],
            information,
            target=project.settings.target,
        ),
        forecast_accuracy([p.num_train for p in same], [1 - p.num_correct / p.num_test for p in same]),
        rounds[-1].error if rounds and rounds[-1].status == "failed" else "",
    )


def _judged(answers: Mapping[int, Value], epoch: Epoch | None) -> tuple[list[int], list[int], list[float]]:
    """Return the classes of the labels, those that an epoch predicts, and how sure it is of them."""
    truth: list[int] = []
    guesses: list[int] = []
    sure: list[float] = []
    if epoch is not None:
        places = {item: place for place, item in enumerate(epoch.test_items)}
        for item, value in answers.items():
            if value != "skip" and item in places:
                truth.append(value)
                guesses.append(epoch.test_predicted[places[item]])
                sure.append(epoch.test_confidence[places[item]])
    return truth, guesses, sure


def _point(snapshot: Snapshot, epoch: Epoch) -> CurvePoint:
    truth, guesses, _ = _judged(snapshot.test, epoch)
    return CurvePoint(
        epoch.number, epoch.num_train, sum(a == b for a, b in zip(truth, guesses, strict=True)), len(truth)
    )


def _audit(snapshot: Snapshot, epoch: Epoch | None) -> Mapping[str, Any] | None:
    if not snapshot.audit:
        return None
    truth, guesses, _ = _judged(snapshot.audit, epoch)
    correct = sum(a == b for a, b in zip(truth, guesses, strict=True))
    skipped = sum(value == "skip" for value in snapshot.audit.values())
    interval = audit_interval(correct, len(truth), skipped) if truth or skipped else (0.0, 1.0)
    return {"num_correct": correct, "num_labels": len(truth), "num_skipped": skipped, "interval": interval}


def _count(answers: Mapping[int, Value], *, skips: bool = False) -> int:
    return sum((value == "skip") == skips for value in answers.values())


def _by_class(snapshot: Snapshot) -> dict[str, int]:
    counts: dict[Value, int] = defaultdict(int)
    for value in snapshot.train.values():
        counts[value] += 1
    return {name: counts[number] for number, name in zip(snapshot.class_ids, snapshot.class_names, strict=True)}


def _seconds_per_label(project: Project) -> float | None:
    times = [
        (event.shown_ms - (event.idle_ms or 0)) / 1000
        for event in project.store.events()
        if event.kind == "label" and event.shown_ms is not None
    ]
    return float(np.median(times)) if times else None
