"""The commands of a project as processes: what they import before they answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "labelling"))

from vector_projects import label_items, make_vectors, write_vectors

from lindley.apps.label_command import MANY_CLASSES, begin_audit, train_now
from lindley.errors import InputError
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with labels and a model."""
    folder = make_vectors(tmp_path_factory.mktemp("made"), rows=40)
    with Project.open(folder) as project:
        label_items(project, 12)
        project.train()
        project.export(folder / "labels.csv")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--format", "json"),
        ("class", "list"),
        ("export",),
        ("import", "labels.csv"),
        ("backup", "../copy.zip"),
    ],
    ids=" ".join,
)
def test_commands_that_read_a_project_need_no_torch(folder: Path, arguments: tuple[str, ...]) -> None:
    name = 2 if arguments[0] == "class" else 1
    files = [str(folder / each) if "." in each else each for each in arguments]
    given = ["lindley", *files[:name], str(folder), *files[name:]]
    check = f"import sys; sys.argv = {given!r}; from lindley.apps.cli import main\n"
    check += "try:\n    main()\nfinally:\n    print({'torch', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("count", [2, MANY_CLASSES, MANY_CLASSES + 1, 1000])
def test_so_many_classes_that_rounds_are_slow_are_named_before_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    source = write_vectors(tmp_path / "vectors.npy", 20)
    make_project(tmp_path / "made", source, [f"c{each}" for each in range(count)], ProjectSettings(kind="vectors"))
    train_now(tmp_path / "made")
    assert (f"{count:,} classes" in capsys.readouterr().err) == (count > MANY_CLASSES)


def test_an_audit_without_a_model_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    folder = make_vectors(tmp_path, rows=40)
    with pytest.raises(InputError):
        begin_audit(folder, 4, again=False)
    with Project.open(folder) as project:
        assert not (project.store.streams() == "audit").any()


def test_another_audit_is_refused_before_anything_is_drawn_and_drawn_where_it_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_vectors(tmp_path, rows=40)

    def drawn() -> int:
        with Project.open(folder) as project:
            return int((project.store.streams() == "audit").sum())

    with Project.open(folder) as project:
        label_items(project, 6)
        project.train()
    begin_audit(folder, 4, again=False)
    for again in (False, True):
        with pytest.raises(InputError) as raised:
            begin_audit(folder, 50, again=again)
        assert raised.value.argument == "labels"
        assert "under way" in str(raised.value)
    with Project.open(folder) as project:
        label_items(project, 4)
        assert project.status().audits[0].low is not None
    with pytest.raises(InputError) as raised:
        begin_audit(folder, 5, again=False)
    assert raised.value.argument == "again"
    assert drawn() == 4
    begin_audit(folder, 5, again=True)
    assert drawn() == 9
    assert capsys.readouterr().out.count("fresh items. Label them: ") == 2
