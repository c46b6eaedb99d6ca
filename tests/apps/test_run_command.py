"""The commands, in this process: refusals, exit codes and messages."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from lindley.apps import run_command
from lindley.apps.cli import app
from lindley.errors import DataError, FitError
from lindley.study import load_study, trials_of


def lindley(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("command", ["run", "status", "report", "compare", "data", "select", "acquisitions"])
def test_help_has_an_example(command):
    said = lindley(command, "--help")
    assert said.exit_code == 0
    assert f"Example: lindley {command}" in said.output


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "demo", "--seeds", "0"], ["run", "demo", "--jobs", "two"], ["walk"], ["run", "--x"]]
)
def test_wrong_usage_is_exit_code_2(arguments):
    assert lindley(*arguments).exit_code == 2


def test_wrong_acquisition_is_refused_before_a_folder_is_made(tmp_path):
    said = lindley("run", "demo", "--acquisitions", "blad", "--out", tmp_path / "out")
    assert said.exit_code == 2
    assert '"bald"' in said.output
    assert not (tmp_path / "out").exists()


def test_study_file_that_is_not_toml_is_refused_with_its_line(tmp_path):
    (tmp_path / "odd.toml").write_text("seeds = 1\n[data\n")
    said = lindley("run", tmp_path / "odd.toml")
    assert said.exit_code == 2
    assert "odd.toml" in said.output
    assert "line 2" in said.output


def test_max_labels_below_the_start_is_refused(tmp_path):
    said = lindley("run", "digits", "--max-labels", "5", "--out", tmp_path)
    assert said.exit_code == 2
    assert "schedule.max_labels" in said.output


def test_folder_of_another_study_is_refused(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps({"name": "digits"}))
    said = lindley("run", "demo", "--out", tmp_path)
    assert said.exit_code == 2
    assert '"digits"' in said.output
    assert str(tmp_path) in said.output


def test_a_journal_that_cannot_be_read_fails_its_trial_alone(tmp_path):
    (trial,) = trials_of(load_study("digits", seeds=1, acquisitions=["random"]))
    (tmp_path / trial.folder / "journal.jsonl").mkdir(parents=True)
    said = lindley("run", "digits", "--seeds", 1, "--acquisitions", "random", "--out", tmp_path)
    assert said.exit_code == 1
    assert f"\n  {trial.folder}" in said.output


def test_data_from_outside_are_looked_for_before_anything_runs(tmp_path, monkeypatch):
    fetched = []

    def fetch(name, data_dir):
        fetched.append(name)
        if len(fetched) == 2:
            raise DataError("not here")

    monkeypatch.setattr(run_command.catalogue, "fetch", fetch)
    said = lindley("run", "fashion-outside", "--out", tmp_path)
    assert (said.exit_code, fetched) == (1, ["fashion-mnist", "mnist"])


def test_data_that_only_one_experiment_needs_fail_its_trials_alone(tmp_path, monkeypatch):
    (tmp_path / "two.toml").write_text(
        """
        seeds = 1
        data = { name = "two-moons", options = { num_pool = 40, num_test = 20 } }
        model = { posterior = "forest", num_draws = 4 }
        schedule = { initial_labels = 8, batch_size = 2, max_labels = 10 }
        acquisitions = { random = {} }
        [[experiments]]
        name = "moons"
        [[experiments]]
        name = "images"
        data = { name = "mnist", options = {} }
        """
    )
    images = tmp_path / "data" / "mnist"
    images.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (images / f"{name}-ubyte.gz").write_bytes(b"cut off")
    monkeypatch.setenv("LINDLEY_DATA", str(tmp_path / "data"))
    said = lindley("run", tmp_path / "two.toml", "--jobs", 1, "--out", tmp_path / "out")
    assert said.exit_code == 1
    assert "The trials that need mnist will fail" in said.output
    done = {path.parts[-4] for path in (tmp_path / "out").glob("trials/*/*/*/journal.jsonl")}
    assert "moons" in done
    assert (tmp_path / "out" / "report.html").exists()


def test_trials_of_other_settings_in_the_folder_are_reported_before_anything_runs(tmp_path):
    text = """
        seeds = 1
        data = { name = "two-moons", options = { num_pool = 40, num_test = 20 } }
        model = { posterior = "forest", num_draws = NUMBER }
        schedule = { initial_labels = 8, batch_size = 2, max_labels = 10 }
        acquisitions = { random = {} }
        """
    for number in (4, 5):
        (tmp_path / "mine.toml").write_text(text.replace("NUMBER", str(number)))
        said = lindley("run", tmp_path / "mine.toml", "--jobs", 1, "--out", tmp_path / "out")
        assert said.exit_code == 0
        warned = "the report will leave out (1)" in said.output
        assert warned == (number == 5)


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_folder_with_something_else_as_study_json_is_refused(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    said = lindley("run", "demo", "--out", tmp_path)
    assert said.exit_code == 2
    assert str(tmp_path / "study.json") in said.output


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to: /proc")
def test_read_only_folder_is_refused():
    said = lindley("run", "demo", "--out", "/proc/lindley")
    assert said.exit_code == 2
    assert "/proc/lindley" in said.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_write_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    said = lindley("run", "demo", "--out", tmp_path)
    assert said.exit_code == 2
    assert str(tmp_path) in said.output


@pytest.mark.parametrize("device", ["cuda", "gpu", "cpu:x", "meta"])
def test_device_that_is_not_here_is_refused(tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    said = lindley("run", "demo", "--device", device, "--out", tmp_path)
    assert said.exit_code == 2
    assert "device" in said.output
    assert device in said.output


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("the file is truncated"), 1, "lindley: the file is truncated"),
        (FitError("diverged at step 3"), 1, "lindley: diverged at step 3"),
        (OSError(28, "No space left on device", "runs/x"), 1, "lindley: runs/x: No space left on device"),
        (KeyboardInterrupt(), 130, "Interrupted. To continue: lindley"),
    ],
)
def test_error_is_one_message_and_an_exit_code(monkeypatch, tmp_path, error, code, said):
    def fail(folder: Path) -> Path:
        raise error

    monkeypatch.setattr(run_command, "write_report", fail)
    ran = lindley("report", tmp_path)
    assert ran.exit_code == code
    assert said in ran.output
    assert isinstance(ran.exception, SystemExit)


def test_report_of_no_folder_is_refused(tmp_path):
    said = lindley("report", tmp_path / "nothing")
    assert said.exit_code == 2
    assert str(tmp_path / "nothing") in said.output


def test_report_of_a_folder_without_a_study_is_refused(tmp_path):
    assert lindley("report", tmp_path).exit_code == 2


def test_data_lists_every_data_set(tmp_path, monkeypatch):
    monkeypatch.delenv("LINDLEY_DATA", raising=False)
    said = lindley("data", "--data-dir", tmp_path)
    assert said.exit_code == 0
    assert [name for name in run_command.catalogue.DATASETS if name not in said.output] == []


def test_data_in_the_box_are_there(tmp_path):
    said = lindley("data", "digits")
    assert said.exit_code == 0
    assert "digits: 1,198 rows" in said.output


def test_unknown_data_set_is_refused():
    said = lindley("data", "mnits")
    assert said.exit_code == 2
    assert '"mnist"' in said.output
