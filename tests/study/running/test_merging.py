"""Trials that were run on several machines and copied into one folder are the trials of one run."""

import csv
import shutil

import pytest

from lindley.study.config.study_files import load_study
from lindley.study.report.writer import write_report
from lindley.study.running import worker_pool
from lindley.study.running.runner import run_study

STUDY = """
title = "Merged"
seeds = {seeds}
first_seed = {first_seed}
data = {{ name = "two-moons", options = {{ num_pool = 60, num_test = 50 }} }}
model = {{ network = "moons-mlp", num_draws = 4 }}
training = {{ steps = 5 }}
schedule = {{ initial_labels = 4, batch_size = 3, max_labels = 13 }}
acquisitions = {{ random = {{}}, bald = {{}} }}
"""


def study(folder, *, seeds, first_seed):
    path = folder / "merged.toml"
    path.write_text(STUDY.format(seeds=seeds, first_seed=first_seed))
    return load_study(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(the whole study, the folder of one run of it, that of both halves copied together)"""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        assert run_study(study(folder, seeds=1, first_seed=seed), folder / f"half-{seed}", jobs=1).done == 2
        shutil.copytree(folder / f"half-{seed}" / "trials", folder / "merged" / "trials", dirs_exist_ok=True)
    whole = study(folder, seeds=2, first_seed=0)
    assert run_study(whole, folder / "whole", jobs=1).done == 4
    shutil.copy(folder / "whole" / "study.json", folder / "merged")
    return whole, folder / "whole", folder / "merged"


def test_a_run_into_the_merged_folder_runs_nothing(runs, monkeypatch):
    monkeypatch.setattr(worker_pool, "Worker", None)  # there is none to call
    outcome = run_study(runs[0], runs[2])
    assert (outcome.done, outcome.failed) == (4, [])


def test_the_report_of_the_merged_folder_has_the_tables_of_one_run(runs):
    whole, merged = (tables(out) for out in runs[1:])
    assert whole.keys() == merged.keys()
    assert len(whole["rounds.csv"]) == 4 * 4
    for name, rows in whole.items():
        assert merged[name] == rows, name


def tables(out):
    """Every table of the report, without seconds."""
    write_report(out)
    found = {}
    for path in (out / "tables").glob("*.csv"):
        if not path.name.startswith("seconds"):
            with path.open(newline="") as file:
                found[path.name] = [
                    {key: value for key, value in row.items() if not key.endswith("_s")} for row in csv.DictReader(file)
                ]
    return found
