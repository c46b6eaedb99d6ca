"""Predictions of a project's own items and of new data."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from text_projects import CLASSES, make_texts, write_texts

from lindley.contracts import Posterior, as_categorical
from lindley.errors import InputError
from lindley.labelling.initialise import add_source, make_project
from lindley.labelling.predict import Predictor, Row, predict_entries, predict_source
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source
from lindley.posteriors import load_posterior


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a model and nine test labels, beside its source texts.csv."""
    root = tmp_path_factory.mktemp("predict")
    truth = write_texts(root / "texts.csv")
    with make_texts(root / "project", root / "texts.csv") as project:
        streams = project.store.streams()
        train = [item for item in range(40) if streams[item] == "train"][:16]
        test = [item for item in range(40) if streams[item] == "test"]
        assert len(test) >= 9
        project.tell({item: truth[item] for item in [*train, *test[:9]]}, person="ann")
        project.train()
    return root / "project"


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    with Project.open(folder) as opened:
        yield opened


def rows_of(project: Project, path: Path, **more: Any) -> list[Row]:
    return list(predict_source(project, Predictor(project, **more), open_source(path, text="text")))


def test_the_own_entries_are_predicted_in_their_order_beside_peoples_labels(project: Project) -> None:
    rows = list(predict_entries(project, Predictor(project)))
    assert [row["place"] for row in rows] == [entry.place for entry in project.store.entries()]
    told = {event.item for event in project.store.events() if event.kind == "label"}
    assert {row["item"] for row in rows if row.get("class")} == told
    probs = project.probs()
    assert probs is not None
    for row in rows[:-1]:
        own = probs[row["item"]]
        assert row["prediction"] == CLASSES[own.argmax()]
        assert [row[f"probability of {name}"] for name in CLASSES] == own.tolist()
        assert row["prediction_model"] == "r1"
    assert rows[-1]["reason"]
    assert "prediction" not in rows[-1]


def test_new_data_keeps_its_order_and_names_what_it_cannot_read(project: Project, tmp_path: Path) -> None:
    texts = ["it barks and fetches sticks", "", "it purrs and hunts mice", "=it purrs and hunts mice in the garden 0"]
    with (tmp_path / "new.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([each] if each else [" "] for each in texts)])
    rows = rows_of(project, tmp_path / "new.csv")
    assert [row.get("text") for row in rows] == [texts[0], None, texts[2], texts[3]]
    assert [row.get("prediction") for row in rows] == ["dog", None, "cat", "cat"]
    assert "empty" in rows[1]["reason"]
    assert (rows[3]["item"], rows[0]["item"]) == (0, None)


def test_new_data_is_predicted_as_the_models_own_items_are(project: Project) -> None:
    """The source itself as new data: the probabilities of the epoch, but for rounding."""
    source = project.folder.parent / "texts.csv"
    own = list(predict_entries(project, Predictor(project)))
    new = rows_of(project, source)
    assert [row["place"] for row in new] == [row["place"] for row in own]
    for a, b in zip(new[:-1], own[:-1], strict=True):
        assert a["item"] == b["item"]
        assert a.get("class") == b.get("class")
        np.testing.assert_allclose(a["probability of cat"], b["probability of cat"], atol=1e-5)


def test_sets_hold_the_prediction_and_unsure_says_where_they_are_several(project: Project) -> None:
    predictor = Predictor(project, coverage=0.9)
    assert predictor.sets is not None
    assert predictor.num_test_labels == 9
    for row in list(predict_entries(project, predictor))[:-1]:
        classes = json.loads(row["prediction_set"])
        assert row["prediction"] in classes
        assert row["unsure"] == (len(classes) > 1)


def test_without_enough_test_labels_there_are_no_sets_and_it_says_how_many(project: Project) -> None:
    predictor = Predictor(project, coverage=0.95)
    assert predictor.sets is None
    assert "19 test labels" in predictor.describe_sets()
    assert "9" in predictor.describe_sets()
    assert all("unsure" not in row for row in predict_entries(project, predictor))


def test_a_prediction_is_no_label(project: Project, tmp_path: Path) -> None:
    """Exporting with predictions adds columns, and changes none of the others."""
    project.export(tmp_path / "plain.csv")
    project.export(tmp_path / "both.csv", predictions=True)
    with (tmp_path / "plain.csv").open(newline="") as one, (tmp_path / "both.csv").open(newline="") as two:
        plain, both = list(csv.DictReader(one)), list(csv.DictReader(two))
    assert [{name: line[name] for name in plain[0]} for line in both] == plain
    assert {line["prediction_model"] for line in both[:-1]} == {"r1"}
    assert any(line["class"] == "" and line["prediction"] for line in both)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "json"])
