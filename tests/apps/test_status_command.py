"""`lindley status`: what is printed, and that it costs little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lindley.apps.cli import app
from lindley.apps.status_command import status_lines
from lindley.study.status import StudyStatus, TrialStatus


def trial(state: str, seed: int = 0, **more: object) -> TrialStatus:
    return TrialStatus("digits", "bald", seed, f"trials/digits/bald/seed-{seed}", state, **more)  # type: ignore[arg-type]


def lines(*trials: TrialStatus) -> list[str]:
    return list(status_lines(StudyStatus("digits", "Digits", trials), Path("runs/digits")))


def status(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["status", *map(str, arguments)])


def test_a_trial_under_way_is_one_line_with_its_holder():
    running = trial(
        "under way", rounds_done=2, rounds=10, labels=40, accuracy=0.5, seconds=20.0, holder="process 7 on box"
    )
    assert lines(running) == [
        "digits bald seed 0: round 3/10, 40 labels, accuracy 50.0 % (process 7 on box)",
        "0 of 1 trials finished, 20 s spent, about 80 s left.",
    ]


def test_a_failed_trial_is_named_with_its_error_and_how_to_go_on_is_said():
    failed = trial("failed", rounds=10, error="the loss became nan")
    waiting = trial("stopped", 1, rounds_done=1, rounds=10, seconds=10.0)
    assert lines(failed, waiting) == [
        "digits bald seed 0 failed: the loss became nan",
        "0 of 2 trials finished, 10 s spent, about 90 s left for one worker.",
        "No trial is under way. To continue: lindley run STUDY --out runs/digits",
    ]


def test_a_study_that_has_just_begun_promises_no_time():
    assert "time left unknown" in lines(trial("under way", rounds=10))[-1]


def test_a_finished_study_says_so():
    finished = [trial("finished", seed, rounds_done=10, rounds=10, seconds=3750.0) for seed in range(2)]
    assert lines(*finished) == ["Finished: all 2 trials, 2 h 05 min spent."]


def write_begun(folder: Path) -> Path:
    experiment = {
        "name": "digits",
        "title": "Digits",
        "seeds": 2,
        "data": {"name": "digits"},
        "model": {"network": "digits-mlp"},
        "schedule": {"initial_labels": 20, "batch_size": 10, "max_labels": 100},
        "acquisitions": {"bald": {}},
    }
    (folder / "study.json").write_text(json.dumps({"name": "digits", "title": "Digits", "experiments": [experiment]}))
    return folder


def test_json_holds_every_trial_by_experiment_and_acquisition(tmp_path):
    said = status(write_begun(tmp_path), "--json")
    assert said.exit_code == 0
    told = json.loads(said.output)
    assert (told["name"], told["trials"], told["not_started"], told["seconds_left"]) == ("digits", 2, 2, None)
    assert [(each["seed"], each["state"]) for each in told["experiments"]["digits"]["bald"]] == [
        (0, "not started"),
        (1, "not started"),
    ]


def test_a_folder_without_a_study_is_wrong_usage(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        said = status(folder)
        assert said.exit_code == 2
        assert str(folder) in said.output.replace("\n", "")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_it_needs_no_torch_and_writes_nothing(tmp_path, options):
    arguments = ["lindley", "status", str(write_begun(tmp_path)), *options]
    check = f"import sys; sys.argv = {arguments!r}; from lindley.apps.cli import main\n"
    check += "try:\n    main()\nfinally:\n    print({'torch', 'sklearn', 'matplotlib'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "set()"
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_what_is_piped_is_not_cut(tmp_path):
    name = f"my_package.{'long_' * 20}module:function"
    study = json.loads((write_begun(tmp_path) / "study.json").read_text())
    study["experiments"][0]["acquisitions"] = {name: {}}
    (tmp_path / "study.json").write_text(json.dumps(study))
    assert name in status(tmp_path).stdout
