"""What `lindley status` and `lindley report` say of a labelling project."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lindley.apps.cli import app
from lindley.apps.project_status import (
    accuracy_line,
    advice_line,
    audit_lines,
    labels_line,
    sentence_lines,
    sign_lines,
    summary_lines,
)
from lindley.apps.status_command import PROJECT_FILE
from lindley.apps.status_tables import DETAILS, status_tables
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.project import Project
from lindley.labelling.settings import FILE_NAME
from lindley.labelling.status_records import SentencesStatus, SentenceStatus

ANIMALS = ("cat", "dog")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 80 rows with 40 labels and a model."""
    home = tmp_path_factory.mktemp("project")
    with (home / "rows.csv").open("w", newline="") as file:
        lines = [(f"{row % 2 * 3 + row % 7 / 10 + 0.05:.2f}", f"{row}.5") for row in range(80)]
        csv.writer(file).writerows([("a", "b"), *lines, ("only one cell",)])
    made = run(
        "init",
        home / "rows.csv",
        "--features",
        "a,b",
        "--classes",
        ",".join(ANIMALS),
        "--test-labels",
        15,
        "--to",
        home / "pets",
    )
    assert made.exit_code == 0, made.output
    with Project.open(home / "pets") as project:
        for _ in range(4):
            for lease in project.ask(10):
                project.tell({lease.item: ANIMALS[lease.item % 2]})
            project.train()
    return home / "pets"


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    with Project.open(folder) as opened:
        yield opened


def test_the_file_that_tells_a_project_is_that_of_its_settings() -> None:
    assert PROJECT_FILE == FILE_NAME


def test_the_answer_comes_first(folder: Path, project: Project) -> None:
    done = run("status", folder)
    assert done.exit_code == 0, done.output
    first, second, third, *others = done.stdout.splitlines()
    found = project.status().accuracy
    assert found.share is not None
    interval = f"{100 * found.low:.0f} to {100 * found.high:.0f} %, 95 % interval"
    assert first == f"Accuracy: {100 * found.share:.0f} % ({interval}), from 13 random test labels."
    assert second == "Labels: 40 of 80 items (27 training, 13 test); 1 unreadable."
    assert third.startswith("Keep labelling: ")
    assert "Recall by class" in others


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"]])
def test_json_is_the_status_and_its_accuracy_an_interval(folder: Path, project: Project, options: list[str]) -> None:
    found = json.loads(run("status", folder, *options).stdout)
    assert found == json.loads(json.dumps(project.status().to_json()))
    accuracy = found["accuracy"]
    assert accuracy["low"] <= accuracy["share"] <= accuracy["high"]
    assert accuracy["num_labels"] == found["labels"]["test"] == 13


def test_docs_list_every_key_of_the_json(project: Project) -> None:
    page = (Path(__file__).parents[2] / "docs" / "labelling.md").read_text(encoding="utf-8")
    found = project.status().to_json()
    keys = {*found, *found["accuracy"], *found["curve"][0], *found["recall"][0], *found["model"]}
    assert sorted(key for key in keys if f"`{key}`" not in page) == []


def test_another_format_is_refused_by_its_option(folder: Path) -> None:
    done = run("status", folder, "--format", "xml")
    assert done.exit_code == 2
    assert "--format" in done.stderr


def test_classes_with_few_test_labels_are_marked(project: Project) -> None:
    table = next(each for each in status_tables(project.status()) if each.title == "Recall by class")
    counts = {row[0]: row[2] for row in table.rows}
    assert all(("(few)" in cell) == (int(cell.split()[0]) < 10) for cell in counts.values())
    assert any("(few)" in cell for cell in counts.values())


def test_a_new_project_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a\n1.5\n2.5\n3.5\n")
    run("init", tmp_path / "new.csv", "--features", "a", "--classes", "x,y", "--to", tmp_path / "new")
    with Project.open(tmp_path / "new") as project:
        lines = [*summary_lines(project.status(), tmp_path / "new")]
        assert lines[0].startswith("Accuracy: not known yet")
        assert labels_line(project.status()) == "Labels: 0 of 3 items (0 training, 0 test)."
        assert lines[2].startswith("Start labelling: ")
        project.record_failure("no space left")
        assert any("no space left" in line for line in summary_lines(project.status(), tmp_path / "new"))


