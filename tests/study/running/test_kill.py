"""A study killed at random moments equals one never killed, bit for bit but for its seconds.

It is killed 6 times, and 20 times where LINDLEY_FUZZ is 2000: each start of a runner and its worker takes seconds.
"""

import os
import random
import signal
import subprocess
import sys

import pytest
import torch

from lindley.session.journal_file import read_events
from lindley.study.config.study_files import load_study
from lindley.study.running.runner import run_study

STUDY = """
title = "Killed"
seeds = 1
data = { name = "digits" }
model = { network = "digits-mlp", num_draws = 5 }
training = { steps = 10 }
schedule = { initial_labels = 10, batch_size = 5, max_labels = 70 }
acquisitions = { bald = {}, batchbald = {} }

[[experiments]]
name = "digits"
observe = { information = { acquisition = "bald", labels = [10, 30], picks = 6 } }

[[experiments]]
name = "moons"
data = { name = "two-moons", options = { num_pool = 80, num_test = 60 } }
model = { network = "moons-mlp" }
observe = { grid = true }
"""
RUN = """
import sys
from pathlib import Path
from lindley.study.running.runner import run_study
from lindley.study.config.schema import Study

study = Study.model_validate_json(Path(sys.argv[1]).read_text())
outcome = run_study(
    study, Path(sys.argv[2]), jobs=1, device=sys.argv[3], on_progress=lambda event: print(event["stage"], flush=True)
)
print(outcome)
sys.exit(0 if outcome.done == 4 and not outcome.failed else 1)
"""
KILLS = max(6, int(os.environ.get("LINDLEY_FUZZ", "0")) // 100)
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that CUDA can use")


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def device(request):
    return request.param


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory, device):
    """The folder of the study, left alone, beside its file."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "killed.toml").write_text(STUDY)
    study = load_study(folder / "killed.toml")
    outcome = run_study(study, folder / "whole", jobs=1, device=device)
    assert (outcome.done, outcome.failed) == (4, [])
    (folder / "study.json").write_text(study.model_dump_json())
    return folder / "whole"


@pytest.fixture
def start(never_killed, tmp_path, device):
    """What starts the study in a process of its own, each time in the same folder."""
    study, killed = never_killed.with_name("study.json"), tmp_path / "killed"
    command = [sys.executable, "-c", RUN, str(study), str(killed), device]
    return lambda: subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def kill_at_random(process, moment, *, whole_group):
    """SIGKILL to the runner and its workers, or to the runner alone, which must take its workers with it."""
    for _ in range(moment.randrange(7)):
        process.stdout.readline()
    try:
        process.wait(moment.uniform(0, 0.1))
    except subprocess.TimeoutExpired:
        os.kill(-process.pid if whole_group else process.pid, signal.SIGKILL)
    process.wait()


def contents(out):
    """Every file below the folder; of a journal, its events without their seconds.

    Not the locks, of which several processes leave more than one, nor the names of holders: one that was killed as it
    looked at a finished trial leaves its name, but no lock.
    """
    return {
        path.relative_to(out).as_posix(): (
            [event.model_copy(update={"seconds": {}}) for event in read_events(path.parent)]
            if path.name == "journal.jsonl"
            else path.read_bytes()
        )
        for path in out.rglob("*")
        if path.is_file() and path.suffix != ".holder" and ".lock" not in path.suffixes
    }


def assert_equal(folder, other):
    killed, whole = contents(folder), contents(other)
    assert killed.keys() == whole.keys()
    for name, content in whole.items():
        assert killed[name] == content, name


@pytest.mark.slow
def test_a_study_killed_at_random_moments_equals_one_never_killed(never_killed, start, tmp_path):
    moment = random.Random()  # other moments each time: the claim is about all of them
    for number in range(KILLS):
        with start() as process:
            kill_at_random(process, moment, whole_group=number % 2 == 0)
            assert process.returncode == -signal.SIGKILL, "the study ended before it was killed so often"
    with start() as process:
        said = process.stdout.read()
    assert process.returncode == 0, said
    assert_equal(tmp_path / "killed", never_killed)


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_again_and_again_leave_what_one_leaves(never_killed, start, tmp_path):
    moment = random.Random()
    with start() as survivor:
        while survivor.poll() is None:
            with start() as process:
                kill_at_random(process, moment, whole_group=moment.random() < 0.5)
        assert survivor.returncode == 0, survivor.stdout.read()
    assert_equal(tmp_path / "killed", never_killed)
