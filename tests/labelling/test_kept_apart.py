"""A group of near-duplicates either trains the model or measures it, wherever its labels come from."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from text_projects import CLASSES, make_texts, write_texts

from lindley.labelling.initialise import add_source
from lindley.labelling.project import Project
from lindley.labelling.snapshot import take_snapshot
from lindley.labelling.sources.open_source import open_source

Bring = Callable[[Project, Path, Iterable[str]], object]


def add_labelled(project: Project, path: Path, texts: Iterable[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "class"), *((each, CLASSES[0]) for each in texts)])
    add_source(project, open_source(path, text="text", label="class", classes=CLASSES))


def import_copies(project: Project, path: Path, texts: Iterable[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "class"), *((each, CLASSES[0]) for each in texts)])
    project.import_labels(path)


def add_near(project: Project, path: Path, texts: Iterable[str]) -> None:
    add_labelled(project, path, [f"{each.upper()}!" for each in texts])


WAYS = {"import": import_copies, "add copies": add_labelled, "add near-duplicates": add_near}


def make(folder: Path, **settings: object) -> Project:
    write_texts(folder / "texts.csv", 20)
    return make_texts(folder / "project", folder / "texts.csv", **settings)


def stream_items(project: Project, *names: str) -> list[int]:
    return [item for item, each in enumerate(project.store.streams().tolist()) if each in names]


@pytest.mark.parametrize("bring", WAYS.values(), ids=WAYS)
def test_labels_that_come_to_test_groups_neither_train_nor_measure(tmp_path: Path, bring: Bring) -> None:
    with make(tmp_path) as project:
        texts = [each.content for each in project.store.items()]
        test = stream_items(project, "test")
        bring(project, tmp_path / "labels.csv", texts)
        groups, streams, found = project.store.groups(), project.store.streams(), take_snapshot(project)
        assert {*streams[[item for item in range(len(groups)) if groups[item] in {*groups[test]}]]} == {"test"}
        assert not {*groups[[*found.train]]} & {*groups[test]}
        assert found.test == {}
        assert len(found.train) + len(found.unused) == len(texts)
        assert len(found.unused) == len(test)
        assert project.status().num_unused == len(test)


@pytest.mark.parametrize("bring", WAYS.values(), ids=WAYS)
def test_an_imported_label_keeps_no_test_item_from_being_served_and_measured(tmp_path: Path, bring: Bring) -> None:
    with make(tmp_path) as project:
        texts, test = [each.content for each in project.store.items()], stream_items(project, "test")
        bring(project, tmp_path / "labels.csv", [texts[item] for item in test])
        for _ in range(project.num_items):
            (lease,) = project.ask(1)
            project.tell({lease.item: CLASSES[1]})
        assert {*take_snapshot(project).test} >= {*test}
        assert project.status().num_unused == 0


def test_labels_of_test_items_are_exported_as_imported(tmp_path: Path) -> None:
    with make(tmp_path) as project:
        test = stream_items(project, "test")
        texts = [each.content for each in project.store.items(test)]
        import_copies(project, tmp_path / "labels.csv", texts)
        project.export(tmp_path / "out.csv")
        with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["origin"]]
        assert {int(row["item"]) for row in rows} == {*test}
        assert {(row["class"], row["origin"], row["stream"]) for row in rows} == {(CLASSES[0], "import", "test")}


def test_labels_of_test_items_make_no_round_due(tmp_path: Path) -> None:
    with make(tmp_path) as project:
        project.train()
        texts = [each.content for each in project.store.items(stream_items(project, "test"))]
        import_copies(project, tmp_path / "labels.csv", texts)
        assert not project.is_round_due(whole_batches=False)