def test_a_sentence_that_misleads_is_named_with_the_command_that_changes_it(project: Project) -> None:
    one = SentenceStatus(0, "big cat", "barks", num_labels=9, gain=-8.0, standard_error=2.5, misleads=True)
    other = replace(one, name="dog", gain=8.0, misleads=False)
    status = replace(project.status(), sentences=SentencesStatus(0.5, [one, other]))
    (line,) = sentence_lines(status, Path("my pets"))
    assert line.startswith("Your sentence for big cat misleads the model. Rewrite it: ")
    assert "class describe 'my pets' 'big cat' TEXT" in line
    assert "8.0 ± 2.5 nats lower" in line
    (numbers,) = (each for each in status_tables(status) if each.title == DETAILS)
    (weight,) = (value for name, value in numbers.rows if name.startswith("weight of the class sentences"))
    assert weight.startswith("0.5 ")
    unnamed = replace(status, sentences=SentencesStatus(0.5, [replace(one, sentence="big cat")]))
    assert next(sentence_lines(unnamed, Path("pets"))).startswith("The name of big cat misleads")
    assert not [*sentence_lines(replace(status, sentences=None), Path("pets"))]


def test_the_advice_names_the_step_that_the_project_can_take(project: Project) -> None:
    status, folder = project.status(), Path("pets")
    assert [line[:7] for line in sign_lines(status)] == [
        "  - Hol" if sign.holds else "  - Not" for sign in status.advice.signs
    ]
    untrained = replace(status, model=None)
    assert advice_line(untrained, folder).endswith(" train pets")
    assert not [*sign_lines(untrained)]
    complete = replace(status, labels={"train": 67, "test": 13, "audit": 0})
    assert advice_line(complete, folder).startswith("Every item has an answer. ")
    assert not [*sign_lines(complete)]


def test_an_audit_of_the_newest_model_comes_first_and_one_of_another_model_second(project: Project) -> None:
    status = project.status()
    assert status.model is not None

    def lines(audit: AuditStatus) -> list[str]:
        return [*summary_lines(replace(status, audits=[audit]), Path("pets"))][:2]

    judged = AuditStatus(1, 20, 18, 2, status.model.version, 27, 9, 0.25, 0.75)
    first, second = lines(judged)
    assert first.startswith("Audited accuracy: 50 % (25 to 75 %, exact 95 % interval). 9 of 18 labels agree")
    assert second.startswith("Accuracy by the test labels: ")
    first, second = lines(replace(judged, model_version="r1", num_train=6))
    assert first == accuracy_line(status)
    assert second.startswith("Audit at 6 training labels: 50 % (25 to 75 %, exact 95 % interval). 9 of 18 labels agree")
    assert f"model r1; today's model is {status.model.version};" in second
    first, second = lines(AuditStatus(1, 20, 4, 1))
    assert first == accuracy_line(status)
    assert second.startswith("Audit: 5 of 20 items answered.")


def test_the_next_command_quotes_the_folder(project: Project) -> None:
    assert "label 'my pets'" in advice_line(project.status(), Path("my pets"))


def test_the_report_is_one_file_with_the_answer_first_and_nothing_from_elsewhere(
    folder: Path, project: Project
) -> None:
    done = run("report", folder)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(folder / "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    first = next(iter(summary_lines(project.status(), folder))).replace(" %", "\N{NO-BREAK SPACE}%")
    assert 0 < page.index(first) < page.index("<figure")
    assert re.findall(r'(?:src|href)="(?!data:|#)', page) == []
    for table in status_tables(project.status()):
        assert table.title in page


def test_the_report_draws_another_project_beside_it(folder: Path) -> None:
    alone = (folder / "report.html").read_text() if run("report", folder).exit_code == 0 else ""
    assert run("report", folder, "--beside", folder).exit_code == 0
    both = (folder / "report.html").read_text()
    assert "Dashed: the project pets" in both
    assert "Dashed" not in alone


def test_a_class_name_is_text_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a\n1.5\n2.5\n3.5\n")
    run("init", tmp_path / "new.csv", "--features", "a", "--classes", "<b>x</b>,y", "--to", tmp_path / "new")
    assert run("report", tmp_path / "new").exit_code == 0
    assert "<b>x" not in (tmp_path / "new" / "report.html").read_text()


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    assert run("status", tmp_path / "nothing").exit_code == 2
    done = run("report", tmp_path, "--beside", tmp_path)
    assert done.exit_code == 2
    assert "--beside" in done.stderr


def test_the_last_judged_audit_and_the_one_under_way_are_said_with_their_numbers(project: Project) -> None:
    judged = [AuditStatus(number, 5, 4, 1, f"r{number}", 10 * number, 3, 0.2, 0.9) for number in (1, 2)]
    running, waiting = AuditStatus(3, 6, 2, 1), AuditStatus(3, 6, 5, 1)
    status = project.status()

    def lines(*audits: AuditStatus) -> list[str]:
        return [*audit_lines(replace(status, audits=audits))]

    assert lines() == []
    assert "20 to 90 %" in lines(judged[0])[0]
    assert "model r1" in lines(judged[0])[0]
    second, third = lines(*judged, running)
    assert second.startswith("Audit 2 at 20 training labels: 75 % (20 to 90 %")
    assert "model r2" in second
    assert "look number 2" in second
    assert third.startswith("Audit 3: 3 of 6 items")
    assert "all items answered" in lines(*judged, waiting)[1]
