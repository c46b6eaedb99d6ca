"""Two processes on one study: each takes what the other does not hold, none is run twice, a killed one is replaced."""

import json
import os
import signal
import subprocess
import sys

import pytest

from lindley.session.journal_file import read_events
from lindley.study.config.study_files import load_study
from lindley.study.running.runner import run_study
from lindley.study.trials import trials_of

STUDY = """
title = "Shared"
seeds = 3
data = { name = "two-moons", options = { num_pool = 80, num_test = 60 } }
model = { network = "moons-mlp", num_draws = 4 }
training = { steps = 20 }
schedule = { initial_labels = 5, batch_size = 3, max_labels = 32 }
acquisitions = { random = {}, bald = {} }
"""
NUM_TRIALS = 6
RUN = """
import json, sys
from pathlib import Path
from lindley.study.running.runner import run_study
from lindley.study.config.schema import Study

study = Study.model_validate_json(Path(sys.argv[1]).read_text())
outcome = run_study(study, Path(sys.argv[2]), jobs=1, on_progress=lambda event: print(json.dumps(event), flush=True))
sys.exit(0 if outcome.done == 6 and not outcome.failed else 1)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(the study, its file, the journals of a run by one process)"""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "shared.toml").write_text(STUDY)
    study = load_study(folder / "shared.toml")
    (folder / "study.json").write_text(study.model_dump_json())
    assert run_study(study, folder / "alone", jobs=1).done == NUM_TRIALS
    return study, folder / "study.json", journals(folder / "alone")


def start(study, out):
    command = [sys.executable, "-c", RUN, str(study), str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def events(process):
    return (json.loads(line) for line in process.stdout)


def journals(out):
    """Every journal without its seconds."""
    return {
        path.relative_to(out): [event.model_copy(update={"seconds": {}}) for event in read_events(path.parent)]
        for path in out.rglob("journal.jsonl")
    }


def rounds_run(heard):
    return [(event["trial"], event["round"]) for event in heard if event["stage"] == "round"]


def test_two_processes_share_the_trials_and_run_none_twice(study, tmp_path):
    with start(study[1], tmp_path) as first, start(study[1], tmp_path) as second:
        heard_first = list(events(first))  # the other's output is small enough for its pipe
        heard_second = list(events(second))
    assert (first.returncode, second.returncode) == (0, 0)
    by_first, by_second = rounds_run(heard_first), rounds_run(heard_second)
    assert len(by_first + by_second) == len(set(by_first + by_second)) == NUM_TRIALS * 10
    assert {trial for trial, _ in by_first}.isdisjoint(trial for trial, _ in by_second)
    assert journals(tmp_path) == study[2]
    assert list(tmp_path.rglob("*.holder")) == []


@pytest.mark.parametrize("whole_group", [True, False])
def test_what_a_killed_process_held_is_taken_over_by_the_other(study, tmp_path, whole_group):
    with start(study[1], tmp_path) as first, start(study[1], tmp_path) as second:
        for event in events(first):
            if event["stage"] == "round" and event["round"] == 2:
                break
        held = event["trial"]
        os.kill(-first.pid if whole_group else first.pid, signal.SIGKILL)
        heard = list(events(second))
    assert second.returncode == 0
    assert [round for trial, round in rounds_run(heard) if trial == held][-1] == 9
    assert journals(tmp_path) == study[2]


def test_one_that_has_nothing_left_to_run_waits_for_the_other_and_ends_with_it(study, tmp_path):
    one, out = study[0].model_copy(update={"experiments": (one_trial(study[0]),)}), tmp_path / "out"
    (tmp_path / "one.json").write_text(one.model_dump_json())
    with start(tmp_path / "one.json", out) as first:
        for event in events(first):
            if event["stage"] == "round":
                break
        heard = []
        outcome = run_study(one, out, jobs=1, on_progress=heard.append)
        first.stdout.read()
    assert (outcome.done, outcome.failed) == (1, [])
    assert {event["stage"] for event in heard} == {"held", "complete"}
    assert heard[0]["holder"] == f"process {first.pid}"
    assert heard[-1] == {"trial": trials_of(one)[0].folder, "stage": "complete"}


def one_trial(study):
    """The experiment with a single trial that takes a while."""
    experiment = study.experiments[0]
    training = experiment.training.model_copy(update={"steps": 100})
    return experiment.model_copy(update={"seeds": 1, "acquisitions": {"random": {}}, "training": training})