def test_predictions_in_a_file_are_not_imported(project: Project, tmp_path: Path, suffix: str) -> None:
    project.export(tmp_path / f"labels.{suffix}", predictions=True)
    with make_texts(tmp_path / "again", project.folder.parent / "texts.csv") as again:
        again.import_labels(tmp_path / f"labels.{suffix}")
        told = {each.item for each in project.store.events() if each.kind == "label"}
        assert {each.item for each in again.store.events() if each.kind == "import"} == told


def test_items_that_came_after_the_model_are_predicted(tmp_path: Path) -> None:
    truth = write_texts(tmp_path / "texts.csv", 40)
    (tmp_path / "more.csv").write_text("text\nit barks and barks and fetches\n", encoding="utf-8")
    with make_texts(tmp_path / "project", tmp_path / "texts.csv") as project:
        train = [item for item, stream in enumerate(project.store.streams()) if stream == "train"]
        project.tell({item: truth[item] for item in train[:12]}, person="ann")
        project.train()
        add_source(project, open_source(tmp_path / "more.csv", text="text"))
    with Project.open(tmp_path / "project") as project:
        rows = list(predict_entries(project, Predictor(project)))
        assert rows[-1]["prediction"] == "dog"


def test_vectors_are_predicted_in_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[4.0, 0.0], [-4.0, 0.0]])
    np.save(tmp_path / "own.npy", (centres[np.arange(40) % 2] + rng.normal(size=(40, 2))).astype(np.float32))
    new = (centres[np.arange(2500) % 2] + rng.normal(size=(2500, 2))).astype(np.float32)
    new[1200] = np.nan
    np.save(tmp_path / "new.npy", new)
    given = ProjectSettings(kind="vectors", num_draws=4, test_labels=9)
    make_project(tmp_path / "project", open_source(tmp_path / "own.npy"), CLASSES, given)
    with Project.open(tmp_path / "project") as project:
        train = [item for item, stream in enumerate(project.store.streams()) if stream == "train"]
        project.tell({item: CLASSES[item % 2] for item in train[:12]}, person="ann")
        project.train()
        predictor = Predictor(project)
        rows = list(predict_source(project, predictor, open_source(tmp_path / "new.npy")))
        own = project.model().predict_items(project, [3, 1])
    assert len(rows) == 2500
    assert "finite" in rows[1200]["reason"]
    assert np.mean([row.get("prediction") == CLASSES[place % 2] for place, row in enumerate(rows)]) > 0.95
    np.testing.assert_allclose(own, predictor.probs[[3, 1]], atol=1e-5)


def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts.csv")
    with make_texts(tmp_path / "project", tmp_path / "texts.csv") as project, pytest.raises(InputError):
        Predictor(project)


def test_the_posterior_is_there_in_three_lines(folder: Path) -> None:
    """Without the project: its features go in, and what the project's own model says comes out."""
    posterior = load_posterior(folder / "models" / "r1")
    features = np.load(next((folder / "features").glob("*/features.npy")))
    probs = predict_probs(posterior, torch.from_numpy(features))

    with Project.open(folder) as project:
        np.testing.assert_allclose(probs, project.probs(), atol=1e-5)


def predict_probs(posterior: Posterior, features: torch.Tensor) -> np.ndarray:
    draws = posterior.point()
    assert draws is not None
    found: np.ndarray = as_categorical(draws.predict(features)).log_probs[:, 0].exp().numpy()
    return found
