"""One round of training in this process: what it learns from, what it leaves, and what stays where it fails."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from vector_projects import CLASSES, add_vectors, label_items, make_vectors, true_class

from lindley.errors import DataError, HeldError, InputError
from lindley.labelling.epochs import list_epochs
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source
from lindley.labelling.training_round import ProjectLearners, RoundInput, run_project_round
from lindley.posteriors import BayesianHead

OWN = """
import numpy as np
from pathlib import Path

def vectors(contents):
    values = np.stack([[float(len(text)), float(text.count("a"))] for text in contents]).astype(np.float32)
    if Path(__file__).with_name("nan").exists():
        values[3] = np.nan
    return values
"""


@pytest.fixture
def project(tmp_path):
    with Project.open(make_vectors(tmp_path)) as project:
        yield project


def count_right(project):
    return sum(project.prediction(item)[0] == true_class(item) for item in range(project.num_items))


def test_the_first_round_knows_no_labels_and_ranks_training_items(project):
    epoch = project.train()
    assert (epoch.number, epoch.model_version, epoch.num_train) == (1, "", 0)
    assert len(epoch.queue) == 10
    assert {str(project.store.streams()[row.item]) for row in epoch.queue} == {"train"}


def test_a_round_learns_from_training_labels_alone_and_predicts_all(project):
    project.train()
    items = label_items(project, 12)
    epoch = project.train()
    streams = project.store.streams()
    assert epoch.num_train == sum(streams[item] == "train" for item in items) < 12
    assert {*epoch.test_items} == {*np.flatnonzero(streams != "train").tolist()}
    assert count_right(project) >= 54
    assert not {row.item for row in epoch.queue} & {*items}
    assert [row.chosen_by for row in epoch.queue][:10] == ["batchbald"] * 10


def test_a_round_is_due_by_answers_that_the_model_does_not_know(project):
    assert project.is_round_due(whole_batches=True)
    project.train()
    assert not project.is_round_due(whole_batches=False)
    train = np.flatnonzero(project.store.streams() == "train").tolist()
    test = np.flatnonzero(project.store.streams() == "test").tolist()
    project.tell({test[0]: "left"})
    assert not project.is_round_due(whole_batches=False)
    project.tell({train[0]: "left"})
    assert project.is_round_due(whole_batches=False)
    assert not project.is_round_due(whole_batches=True)
    project.tell(dict.fromkeys(train[1:10], "left"))
    assert project.is_round_due(whole_batches=True)


def test_the_last_items_are_learned_from_too(project):
    project.train()
    label_items(project, 60)
    epoch = project.train()
    assert epoch.queue == ()
    assert epoch.num_train == int((project.store.streams() == "train").sum())


@pytest.mark.parametrize("rows", [20, 24, 30])
def test_a_round_near_the_end_needs_no_whole_batch_where_the_first_one_was_not_answered(tmp_path, rows):
    with Project.open(make_vectors(tmp_path, rows=rows, test_labels=3)) as project:
        first = {row.item for row in project.train().queue}
        others = [item for item in np.flatnonzero(project.store.streams() == "train").tolist() if item not in first]
        project.tell({item: CLASSES[true_class(item)] for item in others[:-2]})
        epoch = project.train()
        assert epoch.num_train == len(others) - 2
        assert {row.item for row in epoch.queue} == first | {*others[-2:]}


@pytest.mark.parametrize("acquisition", ["batchbald", "typiclust"])
def test_items_whose_features_are_all_zero_stop_no_round(tmp_path, acquisition):
    vectors = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    vectors[5], vectors[6] = 0, 1e-40  # the square of the latter is 0 too
    np.save(tmp_path / "vectors.npy", vectors)
    settings = ProjectSettings(kind="vectors", acquisition=acquisition, test_labels=3)
    make_project(tmp_path / "project", open_source(tmp_path / "vectors.npy"), CLASSES, settings)
    with Project.open(tmp_path / "project") as project:
        assert {*project.store.streams()[[5, 6]].tolist()} == {"train"}
        assert not {5, 6} & {row.item for row in project.train().queue}
        assert len(label_items(project, 40)) == 40  # these two are served as well


def test_a_small_project_of_many_test_labels_has_items_to_learn_from(tmp_path):
    with Project.open(make_vectors(tmp_path, rows=20, test_labels=60)) as project:
        label_items(project, 20)
        epoch = project.train()
        assert (epoch.num_train, len(epoch.test_items)) == (14, 6)


def test_a_project_whose_training_items_all_were_skipped_has_an_empty_queue(project):
    train = np.flatnonzero(project.store.streams() == "train").tolist()
    project.tell(dict.fromkeys(train))
    epoch = project.train()
    assert (epoch.queue, epoch.model_version, project.store.epoch()) == ((), "", 1)


def test_items_added_between_rounds_get_ranks_and_labels_and_streams_stay(project, tmp_path):
    project.train()
    items = label_items(project, 15)
    project.train()
    streams, answers = project.store.streams(), [each.uuid for each in project.store.events()]
    add_vectors(project, tmp_path, 40)
    assert project.num_items == 100
    assert project.place(99) == "more-1.npy, row 39"
    assert project.store.streams()[:60].tolist() == streams.tolist()
    assert [each.uuid for each in project.store.events()] == answers
    epoch = project.train()
    assert len(project.probs()) == 100
    assert any(row.item >= 60 for row in epoch.queue)
    assert not {row.item for row in epoch.queue} & {*items}


def test_another_process_notices_added_items(project, tmp_path):
    with Project.open(project.folder) as other:
        assert other.num_items == 60
        add_vectors(project, tmp_path, 10)
        assert other.num_items == 70
        assert other.place(69) == "more-1.npy, row 9"


def test_the_next_model_knows_the_classes_as_they_are(project):
    project.train()
    label_items(project, 15)
    project.train()
    events = list(project.store.events())
    snake = project.store.add_class("snake")
    project.store.change_class(0, "rename", "west")
    epoch = project.train()
    assert epoch.class_ids == (0, 1, snake)
    assert [each.name for each in project.classes()] == ["west", "right", "snake"]
    assert list(project.store.events())[: len(events)] == events
    project.store.change_class(snake, "merge", 0)
    assert project.train().class_ids == (0, 1)


def test_the_journal_of_the_rounds_goes_on_when_sentences_change(project):
    label_items(project, 12)
    first = project.train()
    for sentence in ("it lies there", "it lies on the left"):
        project.store.change_class(0, "describe", sentence)
        label_items(project, 3)
        last = project.train()
    assert last.num_train > first.num_train
    assert len([*(project.folder / "rounds").iterdir()]) == 1


def test_a_learner_is_told_what_describes_the_classes(tmp_path):
    seen = []

    class Recorder:
        def fit(self, data, *, previous=None, seed):
            seen.append(data.task)
            return BayesianHead().fit(data, seed=seed)

    features = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 2))).float()
    given = RoundInput(features, ("left", "right"), "rounds", {0: 0, 1: 1}, (), 0)
    for sentences in ((), ("here", "there"), ("on the left", "on the right")):
        run_project_round(replace(given, descriptions=sentences), ProjectLearners(Recorder(), BayesianHead()), tmp_path)
    assert [task.descriptions for task in seen] == [(), ("here", "there"), ("on the left", "on the right")]


def test_a_label_of_a_merged_class_counts_for_the_other(project):
    project.train()
    old = project.store.add_class("old")
    train = np.flatnonzero(project.store.streams() == "train").tolist()
    project.tell({item: "old" if true_class(item) == 0 else "right" for item in train[:20]})
    project.store.change_class(old, "merge", 0)
    epoch = project.train()
    assert (epoch.class_ids, epoch.num_train) == ((0, 1), 20)
    assert count_right(project) >= 54


def test_where_the_files_of_an_epoch_are_damaged_the_next_round_mends_them(project):
    project.train()
    label_items(project, 15)
    project.train()
    (project.folder / "epochs" / "000002.npy").write_bytes(b"damaged")
    with Project.open(project.folder) as fresh:
        with pytest.raises(DataError):
            fresh.current_epoch()
        assert fresh.is_round_due(whole_batches=True)
        label_items(fresh, 2)
        assert fresh.train().number == 3
        assert not fresh.is_round_due(whole_batches=True)
        assert fresh.prediction(0)[0] == 0


def test_an_epoch_that_was_never_taken_over_is_replaced(project):
    """A trainer of a killed server leaves one whole, or its first file alone."""
    from lindley.labelling.trainer import train_epoch

    project.train()
    label_items(project, 15)
    train_epoch(project, 2)
    (project.folder / "epochs" / "000002.npy").write_bytes(b"another trainer was killed here")
    assert project.store.epoch() == 1
    assert project.train().number == 2
    assert project.prediction(1)[0] == 1


def test_an_item_that_cannot_be_used_fails_the_round_and_the_queue_stays(tmp_path):
    from vector_projects import ProjectSettings, make_project, open_source

    (tmp_path / "texts.csv").write_text("text\n" + "".join(f"{'a' * (row + 1)}\n" for row in range(30)))
    settings = ProjectSettings(kind="text", text="text", features="own_vectors:vectors", test_labels=3)
    make_project(tmp_path / "project", open_source(tmp_path / "texts.csv", text="text"), CLASSES, settings)
    (tmp_path / "project" / "own_vectors.py").write_text(OWN)
    with Project.open(tmp_path / "project") as project:
        (project.folder / "nan").touch()
        with pytest.raises(InputError) as raised:
            project.train()
        assert [*raised.value.rows] == [3]
        assert project.store.epoch() == 0
        assert project.ask(1)[0].chosen_by == "random"
        (project.folder / "nan").unlink()
        assert project.train().number == 1


def test_one_process_trains_at_a_time(project):
    with project.hold(), pytest.raises(HeldError) as raised:
        project.train()
    assert "process" in raised.value.holder
    assert project.train().number == 1


def test_only_the_newest_models_and_probabilities_are_kept(project):
    project.train()
    (project.folder / "models" / "rough").mkdir(parents=True)  # somebody else's
    for _ in range(4):
        label_items(project, 5)
        project.train()
    assert list_epochs(project.folder) == [1, 2, 3, 4, 5]
    assert sorted(path.name for path in (project.folder / "epochs").glob("*.npy")) == ["000004.npy", "000005.npy"]
    assert sorted(path.name for path in (project.folder / "models").iterdir()) == ["r4", "r5", "rough"]
