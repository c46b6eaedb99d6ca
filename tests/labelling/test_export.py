"""What the lines of an export say."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from text_projects import event, make_texts, write_texts

from lindley.errors import InputError
from lindley.labelling.export.columns import IDENTITY, LABEL, PREDICTION, REASON
from lindley.labelling.project import Project
from lindley.parquet import parquet_file


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    write_texts(tmp_path / "texts.csv")
    with make_texts(tmp_path / "project", tmp_path / "texts.csv") as made:
        for person in ("ann", "bob", "cid"):
            made.store.add_person(person)
        yield made


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def export_csv(project: Project, tmp_path: Path) -> list[dict[str, str]]:
    project.export(tmp_path / "labels.csv")
    return read_csv(tmp_path / "labels.csv")


def test_there_is_a_line_for_each_entry_in_the_order_of_the_file(project: Project, tmp_path: Path) -> None:
    lines = export_csv(project, tmp_path)
    source = read_csv(tmp_path / "texts.csv")
    assert [line["text"] for line in lines[:-1]] == [line["text"] for line in source[:-1]]
    assert [line["place"] for line in lines] == [f"texts.csv, line {row + 2}" for row in range(len(source))]
    assert lines[-1]["item"] == ""
    assert "empty" in lines[-1]["reason"]


def test_copies_carry_the_label_of_their_item_and_its_events_stand_once(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat"}, person="ann")
    lines = export_csv(project, tmp_path)
    assert [line["item"] for line in lines if line["class"] == "cat"] == ["0", "0"]
    project.export(tmp_path / "labels.jsonl")
    objects = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(each["events"]) for each in objects if each["item"] == 0] == [1, 0]


def test_provenance_says_who_when_and_why(project: Project, tmp_path: Path) -> None:
    told = {"shown_ms": 2345, "epoch": 3, "chosen_by": "batchbald", "chosen_prob": 0.25, "predicted": 1}
    told |= {"predicted_prob": 0.75, "prediction_shown": True, "model_version": "r3", "guideline_version": 2}
    told |= {"server_time": "2026-01-02T03:04:05.678+00:00", "payload": {"view": "grid"}}
    project.store.append("ann", [event("label", 0, class_id=0, **told)])
    line = export_csv(project, tmp_path)[0]
    expected = {"class": "cat", "class_id": "0", "person": "ann", "seconds": "2.345", "round": "3", "origin": "people"}
    expected |= {"acquisition": "batchbald", "acquisition_probability": "0.25", "predicted": "dog", "view": "grid"}
    expected |= {"predicted_probability": "0.75", "prediction_shown": "true", "model": "r3", "guideline": "2"}
    expected |= {"time": "2026-01-02T03:04:05.678+00:00", "stream": str(project.store.streams()[0])}
    assert {name: line[name] for name in expected} == expected


def test_a_prediction_that_was_revealed_before_the_answer_was_shown(project: Project, tmp_path: Path) -> None:
    project.store.append("ann", [event("reveal", 0), event("label", 0, class_id=0)])
    project.store.append("ann", [event("label", 1, class_id=0), event("reveal", 1)])
    project.store.append("bob", [event("reveal", 2)])
    project.store.append("ann", [event("label", 2, class_id=0)])
    lines = export_csv(project, tmp_path)
    assert [line["prediction_shown"] for line in lines[:3]] == ["true", "false", "false"]


def test_several_people_have_a_majority_or_a_dispute(project: Project, tmp_path: Path) -> None:
    for item, votes in {0: (0, 0, 1), 1: (0, 1), 2: (0, 1)}.items():
        for person, class_id in zip(("ann", "bob", "cid"), votes, strict=False):
            project.store.append(person, [event("label", item, class_id=class_id, person=person)])
    project.store.append("cid", [event("adjudicate", 2, class_id=1)])
    lines = export_csv(project, tmp_path)
    names = ("answer", "class", "origin", "people", "agreement")
    assert [tuple(line[name] for name in names) for line in lines[:3]] == [
        ("label", "cat", "people", "3", str(2 / 3)),
        ("disputed", "", "people", "2", "0.5"),
        ("label", "dog", "adjudicated", "2", "0.5"),
    ]
    assert json.loads(lines[1]["votes"]) == {"ann": "cat", "bob": "dog"}


def test_labels_follow_renamed_and_merged_classes(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat", 1: "dog"}, person="ann")
    project.store.change_class(0, "rename", "kitten")
    project.store.add_class("animal")
    project.store.change_class(1, "merge", 2)
    lines = export_csv(project, tmp_path)
    assert [(line["class_id"], line["class"]) for line in lines[:2]] == [("0", "kitten"), ("2", "animal")]


def test_skips_flags_and_notes_differ(project: Project, tmp_path: Path) -> None:
    project.store.append("ann", [event("skip", 0), event("flag", 1, note="odd"), event("note", 2, note="fine")])
    lines = export_csv(project, tmp_path)
    assert [(line["answer"], line["flagged"], line["note"]) for line in lines[:3]] == [
        ("skip", "", ""),
        ("", "true", "odd"),
        ("", "", "fine"),
    ]


def test_jsonl_has_every_event_once_also_those_undone(project: Project, tmp_path: Path) -> None:
    project.store.append("ann", [event("label", 0, class_id=0), event("undo", target_uuid="label-0-0")])
    project.store.append("ann", [event("label", 0, class_id=1), event("flag", 3), event("reveal", 3)])
    project.export(tmp_path / "labels.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [each["uuid"] for line in lines for each in line["events"]]
    stored = [each.uuid for each in project.store.events() if each.kind != "class"]
    assert sorted(found) == sorted(stored)


def test_two_projects_of_one_source_export_the_same(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts.csv")
    found = []
    for name in ("first", "second"):
        with make_texts(tmp_path / name, tmp_path / "texts.csv") as project:
            for lease in project.ask(12, person="ann"):
                project.tell({lease.item: "cat" if lease.item % 2 else "dog"}, person="ann")
            project.train()
            for lease in project.ask(3, person="ann"):
                project.tell({lease.item: None if lease.item % 3 == 0 else "cat"}, person="ann")
            lines = export_csv(project, tmp_path)
        found.append([{key: value for key, value in line.items() if key != "time"} for line in lines])
    assert found[0] == found[1]
    assert {line["answer"] for line in found[0]} >= {"label", ""}
    assert {line["acquisition"] for line in found[0]} >= {"batchbald"}, "the provenance of claims is there"


def test_parquet_has_the_values_of_csv_with_their_types(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat"}, person="ann")
    lines = export_csv(project, tmp_path)
    project.export(tmp_path / "labels.parquet")
    table = parquet_file(tmp_path / "labels.parquet").read()
    assert table.schema.names == [*lines[0]]
    assert {name: str(table.schema.field(name).type) for name in ("item", "agreement", "flagged", "class")} == {
        "item": "int64",
        "agreement": "double",
        "flagged": "bool",
        "class": "string",
    }
    assert table["text"].to_pylist() == [line["text"] or None for line in lines]
    assert table["class_id"].to_pylist() == [int(line["class_id"]) if line["class_id"] else None for line in lines]


def test_only_csv_is_quoted_for_spreadsheets(project: Project, tmp_path: Path) -> None:
    for name in ("labels.jsonl", "labels.parquet", "labels.json"):
        with pytest.raises(InputError) as caught:
            project.export(tmp_path / name, spreadsheet=True)
        assert caught.value.argument == "spreadsheet"
        assert not (tmp_path / name).exists()


def test_an_unknown_format_is_refused(project: Project, tmp_path: Path) -> None:
    for path, name in (("labels.xlsx", None), ("labels.csv", "excel")):
        with pytest.raises(InputError) as caught:
            project.export(tmp_path / path, format=name)
        assert caught.value.argument == "format"


def test_labelled_leaves_out_what_has_no_answer(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat", 3: None}, person="ann")
    everything = export_csv(project, tmp_path)
    project.export(tmp_path / "labels.csv", labelled=True)
    lines = read_csv(tmp_path / "labels.csv")
    assert lines == [line for line in everything if line["answer"]]
    assert [line["item"] for line in lines] == ["0", "3", "0"]  # with the copy of the first one
    project.export(tmp_path / "labels.jsonl", labelled=True)
    project.export(tmp_path / "labels.json", labelled=True)
    project.export(tmp_path / "labels.parquet", labelled=True)
    assert len((tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert len(json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))) == 2
    assert parquet_file(tmp_path / "labels.parquet").read().num_rows == 3


def test_the_documentation_has_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "labelling.md").read_text(encoding="utf-8")
    section = text.partition("### The columns of an export")[2].partition("\n## ")[0]
    wanted = [*IDENTITY, *LABEL, *REASON, *PREDICTION]
    assert [name for name in wanted if f"`{name}`" not in section] == []
