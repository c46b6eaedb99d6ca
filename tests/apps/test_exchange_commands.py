"""`lindley export`, `import`, `predict`, `backup` and `restore`, as people call them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lindley.apps.cli import app
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings, read_settings, write_settings
from lindley.labelling.sources.open_source import open_source

TEXTS = [f"{'it purrs' if row % 2 else 'it barks'} in room {row}" for row in range(30)]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model and three test labels."""
    root = tmp_path_factory.mktemp("exchange")
    (root / "texts.csv").write_text("\n".join(["question", *TEXTS]), encoding="utf-8")
    given = ProjectSettings(kind="text", text="question", num_draws=4, test_labels=5)
    make_project(root / "project", open_source(root / "texts.csv", text="question"), ["cat", "dog"], given)
    with Project.open(root / "project") as project:
        streams = project.store.streams()
        test = [item for item in range(30) if streams[item] == "test"][:3]
        train = [item for item in range(30) if streams[item] == "train"][:12]
        project.tell({item: "cat" if item % 2 else "dog" for item in [*train, *test]}, person="ann")
        project.train()
    return root / "project"


def failed(result: Result) -> str:
    """Return the one line of an error."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 1, lines
    return lines[0]


def test_export_writes_to_stdout_what_it_writes_into_a_file(trained: Path, tmp_path: Path) -> None:
    for name in ("csv", "jsonl", "label-studio"):
        printed = call("export", trained, "--format", name)
        assert printed.exit_code == 0
        assert call("export", trained, "--format", name, "--out", tmp_path / name).exit_code == 0
        assert printed.stdout == (tmp_path / name).read_text(encoding="utf-8")


def test_the_suffix_of_the_file_says_the_format(trained: Path, tmp_path: Path) -> None:
    assert call("export", trained, "--out", tmp_path / "labels.jsonl").exit_code == 0
    first = (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert json.loads(first)["question"] == TEXTS[0]


def test_export_import_export_is_the_same(trained: Path, tmp_path: Path) -> None:
    source = trained.parent / "texts.csv"
    made = call("init", source, "--text", "question", "--classes", "cat,dog", "--to", tmp_path / "again")
    assert made.exit_code == 0, made.output
    for folder, name in ((trained, "one"), (tmp_path / "again", "two")):
        if name == "two":
            assert "labels for 15 items" in call("import", folder, tmp_path / "one.csv").stdout
        assert call("export", folder, "--out", tmp_path / f"{name}.csv").exit_code == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_an_export_of_another_tool_is_imported_by_its_name(trained: Path, tmp_path: Path) -> None:
    source = trained.parent / "texts.csv"
    assert call("init", source, "--text", "question", "--classes", "cat,dog", "--to", tmp_path / "again").exit_code == 0
    (tmp_path / "all.jsonl").write_text(json.dumps({"id": 1, "text": TEXTS[3], "label": ["cat"]}), encoding="utf-8")
    assert (
        "labels for 1 items" in call("import", tmp_path / "again", tmp_path / "all.jsonl", "--from", "doccano").stdout
    )
    message = failed(call("import", tmp_path / "again", tmp_path / "all.jsonl", "--from", "excel"))
    assert "--from" in message
    assert "doccano" in message


def test_an_export_for_label_studio_says_how_its_tasks_are_shown(trained: Path, tmp_path: Path) -> None:
    result = call("export", trained, "--format", "label-studio", "--out", tmp_path / "tasks.json")
    assert '<Text name="text" value="$text"/>' in result.stderr
    assert '<Choice value="cat"/><Choice value="dog"/>' in result.stderr


def test_predict_has_a_row_for_each_line_of_new_data(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text('question\nit purrs\n""\nit barks\n', encoding="utf-8")
    result = call("predict", trained, tmp_path / "new.csv", "--out", tmp_path / "out.csv", "--coverage", 70)
    assert result.exit_code == 0, result.output
    assert "70 %" in result.stderr
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["place"] for row in rows] == [f"new.csv, line {number}" for number in (2, 3, 4)]
    assert [row["prediction"] for row in rows] == ["cat", "", "dog"]
    assert rows[1]["reason"]


def test_new_data_need_no_ids_unless_they_are_asked_for(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "project")
    write_settings(tmp_path / "project", read_settings(trained).model_copy(update={"id": "number"}))
    (tmp_path / "new.csv").write_text("question\nit purrs\n", encoding="utf-8")
    result = call("predict", tmp_path / "project", tmp_path / "new.csv")
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader(result.stdout.splitlines())
    assert (row["number"], row["prediction"]) == ("", "cat")
    assert "number" in failed(call("predict", tmp_path / "project", tmp_path / "new.csv", "--id", "number"))


def test_predict_names_columns_that_new_data_calls_otherwise(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("words\nit purrs\n", encoding="utf-8")
    assert "question" in failed(call("predict", trained, tmp_path / "new.csv"))
    result = call("predict", trained, tmp_path / "new.csv", "--text", "words")
    assert result.exit_code == 0, result.output
    assert "cat" in result.stdout


def test_too_few_test_labels_are_said_and_the_predictions_come(trained: Path) -> None:
    result = call("predict", trained, "--coverage", 95)
    assert result.exit_code == 0
    assert "a coverage of 95 % takes 19 test labels, and there are 3" in result.stderr
    assert len(result.stdout.splitlines()) == 31


def test_wrong_calls_end_with_one_line(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("item,class\n1,cat\n2,bird\n", encoding="utf-8")
    (tmp_path / "new.csv").write_text("question\nit purrs\n", encoding="utf-8")
    for words, arguments in {
        "no labelling project": ("export", tmp_path),
        "--format": ("export", trained, "--format", "excel"),
        "--out": ("export", trained, "--format", "parquet"),
        "--spreadsheet": ("export", trained, "--format", "jsonl", "--spreadsheet"),
        "bad.csv, line 3: there is no class 'bird'": ("import", trained, tmp_path / "bad.csv"),
        "was not found": ("import", trained, tmp_path / "none.csv"),
        "also read": ("predict", trained, tmp_path / "new.csv", "--out", tmp_path / "new.csv"),
        "none.csv": ("predict", trained, tmp_path / "none.csv"),
        "there is no folder": ("backup", trained, tmp_path / "none" / "backup.zip"),
        "holds something already": ("restore", tmp_path / "bad.csv", trained),
    }.items():
        assert words in failed(call(*arguments)), arguments


def test_backup_and_restore(trained: Path, tmp_path: Path) -> None:
    assert call("backup", trained, tmp_path / "backup.zip").exit_code == 0
    restored = call("restore", tmp_path / "backup.zip", tmp_path / "again")
    assert restored.exit_code == 0, restored.output
    for name in ("csv", "jsonl"):
        one, two = (call("export", folder, "--format", name) for folder in (trained, tmp_path / "again"))
        assert one.stdout == two.stdout
    assert call("predict", tmp_path / "again").stdout == call("predict", trained).stdout


def test_a_backup_that_is_none_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "none.zip").write_bytes(b"PK\3\4 nothing")
    result = call("restore", tmp_path / "none.zip", tmp_path / "again")
    assert result.exit_code == 2
    assert "no whole backup" in result.stderr
    assert not (tmp_path / "again").exists()


def test_a_backup_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    result = call("restore", tmp_path / "none.zip", tmp_path / "again")
    assert result.exit_code == 2
    assert not (tmp_path / "again").exists()
