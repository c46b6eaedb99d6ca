"""The status of small projects, whose labels and models are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from lindley.labelling.accuracy import estimate_accuracy
from lindley.labelling.epochs import Epoch, write_epoch
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

NUM_ITEMS = 60


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Sixty rows of two classes, of which one line cannot be read and one is a copy."""
    lines = [f"{row % 2 + row / 1000},{row}" for row in range(NUM_ITEMS)]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join(["a,b", *lines, "0.0,0", "1"]) + "\n")
    source = open_source(table, text=None, features=["a", "b"], label=None, id=None, classes=["even", "odd"])
    settings = ProjectSettings(kind="rows", columns=("a", "b"), test_labels=20)
    make_project(tmp_path / "project", source, ["even", "odd"], settings)
    with Project.open(tmp_path / "project") as opened:
        yield opened


def stream(project: Project, name: str) -> list[int]:
    return (project.store.streams() == name).nonzero()[0].tolist()


def add_epoch(
    project: Project,
    predicted: dict[int, int],
    *,
    number: int = 1,
    num_train: int = 10,
    hyperparameters: Mapping[str, Any] = MappingProxyType({}),
    **metrics: Any,
) -> None:
    """Add a model that predicts the classes of these items with probability 0.75, and of all others class 0."""
    probs = np.tile([0.75, 0.25], (project.num_items, 1))
    for item, class_id in predicted.items():
        probs[item] = [0.25, 0.75] if class_id else [0.75, 0.25]
    items = sorted({*stream(project, "test"), *stream(project, "audit")})
    epoch = Epoch(
        number,
        max((event.seq or 0 for event in project.store.events()), default=0),
        "batchbald",
        (0, 1),
        num_train,
        (),
        model_version=f"r{number}",
        metrics=metrics,
        hyperparameters={**hyperparameters},
        test_items=tuple(items),
        test_predicted=tuple(predicted.get(item, 0) for item in items),
        test_confidence=(0.75,) * len(items),
    )
    write_epoch(project.folder, epoch, probs)
    project.adopt(number)


def test_a_new_project_counts_its_entries_and_knows_nothing_else(project: Project) -> None:
    found = project.status()
    assert (found.num_items, found.num_entries, found.num_unreadable) == (NUM_ITEMS, NUM_ITEMS + 2, 1)
    assert [each.place for each in found.unreadable] == ["rows.csv, line 63"]
    assert found.model is None
    assert found.accuracy == estimate_accuracy(0, 0)
    assert not found.advice.stop
    assert (found.forecast, found.audits, found.calibration, found.adjusted) == (None, [], None, None)
    assert found.labels == {"train": 0, "test": 0, "audit": 0}


def test_the_accuracy_is_that_of_the_test_labels_alone(project: Project) -> None:
    test, train = stream(project, "test")[:8], stream(project, "train")[:10]
    project.tell({item: ("even", "odd")[item % 2] for item in (*test, *train)})
    add_epoch(project, {item: item % 2 for item in test[:6]} | dict.fromkeys(test[6:], 1 - test[6] % 2))
    correct = sum((item % 2 if item in test[:6] else 1 - test[6] % 2) == item % 2 for item in test)
    found = project.status()
    assert found.accuracy == estimate_accuracy(correct, 8)
    assert found.labels == {"train": 10, "test": 8, "audit": 0}
    assert sum(each.num_labels for each in found.recall) == 8
    assert found.calibration is not None
    assert found.calibration.bins[0].confidence == pytest.approx(0.75)


@pytest.mark.parametrize("count", [9, 10])
def test_kappa_has_an_interval_from_ten_items_on(project: Project, count: int) -> None:
    items = stream(project, "train")[:count]
    for person, odd in (("ann", 3), ("bob", 4)):
        project.tell({item: "odd" if place < odd else "even" for place, item in enumerate(items)}, person=person)
    (found,) = project.status().agreement
    assert found.kappa is not None
    assert (found.low is not None, found.high is not None) == (count >= 10, count >= 10)


def test_skipped_and_disputed_test_items_widen_the_interval(project: Project) -> None:
    test = stream(project, "test")[:6]
    project.store.set_need(2)
    project.tell(dict.fromkeys(test[:4], "even"), person="ann")
    project.tell({test[4]: None, test[5]: "even"}, person="ann")
    project.tell({test[5]: "odd"}, person="bob")
    add_epoch(project, {})
    found = project.status()
    assert found.accuracy == estimate_accuracy(4, 4, 2)
    assert found.undecided["test"] == 2
    assert found.num_disputed == 1
    assert [(each.people, each.num_items, each.observed) for each in found.agreement] == [(("ann", "bob"), 1, 0.0)]


