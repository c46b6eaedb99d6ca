"""Exports of Prodigy, doccano and Argilla, as these tools write them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lindley.errors import DataError, InputError
from lindley.labelling.consensus import item_label
from lindley.labelling.fold import fold
from lindley.labelling.importing import Imported, import_labels
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

TEXTS = [f"it {'purrs' if row % 2 else 'barks'} in room {row}" for row in range(12)]
OPTIONS = [{"id": "cat", "text": "Cat"}, {"id": "dog", "text": "Dog"}]
CHOICE = {"_view_id": "choice", "_input_hash": -1530009927, "_task_hash": -340967702, "options": OPTIONS}
BINARY = {"_view_id": "classification", "label": "dog", "meta": {"score": 0.064}, "priority": 0.064, "spans": []}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "texts.csv").write_text("\n".join(["question", *TEXTS]), encoding="utf-8")
    source = open_source(tmp_path / "texts.csv", text="question")
    make_project(tmp_path / "project", source, ["cat", "dog"], ProjectSettings(kind="text", text="question"))
    with Project.open(tmp_path / "project") as made:
        yield made


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Project]:
    """Images of which two in different folders have the same name."""
    for number, name in enumerate(["a/1.png", "b/1.png", "b/2.png", "tom cat.png"]):
        pixels = np.random.default_rng(number).integers(0, 256, size=(9, 9), dtype=np.uint8)
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "pets" / name)
    make_project(tmp_path / "images", open_source(tmp_path / "pets"), ["cat", "dog"], ProjectSettings(kind="images"))
    with Project.open(tmp_path / "images") as made:
        yield made


def prodigy(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


def argilla(path: Path, *records: dict[str, Any]) -> Path:
    whole = {"metadata": {}, "suggestions": {}, "vectors": {}, "_server_id": "ac67fb4e"}
    path.write_text(
        json.dumps([{"id": str(row), **whole, **each} for row, each in enumerate(records)]), encoding="utf-8"
    )
    return path


def answer(value: object, user: str = "user-1", **more: object) -> dict[str, Any]:
    return {"value": value, "user_id": user, **more}


def load(project: Project, path: Path, tool: str, **options: Any) -> Imported:
    return import_labels(project, path, tool=tool, **options)


def labels(project: Project) -> dict[str, str | None]:
    """By content or place the name of the class that counts."""
    state = fold(project.store.events())
    names = {None: None, **{each.id: each.name for each in state.classes}}
    found = {item: item_label(state, item) for item in state.standing}
    return {project.place(item): names[label.class_id] for item, label in found.items() if label is not None}


def line(row: int) -> str:
    return f"texts.csv, line {row + 2}"


def faults(project: Project, path: Path, tool: str, **options: Any) -> InputError:
    before = [*project.store.events()]
    with pytest.raises(InputError) as raised:
        load(project, path, tool, **options)
    assert [*project.store.events()] == before
    return raised.value


def test_prodigy_choices_and_single_classes_are_labels_with_their_person_and_time(
    project: Project, tmp_path: Path
) -> None:
    who = {"_annotator_id": "pets-ann", "_session_id": "pets-ann", "_timestamp": 1672531200}
    path = prodigy(
        tmp_path / "pets.jsonl",
        {"text": TEXTS[1], **CHOICE, "accept": ["cat"], "answer": "accept", **who},
        {"text": TEXTS[2], **BINARY, "answer": "accept"},
        {"text": TEXTS[3], **BINARY, "answer": "reject"},
        {"text": TEXTS[4], **CHOICE, "accept": [], "answer": "ignore", **who},
    )
    assert load(project, path, "prodigy").num_labels == 2
    assert labels(project) == {line(1): "cat", line(2): "dog"}
    first, skip = (next(each for each in project.store.events() if each.item == item) for item in (1, 4))
    assert (first.person, first.server_time) == ("pets-ann", "2023-01-01T00:00:00+00:00")
    assert skip.kind == "skip"
    assert load(project, path, "prodigy").num_events == 0, "twice is the same as once"


def test_the_options_of_prodigy_may_be_numbers(project: Project, tmp_path: Path) -> None:
    options = [{"id": 0, "text": "cat"}, {"id": 1, "text": "dog"}]
    load(
        project,
        prodigy(tmp_path / "p.jsonl", {"text": TEXTS[0], "options": options, "accept": [1], "answer": "accept"}),
        "prodigy",
    )
    assert labels(project) == {line(0): "dog"}


def test_every_fault_of_a_file_is_named_by_its_line(project: Project, tmp_path: Path) -> None:
    right = {"text": TEXTS[0], **CHOICE, "accept": ["cat"], "answer": "accept"}
    path = prodigy(
        tmp_path / "p.jsonl",
        right,
        {**right, "accept": ["bird"]},
        {**right, "accept": ["cat", "dog"]},
        {**right, "text": "unknown"},
        {**right, "answer": "maybe"},
        {"tokens": [], "answer": "accept", "accept": ["cat"]},
        {**right, "accept": [["cat"]]},
        {**right, "_timestamp": "1e400"},
        {"text": TEXTS[0], "spans": [], "answer": "accept"},
    )
    error = faults(project, path, "prodigy")
    assert error.rows == tuple(f"p.jsonl, line {number}" for number in range(2, 10))
    assert "p.jsonl, line 2: there is no class 'bird'" in str(error)


def test_doccano_names_a_file_after_its_person(project: Project, tmp_path: Path) -> None:
    lines = [
        {"id": 7, "text": TEXTS[0], "label": ["dog"], "Comments": ["odd"]},
        {"id": 8, "text": TEXTS[1], "label": []},
    ]
    load(project, prodigy(tmp_path / "ann.jsonl", *lines), "doccano")
    (tmp_path / "bob.json").write_text(json.dumps([{**lines[0], "label": ["cat"], "Comments": []}]), encoding="utf-8")
    load(project, tmp_path / "bob.json", "doccano")
    state = fold(project.store.events())
    assert {each.person: each.class_id for each in state.standing[0] if each.kind == "import"} == {"ann": 1, "bob": 0}
    assert [each.note for each in state.events_of(0, "note")] == ["odd"]
    assert [*state.standing] == [0]
    everybody = prodigy(tmp_path / "all.jsonl", {"id": 9, "text": TEXTS[2], "label": ["cat"]})
    load(project, everybody, "doccano")
    assert [each.person for each in project.store.events() if each.item == 2] == [""]


@pytest.mark.parametrize("label", [["cat", "dog"], [[0, 2, "cat"]], {"cat": 1}, ["bird"], True])
def test_a_label_of_doccano_that_is_no_class_is_named(project: Project, tmp_path: Path, label: object) -> None:
    path = prodigy(tmp_path / "all.jsonl", {"id": 1, "text": TEXTS[0], "label": label})
    assert faults(project, path, "doccano").rows == ("all.jsonl, line 1",)


def test_argilla_has_an_answer_for_each_person(project: Project, tmp_path: Path) -> None:
    path = argilla(
        tmp_path / "records.json",
        {"fields": {"text": TEXTS[0]}, "responses": {"label": [answer("cat"), answer("dog", "user-2")]}},
        {"fields": {"question": TEXTS[1]}, "responses": {"label": [answer("cat")]}},
        {"fields": {"text": TEXTS[2]}, "responses": {}, "suggestions": {"label": {"value": "dog", "score": 0.9}}},
        {"fields": {"text": TEXTS[3]}, "responses": {"label": [answer("dog", status="draft")]}},
        {"fields": {"text": TEXTS[4]}, "responses": {"label": [answer(None, status="discarded")]}},
    )
    load(project, path, "argilla")
    assert labels(project) == {line(0): None, line(1): "cat"}, "two people disagree, and a suggestion is no label"
    assert fold(project.store.events()).is_skipped(4)


def test_of_several_questions_of_argilla_one_is_named(project: Project, tmp_path: Path) -> None:
    both = {"topic": [answer("cat")], "quality": [answer(5)]}
    path = argilla(tmp_path / "records.json", {"fields": {"text": TEXTS[0]}, "responses": both})
    assert "--label" in str(faults(project, path, "argilla"))
    load(project, path, "argilla", label="topic")
    assert labels(project) == {line(0): "cat"}


@pytest.mark.parametrize("tool", ["prodigy", "doccano", "argilla"])
@pytest.mark.parametrize("content", ["[1, null, [", "<html>", '{"a": ' * 5000, "[1, 2]", "{}", "\udce4", "[" * 10**6])
def test_hostile_files_end_with_one_clear_error(project: Project, tmp_path: Path, tool: str, content: str) -> None:
    (tmp_path / "hostile.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises((InputError, DataError)):
        load(project, tmp_path / "hostile.json", tool)


def test_an_unknown_tool_and_a_tool_with_a_format_are_refused(project: Project, tmp_path: Path) -> None:
    path = prodigy(tmp_path / "p.jsonl", {"text": TEXTS[0], **CHOICE, "accept": ["cat"], "answer": "accept"})
    for options in (
        {"tool": "excel"},
        {"tool": "prodigy", "format": "jsonl"},
        {"tool": "prodigy", "spreadsheet": True},
    ):
        with pytest.raises(InputError) as raised:
            import_labels(project, path, **options)
        assert raised.value.argument == "tool"


def test_images_are_found_by_the_end_of_their_path(pictures: Project, tmp_path: Path) -> None:
    found = {
        "/data/pets/a/1.png": "a/1.png",
        "2.png": "b/2.png",
        "http://h/data/local-files/?d=x/tom%20cat.png": "tom cat.png",
    }
    records = [{"filename": name, "label": ["cat"]} for name in found]
    load(pictures, prodigy(tmp_path / "all.jsonl", *records), "doccano")
    assert labels(pictures) == dict.fromkeys(found.values(), "cat")


@pytest.mark.parametrize(
    "name", ["1.png", "c/9.png", "../../etc/passwd", "data:image/png;base64,AAAA", "data:,%%%", ""]
)
def test_an_image_that_is_none_or_several_is_named(pictures: Project, tmp_path: Path, name: str) -> None:
    path = prodigy(tmp_path / "all.jsonl", {"filename": name, "label": ["cat"]})
    assert faults(pictures, path, "doccano").rows == ("all.jsonl, line 1",)


def test_two_paths_are_never_one_image(pictures: Project, tmp_path: Path) -> None:
    """Another folder's image of the same name is another image."""
    records = [{"filename": name, "label": ["cat"]} for name in ("x/2.png", "b/2.png", "y/b/2.png")]
    path = prodigy(tmp_path / "all.jsonl", *records)
    assert faults(pictures, path, "doccano").rows == ("all.jsonl, line 1", "all.jsonl, line 3")


def test_an_image_in_the_record_itself_is_found_by_its_bytes(pictures: Project, tmp_path: Path) -> None:
    content = base64.b64encode((tmp_path / "pets" / "b" / "1.png").read_bytes()).decode()
    record = {"image": f"data:image/png;base64,{content}", **CHOICE, "accept": ["dog"], "answer": "accept"}
    load(pictures, prodigy(tmp_path / "p.jsonl", record), "prodigy")
    assert labels(pictures) == {"b/1.png": "dog"}


def test_rows_and_vectors_are_found_by_their_values_and_their_id(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "\n".join(["height,colour", *(f"{row},red" for row in range(12))]), encoding="utf-8"
    )
    settings = ProjectSettings(kind="rows", columns=("height", "colour"))
    make_project(
        tmp_path / "rows", open_source(tmp_path / "rows.csv", features=["height", "colour"]), ["cat", "dog"], settings
    )
    record = {"fields": {"height": 3, "colour": "red"}, "responses": {"label": [answer("dog")]}}
    with Project.open(tmp_path / "rows") as project:
        load(project, argilla(tmp_path / "records.json", record), "argilla")
        assert labels(project) == {"rows.csv, line 5": "dog"}
