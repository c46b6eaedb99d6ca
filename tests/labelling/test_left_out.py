"""Labels that are predicted without themselves, alone and in a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lindley.contracts import Classification, Labels, TrainingData
from lindley.labelling.labels_saved import MIN_LABELS
from lindley.labelling.left_out import are_random_labels_due, find_suspect_labels, fit_random_labels
from lindley.labelling.project import Project
from lindley.labelling.status import StatusReader
from lindley.labelling.suspects import MIN_CLASS_LABELS, MIN_TRAINING_LABELS
from lindley.labelling.training_round import calibrate, project_learners
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead

CLASSES = ("left", "right")
TASK = Classification(CLASSES)
NUM_ITEMS = 400
WRONG = (3, 40)
"""The places of the training labels that are wrong."""


def clusters(count: int) -> np.ndarray:
    """Return points of two clusters far apart, in turn.  [n, 2]"""
    points: np.ndarray = np.random.default_rng(0).normal(size=(count, 2)) + 8 * (np.arange(count) % 2)[:, None]
    return points


def test_labels_on_the_wrong_side_are_suspect_with_the_class_of_the_other_side() -> None:
    features, items = torch.tensor(clusters(130)).float(), [*range(5, 125)]
    labels = [item % 2 for item in items]
    for place in WRONG:
        labels[place] = 1 - labels[place]
    data = TrainingData(MemoryPool(features), Labels(items, labels), TASK)
    posterior = BayesianHead(prior_precision="leave-one-out", scale="common").fit(data, seed=0)
    for each in (posterior, calibrate(posterior)):
        found = find_suspect_labels(each, items, [7, 9])
        assert {one.item for one in found} == {items[place] for place in WRONG}
        assert all({one.class_id, one.likely} == {7, 9} for one in found)
        assert all(one.likely == [7, 9][one.item % 2] for one in found)


def find_in(labels: list[int], features: torch.Tensor, num_classes: int) -> list[int]:
    """Return the places of the suspects among labels of points, by the class that each has."""
    task = Classification(tuple(f"c{number}" for number in range(num_classes)))
    data = TrainingData(MemoryPool(features), Labels([*range(len(labels))], labels), task)
    posterior = BayesianHead(prior_precision="leave-one-out", scale="common").fit(data, seed=0)
    return sorted(each.item for each in find_suspect_labels(posterior, range(len(labels)), range(num_classes)))


def test_suspects_take_enough_labels_and_enough_of_two_classes() -> None:
    """By counts alone: in each case a label lies in the middle of the other cluster."""
    features = torch.tensor(clusters(MIN_TRAINING_LABELS)).float()
    labels = [item % 2 for item in range(MIN_TRAINING_LABELS)]
    labels[3] = 0
    assert find_in(labels, features, 2) == [3]
    assert find_in(labels[:-1], features[:-1], 2) == []
    few = [0] * MIN_TRAINING_LABELS
    for place in range(1, 2 * MIN_CLASS_LABELS - 2, 2):  # all but one of as many as it takes
        few[place] = 1
    assert find_in(few, features, 2) == []


def test_a_class_of_few_labels_has_no_suspects_and_takes_none() -> None:
    features = torch.tensor(clusters(MIN_TRAINING_LABELS + 4)).float()
    labels = [item % 2 for item in range(len(features))]
    labels[3] = 0
    for place in (10, 21, 32, 43):  # a class of its own, spread over both clusters
        labels[place] = 2
    assert find_in(labels, features, 3) == [3]
    labels[54] = 2
    assert {*find_in(labels, features, 3)} > {3}, "five of them count"


def test_each_random_label_is_predicted_without_itself() -> None:
    features = torch.tensor(clusters(80)).float()
    labels = {item: item % 2 for item in range(10, 76)}
    labels[20] = 1
    found = fit_random_labels(features, labels, project_learners("rows").predictor, TASK, seed=0)
    assert found is not None
    assert found.items == tuple(range(10, 76))
    assert found.predicted == tuple(item % 2 for item in range(10, 76))


def test_the_random_labels_are_fitted_again_when_there_are_a_tenth_more() -> None:
    assert not are_random_labels_due(MIN_LABELS - 1, None)
    assert are_random_labels_due(MIN_LABELS, None)
    assert not are_random_labels_due(65, 60)
    assert are_random_labels_due(66, 60)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with 200 labels, of which two to train on are wrong."""
    home: Path = tmp_path_factory.mktemp("left-out")
    np.save(home / "rows.npy", clusters(NUM_ITEMS).astype(np.float32))
    with Project.create(home / "p", home / "rows.npy", classes=[*CLASSES], acquisition="random") as project:
        streams, num_train = project.store.streams(), 0
        for _ in range(4):
            answers: dict[int, str | None] = {}
            for lease in project.ask(50):
                wrong = False
                if streams[lease.item] == "train":
                    wrong, num_train = num_train in WRONG, num_train + 1
                answers[lease.item] = CLASSES[(lease.item + wrong) % 2]
            project.tell(answers)
            project.train()
        yield project


def test_a_project_lists_wrong_training_labels_without_the_likely_class(project: Project) -> None:
    found = project.status().suspects
    labels = project.store.events()
    wrong = {each.item for each in labels if each.item is not None and each.class_id != each.item % 2}
    assert {each.item for each in found} == wrong
    for each in found:
        assert each.name == CLASSES[each.class_id] == CLASSES[1 - each.item % 2]
        assert each.place == project.place(each.item)
        assert each.margin > 0
    assert not {"likely", "predicted"} & {*project.status().to_json()["suspects"][0]}


def test_random_choice_saves_no_labels(project: Project) -> None:
    found = project.status().saved
    assert found is not None
    assert found.num_random >= MIN_LABELS - 1
    assert found.random_share > 0.9
    assert found.low <= 0 <= found.high
    assert found.saved_low <= 0 <= found.saved_high


def test_a_label_that_is_given_again_is_suspect_no_more(project: Project) -> None:
    reader = StatusReader(project)
    first, second = reader.read().suspects
    project.tell({first.item: CLASSES[first.class_id]})
    assert [each.item for each in reader.read().suspects] == [second.item]
    project.tell({second.item: CLASSES[1 - second.class_id]})
    assert reader.read().suspects == []
    assert reader.read() == project.status()


def test_a_reader_says_the_same_as_one_that_reads_anew(project: Project) -> None:
    reader = StatusReader(project)
    before = reader.read()
    assert reader.read() is before
    (lease,) = project.ask(1)
    project.tell({lease.item: CLASSES[lease.item % 2]})
    after = reader.read()
    assert after == project.status()
    assert sum(after.labels.values()) == sum(before.labels.values()) + 1
    project.train()
    assert reader.read() == project.status()
    assert reader.read().model != after.model
    project.record_failure("the disk is full")
    assert reader.read().failure == "the disk is full"