def test_imported_labels_and_skips_of_test_items_say_nothing_of_the_accuracy(project: Project) -> None:
    test = stream(project, "test")[:4]
    project.tell(dict.fromkeys(test[:2], "even"))
    payload = {"imported": {"kind": "skip"}}
    events = [
        ProjectEvent(uuid4().hex, "import", item=test[2], class_id=1, person="eve"),
        ProjectEvent(uuid4().hex, "skip", item=test[3], payload=payload),
    ]
    project.store.append("", events[:1])
    project.store.add_person("eve")
    project.store.append("eve", events[1:])
    add_epoch(project, {})
    found = project.status()
    assert found.accuracy == estimate_accuracy(2, 2)
    assert (found.labels["train"], found.num_imported, found.num_unused) == (0, 0, 1)


def test_labels_of_a_retired_class_are_not_dropped_from_the_interval(project: Project) -> None:
    test = stream(project, "test")[:5]
    project.store.add_class("neither")
    project.tell({**dict.fromkeys(test[:4], "even"), test[4]: "neither"})
    project.store.change_class(2, "retire")
    add_epoch(project, {})
    assert project.status().accuracy == estimate_accuracy(4, 4, 1)


def test_a_prediction_of_a_merged_class_counts_as_what_it_was_merged_into(project: Project) -> None:
    test = stream(project, "test")[:5]
    project.tell(dict.fromkeys(test, "even"))
    add_epoch(project, dict.fromkeys(test, 1))
    assert project.status().accuracy.num_correct == 0
    project.store.change_class(1, "merge", 0)
    assert project.status().accuracy.num_correct == 5


def test_the_learning_curve_judges_every_round_by_all_test_labels(project: Project) -> None:
    test, train = stream(project, "test"), stream(project, "train")
    project.tell({train[0]: "even"})
    add_epoch(project, dict.fromkeys(test, 1), num_train=1)
    project.tell(dict.fromkeys(test[:4], "even"))
    add_epoch(project, {}, number=2, num_train=1)
    curve = project.status().curve
    assert [(each.num_labels, each.num_correct, each.num_test) for each in curve] == [(1, 0, 4), (5, 4, 4)]


def test_the_failure_of_the_last_round_is_said_until_one_succeeds(project: Project) -> None:
    project.record_failure("the disk is full")
    assert project.status().failure == "the disk is full"
    add_epoch(project, {})
    assert project.status().failure == ""


def test_information_is_in_bits_and_time_without_idle_time(project: Project) -> None:
    add_epoch(project, {}, information=float(np.log(4)))
    project.tell({})
    times = [(1000, None), (9000, 6000), (2000, 0)]
    events = [
        ProjectEvent(uuid4().hex, "label", item=item, class_id=0, shown_ms=shown, idle_ms=idle)
        for item, (shown, idle) in enumerate(times)
    ]
    project.store.append("me", events)
    found = project.status()
    assert found.information_bits == pytest.approx(2.0)
    assert found.seconds_per_label == 2.0


def test_a_sentence_is_judged_until_it_is_changed_or_its_class_goes(project: Project) -> None:
    project.store.change_class(0, "describe", "divisible by 2")
    gains = [
        {"class_id": 0, "sentence": "divisible by 2", "num_labels": 9, "gain": -8.0, "standard_error": 3.0},
        {"class_id": 1, "sentence": "odd", "num_labels": 9, "gain": 8.0, "standard_error": 3.0},
    ]
    add_epoch(project, {}, sentences=gains)
    assert project.status().sentences is None  # a model without a prior
    add_epoch(project, {}, number=2, hyperparameters={"prior_scale": 0.5}, sentences=gains)
    found = project.status().sentences
    assert found is not None
    assert found.weight == 0.5
    assert [(each.name, each.gain, each.misleads) for each in found.classes] == [
        ("even", -8.0, True),
        ("odd", 8.0, False),
    ]
    project.store.change_class(0, "rename", "pair")
    project.store.change_class(1, "describe", "not divisible by 2")
    changed = project.status().sentences
    assert changed is not None
    assert [each.name for each in changed.classes] == ["pair"]


def test_it_is_json_also_where_numbers_are_not_defined(project: Project) -> None:
    test = stream(project, "test")[:3]
    project.store.set_need(2)
    for person in ("ann", "bob"):
        project.tell(dict.fromkeys(test, "even"), person=person)  # one class only: kappa is not defined
    add_epoch(project, {})
    found = project.status().to_json()
    assert json.loads(json.dumps(found, allow_nan=False))["agreement"][0]["kappa"] is None
    assert {"share", "low", "high", "num_labels"} <= found["accuracy"].keys()


def test_labels_given_after_an_epoch_are_judged_by_it(project: Project) -> None:
    add_epoch(project, {})
    project.tell({stream(project, "test")[0]: "even"})
    assert project.status().accuracy == estimate_accuracy(1, 1)
    assert replace(project.status(), name="other").to_json()["name"] == "other"
