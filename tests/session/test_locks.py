"""One holder at a time, named, and gone when its process is."""

import os
import platform
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import lindley
from lindley.errors import HeldError
from lindley.session import locks
from lindley.session.locks import FileLock, ProcessSlot, find_holder

HOLD = """
import sys
from pathlib import Path
from lindley.session.locks import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
BE_THERE = """
import sys
from pathlib import Path
from lindley.session.locks import ProcessSlot
with ProcessSlot(Path(sys.argv[1])):
    print("there", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys
from pathlib import Path
from lindley.session import locks
path = Path(sys.argv[1])
for _ in range(200):
    with locks.FileLock(path, timeout=60):
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


def test_a_second_process_is_refused_with_the_holder_named(held):
    path, process = held
    with pytest.raises(HeldError) as caught:
        FileLock(path, timeout=0.0)
    assert caught.value.holder == f"process {process.pid}"
    assert caught.value.path == path


def test_a_killed_holder_leaves_the_lock_free(held):
    path, process = held
    process.kill()
    process.wait()
    with FileLock(path):
        assert (path.with_name("file.holder")).read_text() == f"{os.getpid()} {platform.node()}\n"


def test_a_lock_excludes_within_a_process_too(tmp_path):
    with FileLock(tmp_path / "file"), pytest.raises(HeldError) as caught:
        FileLock(tmp_path / "file", timeout=0.0)
    assert caught.value.holder == f"process {os.getpid()}"


def test_the_holder_of_a_lock_is_known_without_taking_it(held):
    path, process = held
    assert find_holder(path) == f"process {process.pid}"
    process.kill()
    process.wait()
    assert find_holder(path) is None


def test_a_file_that_is_not_there_is_held_by_nobody_and_is_not_made(tmp_path):
    assert find_holder(tmp_path / "file") is None
    assert list(tmp_path.iterdir()) == []


def test_the_holder_of_a_lock_is_found_in_a_folder_that_is_only_read(held):
    path, process = held
    path.with_name("file.lock").chmod(0o400)
    assert find_holder(path) == f"process {process.pid}"


def test_a_holder_on_another_machine_is_named_with_it(held, monkeypatch):
    path, process = held
    monkeypatch.setattr(locks.platform, "node", lambda: "here")
    assert find_holder(path) == f"process {process.pid} on {platform_of(path)}"


def platform_of(path):
    return path.with_name("file.holder").read_text().split()[1]


def test_a_lock_can_bear_the_id_of_the_process_that_a_person_knows(tmp_path):
    with FileLock(tmp_path / "file", process=1):
        assert find_holder(tmp_path / "file") == "process 1"


def test_the_first_of_those_present_is_alone_and_again_when_they_have_gone(tmp_path):
    with ProcessSlot(tmp_path / "file") as first, ProcessSlot(tmp_path / "file") as second:
        assert (first.alone, second.alone) == (True, False)
    with ProcessSlot(tmp_path / "file") as third:
        assert third.alone


def test_each_of_those_present_keeps_its_own_file_while_others_come_and_go(tmp_path):
    path = tmp_path / "file"
    with ProcessSlot(path) as first:
        with ProcessSlot(path) as second, ProcessSlot(path) as third:
            pass
        with ProcessSlot(path) as fourth:
            assert [first.alone, second.alone, third.alone, fourth.alone] == [True, False, False, False]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "file.1", "file.2"]


def test_one_that_is_left_when_the_first_has_gone_is_still_seen(tmp_path):
    with ExitStack() as stack:
        with ProcessSlot(tmp_path / "file"):
            stack.enter_context(ProcessSlot(tmp_path / "file"))
        with ProcessSlot(tmp_path / "file") as later:
            assert not later.alone


def test_a_killed_process_is_present_no_more(tmp_path):
    with start(BE_THERE, tmp_path / "file") as process:
        process.stdout.readline()
        with ProcessSlot(tmp_path / "file") as beside:
            assert not beside.alone
        process.kill()
        process.wait()
        with ProcessSlot(tmp_path / "file") as after:
            assert after.alone


def test_the_lock_is_a_file_of_its_own_that_stays(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    numbers = set()
    for _ in range(3):
        with FileLock(path):
            assert path.read_bytes() == b"content"
            numbers.add((tmp_path / "file.lock").stat().st_ino)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "file.lock"]
    assert (len(numbers), path.read_bytes()) == (1, b"content")


def test_a_name_that_a_killed_holder_left_is_of_nobody_and_stays_out_of_the_way(tmp_path):
    with FileLock(tmp_path / "file"):
        pass
    (tmp_path / "file.holder").write_text(f"7 {platform.node()}\n")
    assert find_holder(tmp_path / "file") is None
    with FileLock(tmp_path / "file"):
        assert find_holder(tmp_path / "file") == f"process {os.getpid()}"


def test_no_module_imports_what_windows_does_not_have():
    posix = re.compile(r"^\s*(?:import|from) (fcntl|grp|posix|pty|pwd|resource|syslog|termios|tty)\b", re.MULTILINE)
    sources = sorted(Path(lindley.__file__).parent.rglob("*.py"))
    assert sources
    assert {path.name: found for path in sources if (found := posix.findall(path.read_text(encoding="utf-8")))} == {}


def test_a_lock_is_released_where_it_was_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with FileLock(Path("file")):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "file.lock"]


def test_two_processes_lose_no_update(tmp_path):
    path = tmp_path / "counter"
    path.write_text("0")
    with start(COUNT, path) as first, start(COUNT, path) as second:
        assert first.wait() == second.wait() == 0
    assert path.read_text() == "400"
