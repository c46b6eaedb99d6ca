"""One holder at a time, named, and gone when its process is."""

import os
import platform
import subprocess
import sys

import pytest

from lindley.errors import HeldError
from lindley.loop import locks
from lindley.loop.locks import FileLock, Presence, holder_of

HOLD = """
import sys
from pathlib import Path
from lindley.loop.locks import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys
from pathlib import Path
from lindley.loop import locks
locks._PATIENCE_SECONDS = 60
path = Path(sys.argv[1])
for _ in range(200):
    with locks.FileLock(path):
        path.write_text(str(int(path.read_text()) + 1))
"""


def start(script, path):
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def held(tmp_path):
    """A lock that another process holds."""
    with start(HOLD, tmp_path / "file") as process:
        process.stdout.readline()
        yield tmp_path / "file", process
        process.kill()


def test_a_second_process_is_refused_with_the_holder_named(held, monkeypatch):
    path, process = held
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(HeldError, match=f"in use by process {process.pid}"):
        FileLock(path)


def test_a_killed_holder_leaves_the_lock_free(held):
    path, process = held
    process.kill()
    process.wait()
    with FileLock(path):
        assert (path.with_name("file.holder")).read_text() == f"{os.getpid()} {platform.node()}\n"


def test_a_lock_excludes_within_a_process_too(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.0)
    with FileLock(tmp_path / "file"), pytest.raises(HeldError, match=str(os.getpid())):
        FileLock(tmp_path / "file")


def test_the_holder_of_a_lock_is_known_without_taking_it(held):
    path, process = held
    assert holder_of(path) == f"process {process.pid}"
    process.kill()
    process.wait()
    assert holder_of(path) is None


def test_a_file_that_is_not_there_is_held_by_nobody_and_is_not_made(tmp_path):
    assert holder_of(tmp_path / "file") is None
    assert list(tmp_path.iterdir()) == []


def test_a_lock_can_be_asked_for_in_a_folder_that_is_only_read(held):
    path, process = held
    path.chmod(0o400)
    assert holder_of(path) == f"process {process.pid}"


def test_a_holder_on_another_machine_is_named_with_it(held, monkeypatch):
    path, process = held
    monkeypatch.setattr(locks.platform, "node", lambda: "here")
    assert holder_of(path) == f"process {process.pid} on {platform_of(path)}"


def platform_of(path):
    return path.with_name("file.holder").read_text().split()[1]


def test_a_lock_can_bear_the_id_of_the_process_that_a_person_knows(tmp_path):
    with FileLock(tmp_path / "file", process=1):
        assert holder_of(tmp_path / "file") == "process 1"


def test_the_first_of_those_present_is_alone_and_again_when_they_have_gone(tmp_path):
    with Presence(tmp_path / "file") as first, Presence(tmp_path / "file") as second:
        assert (first.alone, second.alone) == (True, False)
    with Presence(tmp_path / "file") as third:
        assert third.alone


def test_releasing_leaves_only_the_file(tmp_path):
    for _ in range(2):
        with FileLock(tmp_path / "file"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_processes_lose_no_update(tmp_path):
    path = tmp_path / "counter"
    path.write_text("0")
    with start(COUNT, path) as first, start(COUNT, path) as second:
        assert first.wait() == second.wait() == 0
    assert path.read_text() == "400"
