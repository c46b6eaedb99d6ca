"""Precision "auto" is decided once and kept."""

import json

import pytest

from lindley.study.config import resolution as module
from lindley.study.config.resolution import resolve_study
from lindley.study.config.study_files import load_study
from lindley.study.running.runner import run_study

STUDY = """
title = "Auto"
seeds = 1
data = { name = "two-moons", options = { num_pool = 40, num_test = 30 } }
model = { network = "moons-mlp", num_draws = 3, precision = "auto" }
training = { steps = 3 }
schedule = { initial_labels = 4, batch_size = 3, max_labels = 7 }
acquisitions = { random = {} }
[[experiments]]
name = "open"
[[experiments]]
name = "said"
model = { precision = "float32" }
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "auto.toml").write_text(STUDY)
    return load_study(tmp_path / "auto.toml")


def decide(monkeypatch, precision):
    monkeypatch.setattr(module, "resolve_precision", lambda asked, device: precision)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_device_decides_what_is_left_open_and_nothing_else(study, tmp_path, monkeypatch, precision):
    decide(monkeypatch, precision)
    experiments = resolve_study(study, tmp_path / "out", device="cpu").experiments
    assert [experiment.model.precision for experiment in experiments] == [precision, "float32"]


def test_a_study_that_was_begun_keeps_its_precision_on_another_machine(study, tmp_path, monkeypatch):
    out = tmp_path / "out"
    decide(monkeypatch, "bfloat16")
    assert run_study(study, out, jobs=1).done == 2
    decide(monkeypatch, "float32")
    events = []
    assert run_study(study, out, jobs=1, on_progress=events.append).done == 2
    assert {event["stage"] for event in events} == {"complete"}  # the trials are the same: nothing was run
    kept = json.loads((out / "study.json").read_text())["experiments"]
    assert [experiment["model"]["precision"] for experiment in kept] == ["bfloat16", "float32"]
    manifests = [json.loads(path.read_text())["precision"] for path in sorted(out.glob("trials/*/*/*/manifest.json"))]
    assert manifests == ["bfloat16", "float32"]


def test_a_damaged_study_file_decides_nothing(study, tmp_path, monkeypatch):
    decide(monkeypatch, "float32")
    (tmp_path / "study.json").write_text("{")
    assert resolve_study(study, tmp_path, device="cpu").experiments[0].model.precision == "float32"
