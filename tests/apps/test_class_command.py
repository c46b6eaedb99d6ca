"""`lindley class`: classes by their names, as events of the project."""

import sys
from pathlib import Path
from typing import get_args

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "labelling"))

from vector_projects import make_vectors

from lindley.apps.class_command import add, change, show
from lindley.errors import InputError
from lindley.labelling.project import Project
from lindley.labelling.records import ClassAction


@pytest.fixture
def folder(tmp_path):
    return make_vectors(tmp_path, rows=20)


def classes(folder):
    with Project.open(folder) as project:
        return {each.name: each for each in project.classes()}


def test_classes_are_added_renamed_described_merged_and_retired(folder):
    add(folder, "snake", "k", "no legs")
    assert (classes(folder)["snake"].id, classes(folder)["snake"].hotkey) == (2, "k")
    change(folder, "rename", "snake", "adder")
    change(folder, "describe", "adder", "a snake")
    change(folder, "hotkey", "adder", "a")
    found = classes(folder)["adder"]
    assert (found.id, found.description, found.hotkey) == (2, "a snake", "a")
    change(folder, "merge", "adder", "left")
    assert [*classes(folder)] == ["left", "right"]
    with Project.open(folder) as project:
        assert project.store.classes()[2].merged_into == 0
        actions = [each.payload["action"] for each in project.store.events() if each.kind == "class"]
    assert actions == ["add", "add", "add", "rename", "describe", "hotkey", "merge"]
    change(folder, "retire", "left", None)
    assert [*classes(folder)] == ["right"]


def test_every_change_says_what_it_did(folder, capsys):
    add(folder, "snake", None, "")
    new = {
        "rename": "adder",
        "describe": "it hisses",
        "hotkey": "h",
        "merge": "left",
        "split": ["up", "down"],
        "retire": None,
    }
    assert {*new, "add"} == {*get_args(ClassAction)}
    for action, value in new.items():
        name = {"rename": "snake", "split": "left", "retire": "right"}.get(action, "adder")
        capsys.readouterr()
        change(folder, action, name, value)
        shown = capsys.readouterr().out
        assert name in shown
        assert all(each in shown for each in ([] if value is None else value if action == "split" else [value]))


def test_a_class_that_is_not_there_is_named_with_those_that_are(folder, capsys):
    with pytest.raises(InputError) as raised:
        change(folder, "rename", "lefft", "west")
    assert raised.value.got == "lefft"
    for name in ("left", "right"):
        assert name in str(raised.value)
    with pytest.raises(InputError):
        change(folder, "merge", "left", "nowhere")
    assert [*classes(folder)] == ["left", "right"]
    assert capsys.readouterr().out == ""


def test_the_list_shows_every_class_with_its_key_and_no_control_characters(folder, capsys):
    add(folder, "bell", None, "[bold] \a")
    show(folder)
    shown = capsys.readouterr().out
    for text in ("left", "right", "1", "2", "[bold]"):
        assert text in shown
    assert "\a" not in shown
