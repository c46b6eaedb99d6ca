"""One holder at a time, named, and gone when its process is."""

import os
import subprocess
import sys

import pytest

from lindley.errors import JournalError
from lindley.loop import locks
from lindley.loop.locks import FileLock

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
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0)
    with pytest.raises(JournalError, match=f"in use by process {process.pid}"):
        FileLock(path)


def test_a_killed_holder_leaves_the_lock_free(held):
    path, process = held
    process.kill()
    process.wait()
    with FileLock(path):
        assert (path.with_name("file.holder")).read_text() == f"{os.getpid()}\n"


def test_a_lock_excludes_within_a_process_too(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0)
    with FileLock(tmp_path / "file"), pytest.raises(JournalError, match=str(os.getpid())):
        FileLock(tmp_path / "file")


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
