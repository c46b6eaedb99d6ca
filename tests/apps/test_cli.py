"""The command in a process of its own: exit codes, one clear message, no traceback."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIMEOUT = 600
"""Seconds until a process that hangs is given up, also on a machine that is busy with other things."""
TINY = """
seeds = 1

[data]
name = "two-moons"
options = { num_pool = 60, num_test = 40 }

[model]
network = "moons-mlp"
num_draws = 4

[training]
steps = 5

[schedule]
initial_labels = 10
batch_size = 5
max_labels = 20

[acquisitions]
random = {}
bald = {}
"""


def environment(folder: Path) -> dict[str, str]:
    """No data, an empty cache, and a network that refuses at once."""
    kept = {key: value for key, value in os.environ.items() if key not in ("LINDLEY_DATA", "NO_PROXY", "no_proxy")}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return {**kept, **nowhere, "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}


def lindley(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lindley", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment(folder), timeout=TIMEOUT)


def assert_refused(ran: subprocess.CompletedProcess[str], code: int, *names: str) -> None:
    assert ran.returncode == code, ran.stderr
    assert [name for name in names if name not in ran.stderr] == []
    assert "Traceback" not in ran.stdout + ran.stderr


def tiny(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in TINY
    path = folder / "tiny.toml"
    path.write_text(TINY.replace(old, new) if old else TINY)
    return path


def test_run_ends_with_the_report_and_the_same_command_runs_nothing(tmp_path):
    study = tiny(tmp_path)
    first = lindley(tmp_path, "run", study, "--jobs", 2)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == "runs/tiny/report.html"
    assert (tmp_path / "runs/tiny/report.html").is_file()
    assert "[2/2]" in first.stdout
    journals = {path: path.read_bytes() for path in tmp_path.rglob("journal.jsonl")}
    again = lindley(tmp_path, "run", study)
    assert again.returncode == 0, again.stderr
    assert "nothing to run" in again.stdout
    assert again.stdout.splitlines()[-1] == "runs/tiny/report.html"
    assert len(journals) == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("journal.jsonl")} == journals


def interrupt_all(process: subprocess.Popen[str]) -> None:
    """Interrupt the process and its workers, as Ctrl-C in a terminal does."""
    os.killpg(process.pid, signal.SIGINT)


def terminate_all(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.parametrize("stop", [interrupt_all, subprocess.Popen.terminate, terminate_all])
def test_an_interrupted_run_prints_the_command_that_continues_it(tmp_path, stop):
    study = tiny(tmp_path, "steps = 5", "steps = 300")
    command = [sys.executable, "-m", "lindley", "run", str(study), "--max-labels", "60", "--jobs", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), start_new_session=True, **pipes) as running:
        while running.poll() is None and not has_a_round(tmp_path):
            time.sleep(0.02)  # waits for a state, not for a time: the journal's first round
        stop(running)
        stdout, stderr = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 130, stdout + stderr
    assert f"To continue: lindley run {study} --max-labels 60 --jobs 1" in stderr
    assert "Traceback" not in stdout + stderr
    shorter = lindley(tmp_path, "run", study, "--max-labels", 15)
    assert shorter.returncode == 0, shorter.stderr


def has_a_round(folder: Path) -> bool:
    return any('"event":"fitted"' in path.read_text() for path in folder.rglob("journal.jsonl"))


def test_unknown_study_is_refused_with_the_packaged_ones(tmp_path):
    assert_refused(
        lindley(tmp_path, "run", "minst"),
        2,
        "batch, batchbald-cnn, batchbald-mnist, demo, digits",
        '"mnist"?',
    )


def test_misspelt_key_and_wrong_value_are_refused_before_anything_runs(tmp_path):
    study = tiny(tmp_path, "batch_size = 5", "batch_sise = 5\ncandidate = 0")
    assert_refused(lindley(tmp_path, "run", study), 2, "tiny.toml", "schedule.batch_sise", "schedule.candidate ")
    assert_refused(lindley(tmp_path, "run", tiny(tmp_path, "steps = 5", "steps = 0")), 2, "training.steps", "got 0")
    assert not (tmp_path / "runs").exists()


def test_output_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    ran = lindley(tmp_path, "run", tiny(tmp_path), "--out", "taken")
    assert_refused(ran, 2, "taken")


def test_without_data_and_network_one_message_says_where_to_put_them(tmp_path):
    (tmp_path / "empty").mkdir()
    ran = lindley(tmp_path, "run", "mnist", "--data-dir", "empty")
    assert_refused(ran, 1, "mnist/train-images-idx3-ubyte.gz", "--data-dir", "LINDLEY_DATA")
    assert ran.stderr.count("lindley: ") == 1
    assert list(tmp_path.rglob("journal.jsonl")) == []


def test_truncated_file_is_named(tmp_path):
    path = tmp_path / "data" / "mnist" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(os.urandom(5000))[:3000])
    ran = lindley(tmp_path, "run", "mnist", "--data-dir", "data")
    assert_refused(ran, 1, "data/mnist/train-images-idx3-ubyte.gz")


def test_failed_trials_are_one_message_for_each_cause(tmp_path):
    study = tiny(tmp_path, "random = {}", '"nowhere:mine" = {}\n"nowhere:other" = {}')
    ran = lindley(tmp_path, "run", study)
    assert_refused(ran, 1, "'nowhere'", "trials/tiny/nowhere--mine/seed-0-")
    assert ran.stdout.splitlines()[-1] == "runs/tiny/report.html"


def test_help_and_version_need_nothing_heavy(tmp_path):
    check = "import sys; sys.argv = ['lindley', '--help']; from lindley.apps.cli import main\n"
    check += "try:\n    main()\nfinally:\n    print({'torch', 'numpy', 'pydantic'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1] == "set()"
    version = lindley(tmp_path, "--version")
    assert (version.returncode, version.stdout.split()[0]) == (0, "lindley")


def test_the_help_begins_with_labelling_and_cuts_no_summary(tmp_path):
    shown = lindley(tmp_path, "--help").stdout
    assert shown.index("\n  init ") < shown.index("\n  class ") < shown.index("\n  run ")
    assert "..." not in shown.partition("Options:")[2]


def test_without_a_command_the_help_is_printed_to_stdout(tmp_path):
    ran = lindley(tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == lindley(tmp_path, "--help").stdout
