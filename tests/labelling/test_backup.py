"""Backups: whole, checked, and never outside their folder."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from text_projects import make_texts, write_texts

from lindley.errors import DataError, InputError
from lindley.labelling.backup import MANIFEST, back_up_project, restore_project
from lindley.labelling.project import Project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("backup")
    truth = write_texts(root / "texts.csv")
    with make_texts(root / "project", root / "texts.csv") as project:
        train = [item for item, stream in enumerate(project.store.streams()) if stream == "train"]
        project.tell({item: truth[item] for item in train[:12]}, person="ann")
        project.train()
    return root / "project"


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    with Project.open(folder) as opened:
        yield opened


@pytest.fixture
def backup(project: Project, tmp_path: Path) -> Path:
    back_up_project(project, tmp_path / "backup.zip")
    return tmp_path / "backup.zip"


def test_a_restored_project_says_predicts_and_learns_as_before(project: Project, backup: Path, tmp_path: Path) -> None:
    restore_project(backup, tmp_path / "again")
    with Project.open(tmp_path / "again") as again:
        assert list(again.store.events()) == list(project.store.events())
        assert list(again.store.entries()) == list(project.store.entries())
        assert again.model().predict(["it barks"]).tolist() == project.model().predict(["it barks"]).tolist()
        assert again.settings == project.settings
        again.tell({0: "dog"}, person="ann")
        assert again.train().number == 2


def test_two_backups_of_one_state_hold_the_same(project: Project, backup: Path, tmp_path: Path) -> None:
    back_up_project(project, tmp_path / "second.zip")
    with zipfile.ZipFile(backup) as one, zipfile.ZipFile(tmp_path / "second.zip") as two:
        assert json.loads(one.read(MANIFEST))["files"].keys() == json.loads(two.read(MANIFEST))["files"].keys()
        assert not [name for name in one.namelist() if "lock" in name or "log" in name]


def test_a_truncated_backup_is_refused_whole(backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    for length in [0, 1, 100, *range(len(content) // 40, len(content), len(content) // 40), len(content) - 1]:
        (tmp_path / "short.zip").write_bytes(content[:length])
        with pytest.raises(DataError):
            restore_project(tmp_path / "short.zip", tmp_path / "again")
        assert not (tmp_path / "again").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "short.zip"]


def tree(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_altered_backup_is_refused_or_gives_the_same_files(backup: Path, tmp_path: Path) -> None:
    """A flipped bit in what a zip says of times or systems changes nothing of the files."""
    restore_project(backup, tmp_path / "whole")
    content, known, refused = bytearray(backup.read_bytes()), tree(tmp_path / "whole"), 0
    places = range(0, len(content), max(1, len(content) // 60))
    for number, place in enumerate(places):
        content[place] ^= 1 << number % 8
        (tmp_path / "altered.zip").write_bytes(content)
        content[place] ^= 1 << number % 8
        target = tmp_path / f"again{number}"
        try:
            restore_project(tmp_path / "altered.zip", target)
        except DataError:
            refused += 1
            assert not target.exists()
        else:
            assert tree(target) == known
    assert refused > len(places) / 2


def forge(backup: Path, forged: Path, name: str, content: bytes = b"x", *, in_manifest: bool = True) -> None:
    """Write a copy of a backup with one more file, which its manifest names."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(forged, "w") as new:
        manifest = json.loads(old.read(MANIFEST))
        for each in old.namelist():
            if each != MANIFEST:
                new.writestr(each, old.read(each))
        if in_manifest:
            manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        new.writestr(name, content)
        new.writestr(MANIFEST, json.dumps(manifest))


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "models/../../outside",
        "/tmp/outside",
        "models\\..\\..\\outside",
        "C:/outside",
        "models//x",
        "./project.toml",
        "models/./x",
        "elsewhere/x",
        "notes.txt",
        "models",
        "models/a:b",
    ],
)
def test_nothing_is_ever_written_outside(backup: Path, tmp_path: Path, name: str) -> None:
    forge(backup, tmp_path / "forged.zip", name)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DataError):
        restore_project(tmp_path / "forged.zip", tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not (tmp_path.parent / "outside").exists()


def test_a_file_that_the_manifest_does_not_name_is_refused(backup: Path, tmp_path: Path) -> None:
    forge(backup, tmp_path / "forged.zip", "models/more", in_manifest=False)
    with pytest.raises(DataError):
        restore_project(tmp_path / "forged.zip", tmp_path / "again")


def test_a_file_that_is_larger_than_the_manifest_says_is_read_no_further(backup: Path, tmp_path: Path) -> None:
    forge(backup, tmp_path / "forged.zip", "models/bomb", b"\0" * 10)
    with zipfile.ZipFile(tmp_path / "forged.zip") as old, zipfile.ZipFile(tmp_path / "bomb.zip", "w", 8) as new:
        for each in old.namelist():
            new.writestr(each, b"\0" * 50_000_000 if each == "models/bomb" else old.read(each))
    with pytest.raises(DataError):
        restore_project(tmp_path / "bomb.zip", tmp_path / "again")


def test_nothing_is_restored_over_what_is_there(folder: Path, backup: Path, tmp_path: Path) -> None:
    before = tree(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for target in (folder, tmp_path / "full", tmp_path / "full" / "mine.txt"):
        with pytest.raises(InputError):
            restore_project(backup, target)
    assert tree(folder) == before


def test_an_empty_folder_is_taken(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    restore_project(backup, tmp_path / "empty")
    with Project.open(tmp_path / "empty") as again:
        assert again.num_items == 40


def test_a_backup_never_lies_in_the_project_itself(project: Project, folder: Path) -> None:
    with pytest.raises(InputError):
        back_up_project(project, folder / "backup.zip")
    assert not (folder / "backup.zip").exists()


def test_a_backup_while_people_label_holds_one_moment(tmp_path: Path) -> None:
    """Labels come in pairs, in one transaction each: a backup never holds half of one."""
    write_texts(tmp_path / "texts.csv")
    stop = threading.Event()
    with make_texts(tmp_path / "project", tmp_path / "texts.csv") as project:
        project.store.add_person("ann")

        def label() -> None:
            count = 0
            while not stop.is_set():
                project.tell({count % 40: "cat", (count + 1) % 40: "dog"}, person="ann")
                count += 2

        thread = threading.Thread(target=label)
        thread.start()
        try:
            for number in range(3):
                back_up_project(project, tmp_path / f"{number}.zip")
        finally:
            stop.set()
            thread.join()
    for number in range(3):
        restore_project(tmp_path / f"{number}.zip", tmp_path / f"again{number}")
        with Project.open(tmp_path / f"again{number}") as again:
            labels = [each for each in again.store.events() if each.kind == "label"]
            assert len(labels) % 2 == 0
