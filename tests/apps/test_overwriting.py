"""Every command that writes a file which the user names refuses one that is there, and says what to do."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "labelling"))

import numpy as np
from vector_projects import label_items, make_vectors, write_vectors

from lindley.apps.cli import app
from lindley.labelling.project import Project

WRITERS = {"backup", "compare", "export", "predict", "select"}
MINE = "a file of mine\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 60 vectors with a model, new vectors, and predictions to select from."""
    home = tmp_path_factory.mktemp("files")
    with Project.open(make_vectors(home)) as project:
        label_items(project, 20)
        project.train()
    write_vectors(home / "new.npy", 7)
    np.save(home / "predictions.npy", np.log(np.random.default_rng(0).dirichlet([1, 1], (12, 3))))
    return home


def commands() -> dict[str, Callable[..., None]]:
    return {
        each.name or str(getattr(each.callback, "__name__", "")): each.callback
        for group in app.registered_groups
        if isinstance(group.typer_instance, typer.Typer)
        for each in group.typer_instance.registered_commands
        if each.callback is not None
    }


def written_file(command: Callable[..., None]) -> str | None:
    """Return the name of the parameter that names a file to write; None where there is none."""
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        (found,) = getattr(parameter.annotation, "__metadata__", (None,))
        if found is not None and found.metavar == "FILE" and found.help.startswith("Write"):
            return name
    return None


def arguments(name: str, home: Path, out: Path) -> list[str]:
    known: dict[str, list[Any]] = {
        "backup": ["backup", home / "project", out],
        "compare": ["compare", home / "project", "--out", out],
        "export": ["export", home / "project", "--out", out],
        "predict": ["predict", home / "project", home / "new.npy", "--out", out],
        "select": ["select", home / "predictions.npy", "--acquisition", "bald", "--batch-size", 3, "--out", out],
    }
    return [*map(str, known[name])]


def test_the_commands_that_write_a_file_are_these_and_all_can_overwrite() -> None:
    found = {name: command for name, command in commands().items() if written_file(command) is not None}
    assert {*found} == WRITERS
    assert all("overwrite" in inspect.signature(command).parameters for command in found.values())


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_file_that_is_there_is_refused_with_the_remedy_and_stays(home: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.csv"
    out.write_text(MINE)
    ran = CliRunner().invoke(app, arguments(name, home, out))
    assert ran.exit_code == 2
    assert "out.csv is there already" in ran.stderr
    assert "--overwrite" in ran.stderr
    assert out.read_text() == MINE
    if name != "compare":  # there is no study to compare
        assert CliRunner().invoke(app, [*arguments(name, home, out), "--overwrite"]).exit_code == 0
        assert out.read_bytes() != MINE.encode()


@pytest.mark.parametrize("name", ["predict", "select"])
def test_a_file_that_is_read_is_never_replaced(home: Path, tmp_path: Path, name: str) -> None:
    read = home / ("new.npy" if name == "predict" else "predictions.npy")
    link, before = tmp_path / "link.csv", read.read_bytes()
    link.symlink_to(read)
    assert CliRunner().invoke(app, [*arguments(name, home, link), "--overwrite"]).exit_code == 2
    assert read.read_bytes() == before


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("command", ["export", "predict"])
def test_the_number_of_rows_is_said_on_stderr(home: Path, tmp_path: Path, command: str, name: str) -> None:
    ran = CliRunner().invoke(app, arguments(command, home, tmp_path / name))
    assert ran.exit_code == 0, ran.output
    rows = 60 if command == "export" else 7
    assert ran.stderr.splitlines()[-1] == f"{rows} rows in {tmp_path / name}"
    assert ran.stdout == ""


def test_the_rows_of_a_data_set_and_of_tasks_are_said_too(home: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["export", str(home / "project"), "--format", "hf", "--out", str(tmp_path / "set")])
    assert ran.stderr.splitlines()[-1] == f"60 rows in {tmp_path / 'set'}"
    ran = CliRunner().invoke(app, ["export", str(home / "project"), "--labelled", "--out", str(tmp_path / "some.csv")])
    assert ran.stderr.splitlines()[-1] == f"20 rows in {tmp_path / 'some.csv'}"
