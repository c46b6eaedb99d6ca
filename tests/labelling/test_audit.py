"""An audit draws fresh items: nobody has answered or holds them, nor a copy of them."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vector_projects import label_items, make_vectors

from lindley.errors import InputError
from lindley.labelling.audit import draw_audit
from lindley.labelling.project import DATABASE, Project
from lindley.labelling.settings import read_settings
from lindley.labelling.store import ProjectStore


@pytest.fixture
def project(tmp_path):
    with Project.open(make_vectors(tmp_path, rows=40)) as project:
        yield project


def test_fresh_items_alone_are_drawn_and_come_first(project):
    answered = label_items(project, 10)
    held = [lease.item for lease in project.ask(3, person="bob")]
    drawn = draw_audit(project, 20)
    assert len({*drawn}) == 20
    assert not {*drawn} & {*answered, *held}
    assert [lease.item for lease in project.ask(5, person="cem")] == drawn[:5]
    assert {str(project.store.streams()[item]) for item in drawn} == {"audit"}


def test_a_second_audit_has_other_items(project):
    first = draw_audit(project, 10)
    assert not {*first} & {*draw_audit(project, 10)}


def test_more_than_there_are_is_refused_and_changes_nothing(project):
    label_items(project, 10)
    with pytest.raises(InputError) as raised:
        draw_audit(project, 31)
    assert raised.value.got == 31
    assert "audit" not in project.store.streams()
    assert len(draw_audit(project, 30)) == 30


def test_an_item_is_drawn_as_often_as_any_other(tmp_path):
    """Over 40 seeds each of 20 items is among the 5 that are drawn 10 times, give or take 2.7."""
    template, counts = make_vectors(tmp_path, rows=20), [0] * 20
    for seed in range(40):
        folder = Path(shutil.copytree(template, tmp_path / str(seed)))
        settings = read_settings(folder).model_copy(update={"seed": seed})
        with Project(folder, settings, ProjectStore.open(folder / DATABASE)) as project:
            for item in draw_audit(project, 5):
                counts[item] += 1
    assert sum(counts) == 200
    assert min(counts) >= 1
    assert max(counts) <= 20
