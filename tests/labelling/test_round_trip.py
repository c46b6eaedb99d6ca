"""Export, a new project of the same source, import, export: the same bytes in every format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from text_projects import CLASSES, event, find_labels, make_texts, write_texts

from lindley.errors import InputError
from lindley.labelling.fold import fold
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.snapshot import take_snapshot
from lindley.labelling.sources.open_source import open_source

SUFFIXES = ("csv", "jsonl", "parquet", "json")
PEOPLE = ("ann", "bob", "cid")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_texts(tmp_path / "texts.csv")
    return tmp_path / "texts.csv"


@pytest.fixture
def labelled(tmp_path: Path, source: Path) -> Iterator[Project]:
    """A project in which everything happened that a line can say."""
    with make_texts(tmp_path / "first", source) as project:
        label_in_every_way(project)
        yield project


def label_in_every_way(project: Project) -> None:
    for person in PEOPLE:
        project.store.add_person(person)
    add = project.store.append
    add("ann", [event("guideline", payload={"text": "what purrs is a cat"})])
    full = {"shown_ms": 2345, "idle_ms": 45, "epoch": 3, "chosen_by": "batchbald", "chosen_prob": 0.1 + 0.2}
    full |= {"predicted": 1, "predicted_prob": 1 / 3, "model_version": "r3", "client_time": "2026-01-01T00:00:00Z"}
    add("ann", [event("label", 0, class_id=0, **full), event("label", 1, class_id=1, payload={"view": "grid"})])
    add("ann", [event("reveal", 2, predicted=0, prediction_shown=True), event("label", 2, class_id=0)])
    add("ann", [event("skip", 3, shown_ms=900), event("flag", 4, note='-odd, "very"\nodd'), event("note", 5, note="ß")])
    for item, votes in {6: (0, 0, 1), 7: (0, 1), 8: (0, 1), 9: (1,)}.items():
        for person, class_id in zip(PEOPLE, votes, strict=False):
            add(person, [event("label", item, class_id=class_id, person=person)])
    add("cid", [event("adjudicate", 8, class_id=1)])
    add(
        "bob", [event("label", 10, class_id=0), event("undo", target_uuid="label-10-0"), event("label", 11, class_id=1)]
    )
    add("bob", [event("skip", 11), event("label", 12, class_id=1), event("label", 12, class_id=0, note="second")])
    add("", [event("import", 13, class_id=1), event("import", 14, class_id=0, person="dan")])
    add("bob", [event("flag", 12, note="")])


def round_trip(first: Project, again: Project, folder: Path, suffix: str) -> tuple[bytes, bytes]:
    one, two = folder / f"one.{suffix}", folder / f"two.{suffix}"
    first.export(one)
    again.import_labels(one)
    again.export(two)
    return one.read_bytes(), two.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_round_trip_changes_nothing(labelled: Project, source: Path, tmp_path: Path, suffix: str) -> None:
    with make_texts(tmp_path / "second", source) as again:
        before, after = round_trip(labelled, again, tmp_path, suffix)
    assert before == after


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_import_is_the_same_twice(labelled: Project, source: Path, tmp_path: Path, suffix: str) -> None:
    with make_texts(tmp_path / "second", source) as again:
        round_trip(labelled, again, tmp_path, suffix)
        before = list(again.store.events())
        again.import_labels(tmp_path / f"one.{suffix}")
        assert list(again.store.events()) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_project_keeps_what_its_people_said(labelled: Project, tmp_path: Path, suffix: str) -> None:
    """Importing one's own export changes no label, and no count of labels."""
    before = list(labelled.store.streams()), take_snapshot(labelled)
    one, two = round_trip(labelled, labelled, tmp_path, suffix)
    after = take_snapshot(labelled)
    assert one == two
    assert (after.train, after.test, after.disputed) == (before[1].train, before[1].test, before[1].disputed)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_imported_labels_and_skips_are_never_of_the_test_stream(
    labelled: Project, source: Path, tmp_path: Path, suffix: str
) -> None:
    with make_texts(tmp_path / "second", source) as again:
        round_trip(labelled, again, tmp_path, suffix)
        told, here = take_snapshot(labelled), take_snapshot(again)
        assert told.test, "the test says nothing without test labels"
        assert not here.test
        assert here.train == {item: value for item, value in told.train.items() if here.streams[item] == "train"}
        assert {*here.unused} == {item for item, value in told.test.items() if value != "skip"}
        assert here.disputed == told.disputed == (7,)


