"""Making a project: all of it or nothing, after whatever fails, and in words that name the argument."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lindley import Project
from lindley.errors import InputError
from lindley.labelling import creation
from lindley.labelling.creation import FEATURES, LEARNING, READING, ProjectOptions, create_project

TEXTS = ["the cat purrs", "a dog barks", "cats hunt mice", "dogs fetch sticks", "the bird sings", "fish swim"]


class DiskIsFullError(OSError):
    """What a write raises where the disk is full."""


def write(path: Path, texts: list[str] = TEXTS) -> Path:
    path.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*"))


def create(folder: Path, source: Path, **options: object) -> None:
    Project.create(folder, source, **{"classes": ["cat", "dog"], "text": "text", **options}).close()


def test_a_project_is_made_with_its_features_and_nothing_else(tmp_path: Path) -> None:
    source = write(tmp_path / "texts.csv")
    create(tmp_path / "deep" / "pets", source, describe={"cat": "a feline"}, overlap=2, target=0.9)
    with Project.open(tmp_path / "deep" / "pets") as project:
        assert project.num_items == len(TEXTS)
        assert [(each.name, each.hotkey, each.description) for each in project.classes()] == [
            ("cat", "1", "a feline"),
            ("dog", "2", ""),
        ]
        assert (project.settings.people_per_item, project.settings.target) == (2, 0.9)
    found = {name.partition("/")[0] for name in names(tmp_path / "deep" / "pets")}
    assert found == {"project.toml", "project.db", "features"}


WRONG = {
    "classes": [["cat"], ["cat", "cat"], ["cat", "Cat "], ["cat", "d\0g"], ["cat", ""], "cat,dog"],
    "keys": ["1", "11", "1s", "1 ", "1\n"],
    "describe": [{"cow": "moos"}],
    "encoder": ["no_such_module:name"],
    "acquisition": ["margn", "epig"],
    "target": [90.0, 0.0, 1.0],
    "overlap": [0, 2**63 - 1],
    "double": [-0.1, 1.1, float("nan")],
    "seed": [-1, 2**64],
    "test_labels": [-1, 10**12],
    "text": [None, "txt"],
    "features": [["text"]],
    "label": ["class"],
    "id": ["number"],
}


@pytest.mark.parametrize(("argument", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_argument_is_named_in_one_line_and_makes_nothing(tmp_path: Path, argument: str, value: object) -> None:
    source = write(tmp_path / "texts.csv")
    with pytest.raises(InputError) as raised:
        create(tmp_path / "deep" / "pets", source, **{argument: value})
    assert raised.value.argument in (argument, "text")  # features beside text
    assert len(str(raised.value).splitlines()) == 1
    assert names(tmp_path) == ["texts.csv"]


NOTHING = {
    "empty.csv": b"text\n",
    "blank.csv": b"text\n" + b"\n".join([b'" "'] * 22),
    "latin.csv": b"text\ncaf\xe9\n",
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_source_without_anything_to_label_says_why(tmp_path: Path, name: str) -> None:
    content = NOTHING[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as raised:
        create(tmp_path / "pets", tmp_path / name)
    assert "nothing to label" in str(raised.value)
    reasons = str(raised.value).splitlines()[1:]
    if name == "empty.csv":
        assert "has no rows" in str(raised.value)
        assert not reasons
    else:
        lines = len(content.splitlines()) - 1
        assert f"{name}, line 2: " in reasons[0]
        assert len(reasons) == min(lines, 10) + (lines > 10)
    assert not (tmp_path / "pets").exists()


def test_an_empty_folder_of_images_is_said_to_hold_none(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(InputError) as raised:
        create(tmp_path / "pets", tmp_path / "pictures", text=None)
    assert "holds no files" in str(raised.value)
    assert names(tmp_path) == ["pictures"]


def test_after_an_error_the_next_source_may_have_other_classes(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        create(tmp_path / "pets", write(tmp_path / "none.csv", []), classes=["a", "b"])
    with pytest.raises(InputError):  # no words to learn features from
        create(tmp_path / "pets", write(tmp_path / "marks.csv", ["...", "!!!", "???"]), classes=["c", "d"])
    assert not (tmp_path / "pets").exists()
    create(tmp_path / "pets", write(tmp_path / "texts.csv"), classes=["x", "y"])
    with Project.open(tmp_path / "pets") as project:
        assert [each.name for each in project.classes()] == ["x", "y"]


@pytest.mark.parametrize("stage", [READING, LEARNING, FEATURES])
@pytest.mark.parametrize("before", ["missing", "empty"])
def test_an_error_in_any_stage_leaves_what_was_there(tmp_path: Path, stage: str, before: str) -> None:
    source, folder = write(tmp_path / "texts.csv"), tmp_path / "a" / "pets"
    if before == "empty":
        folder.mkdir(parents=True)
    there = names(tmp_path)

    def fail(now: str, count: int) -> None:
        if now == stage:
            raise DiskIsFullError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskIsFullError):
        create_project(folder, source, ProjectOptions(classes=["a", "b"], text="text"), on_stage=fail)
    assert names(tmp_path) == there
    create(folder, source)


def test_a_file_of_the_user_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    source, folder = write(tmp_path / "texts.csv"), tmp_path / "pets"

    def fail(now: str, count: int) -> None:
        (folder / "notes.txt").write_text("mine")
        raise DiskIsFullError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskIsFullError):
        create_project(folder, source, ProjectOptions(classes=["a", "b"], text="text"), on_stage=fail)
    assert names(folder) == ["notes.txt"]


@pytest.mark.parametrize("name", ["cat.png", "project.db", "vectors.npy", ".hidden", "features"])
def test_a_folder_that_holds_anything_else_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / name).write_bytes(b"mine")
    with pytest.raises(InputError) as raised:
        create(tmp_path / "pets", write(tmp_path / "texts.csv"))
    assert (raised.value.argument, len(str(raised.value).splitlines())) == ("folder", 1)
    assert (tmp_path / "pets" / name).read_bytes() == b"mine"
    assert names(tmp_path / "pets") == [name]


def test_a_project_and_a_file_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "texts.csv")
    create(tmp_path / "pets", source)
    there = names(tmp_path)
    for folder in (tmp_path / "pets", source):
        with pytest.raises(InputError):
            create(folder, source)
    assert names(tmp_path) == there


KILLED = """
import os, signal, sys
from pathlib import Path
from lindley.labelling.creation import ProjectOptions, create_project
def stop(stage, count):
    if stage == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
