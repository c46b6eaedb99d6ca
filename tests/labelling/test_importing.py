"""Importing labels that others wrote, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from text_projects import find_labels, make_texts, write_texts

from lindley.errors import InputError
from lindley.labelling.importing import import_labels
from lindley.labelling.project import Project
from lindley.labelling.snapshot import take_snapshot


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    write_texts(tmp_path / "texts.csv")
    with make_texts(tmp_path / "project", tmp_path / "texts.csv") as made:
        yield made


def text_of(project: Project, item: int) -> str:
    return next(project.store.items([item])).content


def write_csv(path: Path, lines: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*dict.fromkeys(name for line in lines for name in line)])
        writer.writeheader()
        writer.writerows(lines)
    return path


def test_a_table_of_texts_and_classes_is_enough(project: Project, tmp_path: Path) -> None:
    lines = [{"text": text_of(project, item), "animal": name} for item, name in ((5, "dog"), (2, "cat"))]
    found = import_labels(project, write_csv(tmp_path / "labels.csv", lines), label="animal")
    assert found.num_labels == 2
    assert find_labels(project) == {5: 1, 2: 0}


def test_items_are_found_by_their_id_and_by_their_place(project: Project, tmp_path: Path) -> None:
    lines = [{"item": "3", "place": "", "class": "dog"}, {"item": "", "place": "texts.csv, line 2", "class": " cat "}]
    import_labels(project, write_csv(tmp_path / "labels.csv", lines))
    assert find_labels(project) == {3: 1, 0: 0}


def test_the_source_itself_can_be_imported(project: Project, tmp_path: Path) -> None:
    """Its copies are one item, and its empty line is of no item."""
    lines = (tmp_path / "texts.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "known.csv").write_text("\n".join(lines[:-1]), encoding="utf-8")
    import_labels(project, tmp_path / "known.csv")
    assert find_labels(project) == {item: item % 2 for item in range(project.num_items)}
    left = {lease.item for lease in project.ask(project.num_items)}
    assert left == {*(project.store.streams() == "test").nonzero()[0].tolist()}, "only what measures is left to label"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"text": "no such text", "class": "cat"}, "content"),
        ({"item": "400", "class": "cat"}, "no item 400"),
        ({"item": "-1", "class": "cat"}, "no item -1"),
        ({"item": "1.5", "class": "cat"}, "whole number"),
        ({"item": "1", "class": "bird"}, "'bird'"),
        ({"item": "1", "text": "another text", "class": "cat"}, "another content"),
        ({"place": "elsewhere.csv, line 1", "class": "cat"}, "elsewhere"),
        ({"class": "cat"}, "names no item"),
        ({"item": "1", "answer": "label"}, "no class"),
        ({"item": "1", "answer": "maybe", "class": "cat"}, "maybe"),
        ({"item": "1", "answer": "skip"}, "person"),
        ({"item": "1", "class": "cat", "seconds": "soon"}, "seconds"),
        ({"item": "1", "class": "cat", "stream": "validation"}, "validation"),
        ({"item": "1", "class": "cat", "predicted": "bird"}, "'bird'"),
        ({"item": "1", "answer": "disputed", "votes": "[1"}, "votes"),
        ({"item": "1", "class": "cat", "seconds": "inf"}, "seconds"),
        ({"item": "1", "class": "cat", "predicted_probability": "nan"}, "nan"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(
    project: Project, tmp_path: Path, line: dict[str, str], reason: str
) -> None:
    before = list(project.store.events())
    with pytest.raises(InputError) as caught:
        import_labels(project, write_csv(tmp_path / "labels.csv", [{"item": "0", "class": "cat"}, line]))
    assert caught.value.rows == ("labels.csv, line 3",)
    assert reason in str(caught.value)
    assert list(project.store.events()) == before
    assert project.store.people() == []


def test_copies_with_two_classes_are_refused(project: Project, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "labels.csv", [{"item": "0", "class": "cat"}, {"item": "0", "class": "dog"}])
    with pytest.raises(InputError) as caught:
        import_labels(project, path)
    assert caught.value.rows == ("labels.csv, line 3",)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "label", "class": "cat", "shown_ms": "soon"},
        {"kind": "label", "class": "cat", "shown_ms": 2**70},
        {"kind": "label", "class": "cat", "chosen_prob": float("nan")},
        {"kind": "label"},
        {"kind": "class", "payload": {"action": "add", "name": "bird"}},
        {"kind": "label", "class": "cat", "colour": 1},
        {"kind": "label", "class": "cat", "note": "half \ud83d"},
        "no object",
    ],
)
def test_a_wrong_event_is_refused_with_all_others(project: Project, tmp_path: Path, values: object) -> None:
    before = list(project.store.events())
    lines = [{"item": 0, "class": "cat", "events": [{"uuid": "one", "kind": "label", "class": "cat"}]}]
    lines += [{"item": 1, "events": [{"uuid": "two", **values} if isinstance(values, dict) else values]}]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(InputError):
        import_labels(project, tmp_path / "labels.jsonl")
    assert list(project.store.events()) == before


def test_a_label_that_was_given_here_stays(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat"}, person="ann")
    path = write_csv(tmp_path / "labels.csv", [{"item": "0", "class": "dog", "person": "ann"}])
    assert import_labels(project, path).num_kept == 1
    before = take_snapshot(project)
    assert {**before.train, **before.test}[0] == 0


def test_people_here_outrank_what_is_imported(project: Project, tmp_path: Path) -> None:
    item = next(row for row, stream in enumerate(project.store.streams()) if stream == "train")
    project.tell({item: "cat"}, person="ann")
    import_labels(project, write_csv(tmp_path / "labels.csv", [{"item": item, "class": "dog", "person": "bob"}]))
    assert take_snapshot(project).train[item] == 0


def label_studio_task(text: str, **more: Any) -> dict[str, Any]:
    result = {"from_name": "choice", "to_name": "text", "type": "choices", "value": {"choices": ["dog"]}, "id": "r1"}
    annotation = {"id": 7, "result": [result], "was_cancelled": False, "lead_time": 1.8, "completed_by": 1}
    return {"id": 3, "data": {"text": text}, "annotations": [{**annotation, **more}]}


def test_tasks_that_label_studio_wrote_are_found_by_their_text(project: Project, tmp_path: Path) -> None:
    tasks = [label_studio_task(text_of(project, 4)), label_studio_task(text_of(project, 5), was_cancelled=True)]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert project.import_labels(tmp_path / "tasks.json") == 1
    assert take_snapshot(project).train == {4: 1, 5: "skip"}, "what was skipped there is skipped here"
    imported = next(each for each in project.store.events() if each.kind == "import")
    assert (imported.shown_ms, imported.person) == (1800, "label-studio 1")


def test_an_annotation_that_was_changed_in_label_studio_counts(project: Project, tmp_path: Path) -> None:
    project.tell({0: "cat"}, person="ann")
    project.export(tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    tasks[0]["annotations"][0]["result"][0]["value"]["choices"] = ["dog"]
    tasks[0]["annotations"][0]["completed_by"] = {"email": "ann@example.com"}
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    with make_texts(tmp_path / "second", tmp_path / "texts.csv") as again:
        again.import_labels(tmp_path / "tasks.json")
        assert take_snapshot(again).disputed == (0,), "ann said cat, and somebody dog"


def test_what_label_studio_gives_back_of_an_export_is_known(project: Project, tmp_path: Path) -> None:
    """It numbers annotations anew, and names whoever imported them; a skip that is new there is a skip."""
    project.tell({0: "cat", 1: None, 2: None}, person="ann")
    project.export(tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    for task in tasks:
        for number, annotation in enumerate(task["annotations"], 77):
            annotation |= {"id": number, "completed_by": 1, "ground_truth": True, "created_at": "2026-01-01T00:00:00Z"}
    tasks[2]["annotations"].append({"id": 9, "result": [], "was_cancelled": True, "completed_by": 2})
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    with make_texts(tmp_path / "second", tmp_path / "texts.csv") as again:
        again.import_labels(tmp_path / "tasks.json")
        answers = [(each.item, each.kind, each.person) for each in again.store.events() if each.item is not None]
        assert answers == [(0, "import", "ann"), (1, "skip", "ann"), (2, "skip", "ann"), (2, "skip", "label-studio 2")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lead_time": float("nan")},
        {"lead_time": "soon"},
        {"result": [{"type": "choices", "value": {"choices": []}}]},
        {"result": [{"type": "choices", "value": {"choices": ["cat", "dog"]}}]},
        {"result": [{"type": "rectanglelabels", "value": {}}]},
        {"result": "x"},
        {"result": [{"type": "choices", "id": "r", "value": {"choices": [["cat"]]}}]},
    ],
)
def test_every_task_that_cannot_be_used_is_named(project: Project, tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = label_studio_task(text_of(project, 0))
    tasks = [right, label_studio_task(text_of(project, 1), **wrong), [], right, label_studio_task("no such text")]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert refusal(project, tmp_path / "tasks.json").rows == tuple(f"tasks.json, task {row}" for row in (2, 3, 5))


def test_a_retired_class_is_refused(project: Project, tmp_path: Path) -> None:
    number = project.store.add_class("bird")
    project.store.change_class(number, "retire")
    with pytest.raises(InputError):
        import_labels(project, write_csv(tmp_path / "labels.csv", [{"item": "0", "class": "bird"}]))


def refusal(project: Project, path: Path, **options: Any) -> InputError:
    """What an import is refused with, after which nothing is stored."""
    before = [*project.store.events()]
    with pytest.raises(InputError) as raised:
        import_labels(project, path, **options)
    assert [*project.store.events()] == before
    assert not str(raised.value).endswith("..")
    return raised.value


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_without_the_column_of_classes_is_refused_with_the_columns_it_has(
    project: Project, tmp_path: Path, suffix: str
) -> None:
    line = {"text": text_of(project, 0), "label": "cat"}
    path = tmp_path / f"labels.{suffix}"
    if suffix == "csv":
        write_csv(path, [line])
    else:
        path.write_text(json.dumps(line), encoding="utf-8")
    error = refusal(project, path)
    assert (error.argument, error.got) == ("label", "class")
    for name in ("'class'", "'text'", "'label'"):
        assert name in str(error)
    assert import_labels(project, path, label="label").num_labels == 1


@pytest.mark.parametrize("twice", ["class", "text", "item"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_two_columns_of_one_name_are_refused(project: Project, tmp_path: Path, suffix: str, twice: str) -> None:
    import pyarrow
    import pyarrow.parquet

    cells = {"item": "0", "text": text_of(project, 0), "class": "cat"}
    names = [*cells, twice]
    if suffix == "csv":
        with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, [cells[name] for name in names]])
    else:
        table = pyarrow.table([[cells[name]] for name in names], names=names)
        pyarrow.parquet.write_table(table, tmp_path / "labels.parquet")
    assert repr(twice) in str(refusal(project, tmp_path / f"labels.{suffix}"))


WRONG_CELLS = {
    "votes": ["[" * 100_000, '{"ann": 5}', "[]"],
    "item": ["1e300", "-1", "1e18"],
    "seconds": ["1e300", "-1", "1e13"],
    "round": ["1e300", "10000000000000000000"],
    "time": ["garbage", "2026-13-01"],
    "person": ["a\0b", "a\nb", "a\x1bb"],
    "class": ["ZZZ", "ca"],
}


@pytest.mark.parametrize(("column", "value"), [(name, each) for name, values in WRONG_CELLS.items() for each in values])
def test_a_cell_that_cannot_be_used_is_named_by_its_line(
    project: Project, tmp_path: Path, column: str, value: str
) -> None:
    good = {"item": "0", "class": "cat", "person": "ann"}
    lines = [good, {**good, "item": "2", column: value}]
    assert refusal(project, write_csv(tmp_path / "labels.csv", lines)).rows == ("labels.csv, line 3",)


WRONG_EVENTS = [
    {"kind": "label", "class": "cat", "person": "ann", "shown_ms": 10**30},
    {"kind": "label", "class": "cat", "person": "a\0b"},
    {"kind": "label", "class": "cat", "person": "ann", "server_time": "garbage"},
    {"kind": "flag"},
    {"kind": "undo", "person": "ann"},
]


@pytest.mark.parametrize("event", WRONG_EVENTS)
def test_an_event_that_cannot_be_stored_is_named_by_its_line(
    project: Project, tmp_path: Path, event: dict[str, Any]
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"item": 0, "events": [{"uuid": "x", **event}]}), encoding="utf-8")
    assert refusal(project, path).rows == ("labels.jsonl, line 1",)


def test_an_event_without_its_item_is_named_by_its_line(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    event = {"uuid": "x", "kind": "label", "class": "cat", "person": "ann"}
    path.write_text("\n" + json.dumps({"events": [event]}), encoding="utf-8")
    assert refusal(project, path).rows == ("labels.jsonl, line 2",)


def test_a_file_that_is_not_utf_8_says_what_to_do(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("item,class,note\n0,cat,café\n".encode("latin-1"))
    error = refusal(project, path)
    assert error.rows == ("labels.csv, line 2",)
    assert "save the file as UTF-8" in str(error)


def test_a_file_of_another_project_is_said_to_match_nothing(project: Project, tmp_path: Path) -> None:
    lines = [{"text": f"no such text {number}", "class": "cat"} for number in range(3)]
    assert "none of its lines is of an item" in str(refusal(project, write_csv(tmp_path / "labels.csv", lines)))
    lines += [{"text": text_of(project, 0), "class": "cat"}]
    assert "none of its lines" not in str(refusal(project, write_csv(tmp_path / "labels.csv", lines)))