def test_the_label_that_counts_is_the_same_in_every_format(labelled: Project, source: Path, tmp_path: Path) -> None:
    found = []
    for suffix in SUFFIXES:
        with make_texts(tmp_path / f"project-{suffix}", source) as again:
            round_trip(labelled, again, tmp_path, suffix)
            again.export(tmp_path / "labels.csv")
            found.append((tmp_path / "labels.csv").read_text(encoding="utf-8"))
    assert [*{*found}] == found[:1]


def test_cells_for_spreadsheets_come_back_as_they_were(labelled: Project, source: Path, tmp_path: Path) -> None:
    from lindley.labelling.importing import import_labels

    quoted = tmp_path / "quoted.csv"
    labelled.export(quoted, spreadsheet=True)
    assert "'=it purrs" in quoted.read_text(encoding="utf-8")
    with make_texts(tmp_path / "second", source) as again:
        with pytest.raises(InputError):
            import_labels(again, quoted)
        import_labels(again, quoted, spreadsheet=True)
        again.export(tmp_path / "again.csv", spreadsheet=True)
    assert quoted.read_bytes() == (tmp_path / "again.csv").read_bytes()


def make_rows(folder: Path, path: Path) -> Project:
    columns = ("item", "weight", "class", "code")
    given = ProjectSettings(kind="rows", columns=columns, id="name", test_labels=9)
    make_project(folder, open_source(path, features=columns, id="name"), CLASSES, given)
    return Project.open(folder)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_whose_columns_have_our_names_come_back(tmp_path: Path, suffix: str, ending: str) -> None:
    source = tmp_path / f"rows.{ending}"
    if ending == "csv":
        lines = [f"n{row},{row % 7},{row / 3},{'x' * (row % 3)},00{row}" for row in range(30)]
        source.write_text("\n".join(["name,item,weight,class,code", *lines]), encoding="utf-8")
    else:
        rows = [
            f'{{"name": {row}, "item": "{row}", "weight": {row}, "class": {row % 2}, "code": true}}'
            for row in range(30)
        ]
        source.write_text("\n".join(rows), encoding="utf-8")
    with make_rows(tmp_path / "first", source) as first, make_rows(tmp_path / "second", source) as again:
        first.tell({0: "cat", 5: "dog", 7: None}, person="ann")
        before, after = round_trip(first, again, tmp_path, suffix)
        assert again.store.events
        assert before == after
        assert {item for item, each in fold(again.store.events()).standing.items() if each} == {0, 5, 7}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_vectors_come_back_by_their_item(tmp_path: Path, suffix: str) -> None:
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32))

    def make(folder: Path) -> Project:
        make_project(folder, open_source(tmp_path / "vectors.npy"), CLASSES, ProjectSettings(kind="vectors"))
        return Project.open(folder)

    with make(tmp_path / "first") as first, make(tmp_path / "second") as again:
        first.tell({0: "cat", 5: "dog"}, person="ann")
        before, after = round_trip(first, again, tmp_path, suffix)
        assert before == after
        assert not take_snapshot(again).test


def test_an_undo_of_what_never_came_is_kept(tmp_path: Path, source: Path) -> None:
    with make_texts(tmp_path / "first", source) as first, make_texts(tmp_path / "second", source) as again:
        first.store.add_person("ann")
        first.store.append("ann", [ProjectEvent("lonely", "undo", target_uuid="never")])
        before, after = round_trip(first, again, tmp_path, "jsonl")
        assert before == after
        assert b"lonely" in after


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_images_come_back_and_are_found_by_their_place(tmp_path: Path, suffix: str) -> None:
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, size=(9, 9), dtype=np.uint8)
        (tmp_path / "images" / f"{number % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number % 2}" / f"{number}.png")
    (tmp_path / "images" / "notes.txt").write_text("no image")

    def make(folder: Path) -> Project:
        make_project(folder, open_source(tmp_path / "images"), CLASSES, ProjectSettings(kind="images"))
        return Project.open(folder)

    with make(tmp_path / "first") as first, make(tmp_path / "second") as again:
        first.tell({0: "cat", 5: "dog"}, person="ann")
        before, after = round_trip(first, again, tmp_path, suffix)
        assert before == after
        assert find_labels(again) == {0: 0, 5: 1}
    with make(tmp_path / "third") as third:
        (tmp_path / "labels.csv").write_text("place,class\n1/3.png,dog\n0/2.png,cat\n", encoding="utf-8")
        third.import_labels(tmp_path / "labels.csv")
        found = {third.place(item): value for item, value in find_labels(third).items()}
        assert found == {"1/3.png": 1, "0/2.png": 0}