create_project(Path(sys.argv[1]), Path(sys.argv[2]), ProjectOptions(classes=["a", "b"], text="text"), on_stage=stop)
"""


@pytest.mark.parametrize("stage", [READING, LEARNING, FEATURES])
def test_after_a_kill_another_source_starts_over(tmp_path: Path, stage: str) -> None:
    old, folder = write(tmp_path / "old.csv", TEXTS[::-1]), tmp_path / "pets"
    ran = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(old), stage], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert not (folder / "project.toml").exists()
    create(folder, write(tmp_path / "new.csv"), classes=["x", "y"])
    with Project.open(folder) as project:
        assert [each.name for each in project.classes()] == ["x", "y"]
        assert [each.content for each in project.store.items()] == TEXTS
    assert not list(folder.glob("init.*"))


def test_after_a_kill_the_same_command_continues_with_the_features(tmp_path: Path) -> None:
    source, folder = write(tmp_path / "texts.csv"), tmp_path / "pets"
    subprocess.run([sys.executable, "-c", KILLED, str(folder), str(source), FEATURES], check=False)
    counts: list[tuple[str, int]] = []
    options = ProjectOptions(classes=["a", "b"], text="text")
    create_project(folder, source, options, on_stage=lambda stage, count: counts.append((stage, count)))
    assert (LEARNING, 0) not in counts
    assert counts[-1] == (FEATURES, len(TEXTS))


def test_an_encoder_that_is_not_there_is_named_and_makes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "texts.csv")
    command = [sys.executable, "-c", "from lindley.apps.cli import app; app()", "init", str(source), "--text", "text"]
    command += ["--classes", "a,b", "--to", str(tmp_path / "pets"), "--encoder", "/nonexistent"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("lindley: --encoder: ")
    assert len(ran.stderr.splitlines()) == 1
    assert names(tmp_path) == ["texts.csv"]


def test_vectors_that_are_too_large_are_named_by_their_row(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    vectors[7, 2] = 3e38
    np.save(tmp_path / "v.npy", vectors)
    create(tmp_path / "some", tmp_path / "v.npy", text=None)
    with Project.open(tmp_path / "some") as project:
        found = [(each.place, each.reason) for each in project.store.entries() if each.item is None]
    assert [place for place, _ in found] == ["v.npy, row 7"]
    assert "column 2" in str(found[0][1])
    np.save(tmp_path / "v.npy", np.full((20, 3), 1e38, dtype=np.float32))
    with pytest.raises(InputError) as raised:
        create(tmp_path / "none", tmp_path / "v.npy", text=None)
    assert "v.npy, row 0: " in str(raised.value)


def test_the_options_are_those_of_create() -> None:
    import inspect
    from dataclasses import fields

    given = inspect.signature(Project.create).parameters
    options = {each.name: each.default for each in fields(creation.ProjectOptions)}
    assert [*options] == [*given][2:]
    plain = [name for name in options if name not in ("classes", "describe")]
    assert {name: given[name].default for name in plain} == {name: options[name] for name in plain}
