"""A folder that `datasets` of Hugging Face reads, written without it; the real package reads it where it is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from text_projects import CLASSES, find_labels, make_texts, write_texts

from lindley.errors import DataError, InputError
from lindley.labelling.export.hugging_face import read_hugging_face
from lindley.labelling.importing import import_labels
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source
from lindley.parquet import parquet_file

HOSTILE = ("cat", "dog: \"#1\" '{x}' 🐶\u200f- \\", "null")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    write_texts(tmp_path / "texts.csv")
    with make_texts(tmp_path / "project", tmp_path / "texts.csv", HOSTILE) as made:
        made.tell({0: HOSTILE[1], 1: HOSTILE[0], 2: None, 3: "null"}, person="ann")
        yield made


def files(folder: Path) -> dict[str, Any]:
    """By split the table of its file."""
    return {path.name.partition("-")[0]: parquet_file(path).read() for path in sorted(folder.rglob("*.parquet"))}


def test_each_label_is_in_the_split_of_its_stream(project: Project, tmp_path: Path) -> None:
    project.export(tmp_path / "hf", format="hf")
    streams = project.store.streams()
    rows = [(split, row) for split, table in files(tmp_path / "hf").items() for row in table.to_pylist()]
    labelled = {row["item"]: (split, row["label"]) for split, row in rows if split != "unlabelled"}
    assert labelled == {item: (streams[item], label) for item, label in {0: 1, 1: 0, 3: 2}.items()}
    assert len(rows) == 41, "a row for each entry that can be read: 40 texts and a copy"
    assert [row["answer"] for split, row in rows if row["item"] == 2] == ["skip"]


def test_the_classes_stand_in_the_file_and_in_the_card(project: Project, tmp_path: Path) -> None:
    project.export(tmp_path / "hf", format="hf")
    for table in files(tmp_path / "hf").values():
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert features["label"] == {"names": [*HOSTILE], "_type": "ClassLabel"}
        assert [*features] == table.schema.names
    assert (tmp_path / "hf" / "README.md").read_text(encoding="utf-8").startswith("---\ndataset_info:\n")


def test_a_round_trip_through_the_folder_changes_nothing(project: Project, tmp_path: Path) -> None:
    project.export(tmp_path / "hf", format="hf")
    with make_texts(tmp_path / "second", tmp_path / "texts.csv", HOSTILE) as again:
        import_labels(again, tmp_path / "hf", format="hf")
        again.export(tmp_path / "again", format="hf")
        assert find_labels(again) == find_labels(project)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("hf", "again")
    )
    assert one == two


def test_only_labelled_rows(project: Project, tmp_path: Path) -> None:
    project.export(tmp_path / "hf", format="hf", labelled=True)
    found = [row["item"] for table in files(tmp_path / "hf").values() for row in table.to_pylist()]
    assert sorted(found) == [0, 0, 1, 2, 3], "with the copy of the first, and what was skipped"


def test_a_folder_that_holds_something_stays_as_it_is(project: Project, tmp_path: Path) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as raised:
        project.export(tmp_path / "hf", format="hf")
    assert raised.value.argument == "out"
    assert [each.name for each in (tmp_path / "hf").iterdir()] == ["mine.txt"]


def make_images(tmp_path: Path) -> Project:
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, size=(9, 9), dtype=np.uint8)
        (tmp_path / "pets").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "pets" / f"{number}.png")
    make_project(tmp_path / "images", open_source(tmp_path / "pets"), CLASSES, ProjectSettings(kind="images"))
    return Project.open(tmp_path / "images")


def test_images_are_in_the_files_as_they_were_added(tmp_path: Path) -> None:
    with make_images(tmp_path) as project:
        project.tell({2: "dog"}, person="ann")
        project.export(tmp_path / "hf", format="hf")
        rows = [row for table in files(tmp_path / "hf").values() for row in table.to_pylist()]
        for row in rows:
            assert row["image"]["bytes"] == (tmp_path / "pets" / row["image"]["path"]).read_bytes()
        (tmp_path / "pets" / "3.png").write_bytes((tmp_path / "pets" / "1.png").read_bytes())
        with pytest.raises(DataError):
            project.export(tmp_path / "other", format="hf")
        assert not [each for each in tmp_path.iterdir() if each.name.startswith("other")]


def test_vectors_are_lists(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    make_project(tmp_path / "v", open_source(tmp_path / "vectors.npy"), CLASSES, ProjectSettings(kind="vectors"))
    with Project.open(tmp_path / "v") as project:
        project.export(tmp_path / "hf", format="hf")
    table = files(tmp_path / "hf")["unlabelled"]
    assert np.array_equal(np.array(table["vector"].to_pylist(), dtype=np.float32), vectors[table["item"].to_pylist()])


@pytest.mark.parametrize("content", [b"", b"PAR1 no file", b"<html>"])
def test_a_damaged_folder_is_refused(project: Project, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hf").mkdir()
    with pytest.raises(InputError):
        [*read_hugging_face(tmp_path / "hf")]
    (tmp_path / "hf" / "x.parquet").write_bytes(content)
    with pytest.raises(DataError):
        import_labels(project, tmp_path / "hf", format="hf")


@pytest.mark.parametrize("kind", ["texts", "images"])
def test_the_real_package_reads_it(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")
    if kind == "texts":
        write_texts(tmp_path / "texts.csv")
        made = make_texts(tmp_path / "project", tmp_path / "texts.csv", HOSTILE)
    else:
        made = make_images(tmp_path)
    with made as project:
        names = [each.name for each in project.classes()]
        streams = project.store.streams()
        item = int((streams == "train").nonzero()[0][0])
        project.tell({item: names[1]}, person="ann")
        project.export(tmp_path / "hf", format="hf")
        num_items = project.num_items
    found = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))
    assert {*found} == {"train", "unlabelled"}
    assert found["train"].features["label"].names == names
    row = found["train"][0]
    assert (row["item"], found["train"].features["label"].int2str(row["label"])) == (item, names[1])
    assert {*found["train"]["item"], *found["unlabelled"]["item"]} == {*range(num_items)}
    if kind == "images":
        assert row["image"].size == (9, 9)
