"""Studies in worker processes: what fails fails alone, what is stopped goes on, and jobs change nothing."""

import json
import shutil
import signal

import pytest
import torch

from lindley.errors import InputError
from lindley.session.failures import read_failure
from lindley.session.journal_file import read_events
from lindley.study.config.study_files import load_study
from lindley.study.running import worker_pool
from lindley.study.running.runner import run_study
from lindley.study.trials import trials_of

STUDY = """
title = "Small"
seeds = 1
data = { name = "two-moons", options = { num_pool = 60, num_test = 50 } }
model = { network = "moons-mlp", num_draws = 4 }
training = { steps = 3 }
schedule = { initial_labels = 4, batch_size = 3, max_labels = 10 }
acquisitions = { random = {}, bald = {} }
"""
DIVERGING = """
title = "Diverging"
seeds = 2
data = { name = "my_data:moons" }
model = { network = "moons-mlp", num_draws = 4 }
training = { steps = 3 }
schedule = { initial_labels = 4, batch_size = 3, max_labels = 10 }
acquisitions = { random = {} }
"""
DATA = """
from dataclasses import replace
from pathlib import Path
import torch
from lindley.datasets.moons import two_moons
from lindley.pools.memory import MemoryPool
from lindley.seeds import derive_seed
def moons(*, seed):
    data = replace(two_moons(seed=seed, num_pool=60, num_test=50), hashes={})
    if seed == derive_seed(1, "data") and not Path(__file__).with_name("repaired").exists():
        return replace(data, pool=MemoryPool(torch.full((60, 2), torch.inf)))
    return data
"""
EXPERIMENTS = """
[[experiments]]
name = "broken"
model = { network = "my_networks:broken" }
[[experiments]]
name = "deadly"
acquisitions = { random = {} }
model = { network = "my_networks:deadly" }
[[experiments]]
name = "good"
"""
NETWORKS = """
import os, signal
print("printing does not disturb anybody")
def broken(*, input_shape, num_classes):
    from my_neighbour import COMPLAINT
    raise ValueError(COMPLAINT + chr(27))
def deadly(*, input_shape, num_classes):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("device", ["cuda", "gpu", "cpu:x", "meta"])
def test_a_device_that_is_not_here_is_refused_before_anything_is_written(tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has it")
    (tmp_path / "small.toml").write_text(STUDY)
    with pytest.raises(InputError) as caught:
        run_study(load_study(tmp_path / "small.toml"), tmp_path / "out", device=device)
    assert (caught.value.argument, caught.value.got) == ("device", device)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The study, and the same with two experiments that fail."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "my_networks.py").write_text(NETWORKS)
    (folder / "my_neighbour.py").write_text('COMPLAINT = "no such layer"')
    (folder / "small.toml").write_text(STUDY + '[[experiments]]\nname = "good"\n')
    (folder / "mixed.toml").write_text(STUDY + EXPERIMENTS)
    return load_study(folder / "small.toml"), load_study(folder / "mixed.toml")


@pytest.fixture(scope="module")
def mixed(studies, tmp_path_factory):
    """A run of the study with failing experiments by two workers: (outcome, events, folder)."""
    out = tmp_path_factory.mktemp("mixed")
    events = []
    return run_study(studies[1], out, jobs=2, on_progress=events.append), events, out


@pytest.fixture(scope="module")
def single(studies, tmp_path_factory):
    """A run of the good experiment alone by one worker: (outcome, events, folder)."""
    out = tmp_path_factory.mktemp("single")
    events = []
    return run_study(studies[0], out, jobs=1, on_progress=events.append), events, out


def journals(out):
    """Every journal of the good experiment without its seconds."""
    return {
        path.relative_to(out): [event.model_copy(update={"seconds": {}}) for event in read_events(path.parent)]
        for path in (out / "trials" / "good").rglob("journal.jsonl")
    }


def failure(outcome, experiment):
    return {name: message for name, message in outcome.failed if f"/{experiment}/" in name}


def test_a_trial_that_fails_is_named_with_its_error_and_place_also_in_what_imports_a_neighbour_late(mixed):
    said = failure(mixed[0], "broken")
    assert len(said) == 2
    assert set(said.values()) == {"ValueError: no such layer\\x1b (my_networks.py, line 6)"}


def test_a_trial_that_kills_its_worker_is_begun_twice_and_then_named(mixed):
    outcome, events, _ = mixed
    said = failure(outcome, "deadly")
    assert len(said) == 1
    assert "SIGKILL" in next(iter(said.values()))
    stages = [event["stage"] for event in events if event["trial"] in said]
    assert stages == ["started", "fit", "retried", "started", "fit", "failed"]


def test_failures_are_recorded_in_the_folders_of_their_trials_and_nowhere_else(mixed, studies):
    outcome, _, out = mixed
    recorded = {trial.folder: read_failure(out / trial.folder) for trial in trials_of(studies[1])}
    assert {name: failure.message for name, failure in recorded.items() if failure} == dict(outcome.failed)


def test_the_other_trials_go_on(mixed):
    outcome, _, out = mixed
    assert outcome.done == 2
    assert not outcome.interrupted
    assert len(journals(out)) == 2


def test_two_workers_leave_the_journals_that_one_leaves(mixed, single):
    assert journals(mixed[2]) == journals(single[2])
    assert len(journals(single[2])) == 2


def test_each_trial_is_told_from_its_start_to_its_end(single, studies):
    outcome, events, _ = single
    assert (outcome.done, outcome.failed) == (2, [])
    first = trials_of(studies[0])[0].folder
    told = [event for event in events if event["trial"] == first]
    assert [event["stage"] for event in told][:4] == ["started", "fit", "select", "observe"]
    assert told[-1]["stage"] == "finished"
    assert [event["labels"] for event in told if event["stage"] == "round"] == [4, 7, 10]
    assert all(0 <= event["accuracy"] <= 1 for event in told if event["stage"] == "round")


def test_the_folder_holds_the_study_and_its_trials_only(single, studies):
    out = single[2]
    assert {path.name for path in out.iterdir()} == {"study.json", "study.lock", "running.lock", "trials"}
    assert json.loads((out / "study.json").read_text()) == studies[0].model_dump(mode="json")
    for trial in trials_of(studies[0]):
        names = {path.name for path in (out / trial.folder).iterdir()}
        assert names == {"manifest.json", "journal.jsonl", "journal.jsonl.lock"}


def test_manifests_name_the_trial_and_its_conditions_but_no_path(single, studies):
    trial = trials_of(studies[0])[0]
    text = (single[2] / trial.folder / "manifest.json").read_text()
    manifest = json.loads(text)
    assert manifest["key"] == trial.key
    assert manifest["semantic"] == trial.key_settings()
    assert (manifest["device"], manifest["threads"], manifest["precision"]) == ("cpu", 1, "float32")
    assert (manifest["num_rows"], manifest["num_test"], len(manifest["class_names"])) == (60, 50, 2)
    assert str(single[2]) not in text


def test_a_finished_study_starts_no_worker(single, studies, monkeypatch):
    monkeypatch.setattr(worker_pool, "Worker", None)
    events = []
    outcome = run_study(studies[0], single[2], on_progress=events.append)
    assert outcome.done == 2
    assert events == [{"trial": trial.folder, "stage": "complete"} for trial in trials_of(studies[0])]


@pytest.mark.parametrize(
    ("name", "said"), [("journal.jsonl", "line 1 is damaged"), ("manifest.json", "is not a manifest of format 1")]
)
def test_a_damaged_file_fails_its_trial_alone(studies, single, tmp_path, monkeypatch, name, said):
    monkeypatch.setattr(worker_pool, "Worker", None)
    first, second = trials_of(studies[0])
    for trial in (first, second):
        shutil.copytree(single[2] / trial.folder, tmp_path / trial.folder)
    (tmp_path / first.folder / name).write_bytes(b"{}\n")
    outcome = run_study(studies[0], tmp_path)
    assert outcome.done == 1
    assert [name for name, _ in outcome.failed] == [first.folder]
    assert said in outcome.failed[0][1]


def test_a_trial_that_diverges_fails_alone_and_is_run_by_the_same_call_when_that_is_repaired(tmp_path):
    (tmp_path / "my_data.py").write_text(DATA)
    (tmp_path / "diverging.toml").write_text(DIVERGING)
    study = load_study(tmp_path / "diverging.toml")
    _, bad = trials_of(study)
    outcome = run_study(study, tmp_path / "out", jobs=1)
    assert outcome.done == 1
    assert [(name, "the loss became nan" in message) for name, message in outcome.failed] == [(bad.folder, True)]
    assert read_failure(tmp_path / "out" / bad.folder).message == outcome.failed[0][1]
    (tmp_path / "repaired").touch()
    events = []
    again = run_study(study, tmp_path / "out", jobs=1, on_progress=events.append)
    assert (again.done, again.failed) == (2, [])
    assert {event["trial"] for event in events if event["stage"] == "started"} == {bad.folder}
    assert read_failure(tmp_path / "out" / bad.folder) is None
    never_failed = run_study(study, tmp_path / "other", jobs=1)
    assert never_failed.done == 2
    assert manifests(tmp_path / "out") == manifests(tmp_path / "other")


def manifests(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("manifest.json")}


def test_ctrl_c_stops_the_workers_and_leaves_a_study_that_goes_on(studies, single, tmp_path, monkeypatch):
    started = []

    class Watched(worker_pool.Worker):
        def __init__(self, *args):
            super().__init__(*args)
            started.append(self._process)

    def interrupt(event):
        if event["stage"] == "round":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(worker_pool, "Worker", Watched)
    outcome = run_study(studies[0], tmp_path, jobs=1, on_progress=interrupt)
    assert outcome.interrupted
    assert [process.returncode for process in started] == [-signal.SIGKILL]
    assert not run_study(studies[0], tmp_path, jobs=1).failed
    assert journals(tmp_path) == journals(single[2])


def test_a_file_as_output_folder_is_refused(studies, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        run_study(studies[0], tmp_path / "file")
    assert (caught.value.argument, caught.value.got) == ("out", tmp_path / "file")


def test_a_folder_of_another_study_is_refused_and_keeps_it(studies, tmp_path):
    (tmp_path / "study.json").write_text('{"name": "another"}')
    with pytest.raises(InputError) as caught:
        run_study(studies[0], tmp_path)
    assert (caught.value.argument, caught.value.got) == ("out", tmp_path)
    assert (tmp_path / "study.json").read_text() == '{"name": "another"}'


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(studies, tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError) as caught:
        run_study(studies[0], tmp_path)
    assert (caught.value.argument, caught.value.got) == ("out", tmp_path)


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"threads": 0}])
def test_no_jobs_or_threads_are_refused(studies, tmp_path, wrong):
    with pytest.raises(InputError) as caught:
        run_study(studies[0], tmp_path, **wrong)
    assert {caught.value.argument: caught.value.got} == wrong
