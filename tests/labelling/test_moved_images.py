"""Images whose folder was moved: they are missed, and found again by their content."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lindley.labelling.initialise import Additions, add_source, make_project
from lindley.labelling.moved_images import missing_images
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

NAMES = ["a/0.png", "a/1.png", "b/0.png", "b/copy of a 0.png", "c.png"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    generator = np.random.default_rng(0)
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(folder / name)
    shutil.copyfile(folder / NAMES[0], folder / NAMES[3])
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def project(tmp_path: Path, old: Path) -> Iterator[Project]:
    make_project(tmp_path / "project", open_source(old), ["cat", "dog"], ProjectSettings(kind="images"))
    with Project.open(tmp_path / "project") as project:
        yield project


def add(project: Project, folder: Path) -> Additions:
    return add_source(project, open_source(folder))


def entries(project: Project) -> list[tuple[str, int | None]]:
    return sorted((each.place, each.item) for each in project.store.entries())  # type: ignore[type-var]


def test_a_folder_that_is_gone_is_named_with_the_remedy(project: Project, old: Path, tmp_path: Path) -> None:
    assert missing_images(project) == []
    (old / "c.png").unlink()
    (one,) = missing_images(project)
    assert str(old / "c.png") in one
    old.rename(tmp_path / "new")
    (gone,) = missing_images(project)
    for text in (str(old), "4 images", f"lindley add {project.folder}"):
        assert text in gone


def test_images_that_were_moved_are_found_again_and_nothing_doubles(
    project: Project, old: Path, tmp_path: Path
) -> None:
    before = entries(project)
    new = old.rename(tmp_path / "new")
    found = add(project, new)
    assert (found.num_found_again, found.num_new, found.duplicates) == (4, 0, [])
    assert entries(project) == before
    assert all(project.image_path(each).is_file() for each in project.store.items())
    assert missing_images(project) == []


def test_images_that_were_renamed_have_their_new_places(project: Project, old: Path, tmp_path: Path) -> None:
    old.rename(tmp_path / "new")
    new = (tmp_path / "new").rename(tmp_path / "newer")
    for place, name in enumerate(NAMES):
        (new / name).rename(new / f"{place}.png")
    add(project, new)
    assert [place for place, item in entries(project) if item is not None] == [f"{n}.png" for n in range(5)]
    assert {project.image_path(each).name for each in project.store.items()} <= {f"{n}.png" for n in range(5)}
    assert missing_images(project) == []


def test_copies_of_images_that_are_there_stay_copies(project: Project, old: Path, tmp_path: Path) -> None:
    shutil.copytree(old, tmp_path / "copy")
    (old / "c.png").unlink()
    found = add(project, tmp_path / "copy")
    assert (found.num_found_again, len(found.duplicates), found.num_new) == (1, 4, 0)
    assert {each.source for each in project.store.items()} == {str(old), str(tmp_path / "copy")}
    assert missing_images(project) == []


def test_a_part_of_the_images_is_found_and_more_come(project: Project, old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(old / "a", new)
    Image.new("RGB", (9, 9), "red").save(new / "fresh.png")
    shutil.rmtree(old)
    found = add(project, new)
    assert (found.num_found_again, found.num_new) == (2, 1)
    (gone,) = missing_images(project)
    assert "2 images" in gone


def test_the_same_folder_again_adds_no_entry_and_what_is_new_in_it_one(project: Project, old: Path) -> None:
    before = entries(project)
    found = add(project, old)
    assert (found.num_known, found.num_new, found.duplicates) == (len(NAMES), 0, [])
    assert entries(project) == before
    Image.new("RGB", (12, 12)).save(old / "d.png")
    (old / "more.txt").write_text("no image")
    found = add(project, old)
    assert (found.num_known, found.num_new, found.duplicates) == (len(NAMES), 1, [])
    assert entries(project) == sorted([*before, ("d.png", 4), ("more.txt", None)], key=str)


def test_a_copy_in_another_folder_is_an_entry_of_its_own(project: Project, old: Path, tmp_path: Path) -> None:
    before = entries(project)
    (tmp_path / "new").mkdir()
    shutil.copyfile(old / "c.png", tmp_path / "new" / "c.png")
    found = add(project, tmp_path / "new")
    assert (found.num_known, len(found.duplicates)) == (0, 1)
    assert len(entries(project)) == len(before) + 1
