"""What MLflow's own client finds: one run a trial, each round once, and nothing sent elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from journal_fakes import experiment_table, make_study, rising, write_study

from lindley.session.events import Fitted
from lindley.session.state import read_state
from lindley.study import trials_of
from lindley.study.sinks.catalogue import open_sink

pytest.importorskip("mlflow")
pytest.importorskip("alembic")

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's, about what it uses

STUDY = make_study(experiment_table("digits", ["random"], seeds=2, max_labels=80))
TRIAL, OTHER = trials_of(STUDY)


@pytest.fixture(scope="module")
def rounds(tmp_path_factory) -> list[Fitted]:
    """The rounds of a finished trial."""
    out = write_study(tmp_path_factory.mktemp("out"), STUDY, accuracy=rising)
    return [each.fit for each in read_state(out / TRIAL.folder).rounds]


@pytest.fixture(scope="module")
def shown(rounds, tmp_path_factory) -> Path:
    """A folder after two runs: the first is stopped after two rounds, the second goes on."""
    out = tmp_path_factory.mktemp("run")
    assert show(out, rounds[:2], "stopped") == set()
    assert status(out) == "KILLED"
    assert show(out, rounds, "finished") == {20, 40}
    return out


def show(out: Path, rounds: list[Fitted], how: str) -> set[int]:
    sink = open_sink("mlflow", STUDY, out)
    known = set(sink.start_trial(TRIAL))
    for fit in rounds:
        if fit.labels not in known:
            sink.log_round(TRIAL, fit)
    sink.end_trial(TRIAL, how)
    return known


def client(out: Path):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")


def the_run(out: Path):
    found = client(out)
    (run,) = found.search_runs([found.get_experiment_by_name("made-up").experiment_id])
    return run


def status(out: Path) -> str:
    return the_run(out).info.status


def test_every_number_of_a_round_is_a_metric_at_its_number_of_labels_once(shown, rounds):
    history = client(shown).get_metric_history(the_run(shown).info.run_id, "accuracy")
    assert sorted(metric.step for metric in history) == [20, 40, 60, 80]
    expected = {fit.labels: fit.metrics["accuracy"] for fit in rounds}
    assert {metric.step: metric.value for metric in history} == pytest.approx(expected)
    assert the_run(shown).data.metrics["seconds/fit"] == pytest.approx(rounds[-1].seconds["fit"])


def test_a_trial_is_one_run_with_its_settings_its_key_and_how_it_ended(shown):
    run = the_run(shown)
    assert run.info.status == "FINISHED"
    assert run.data.tags["lindley.trial"] == TRIAL.key
    assert run.data.tags["mlflow.runName"] == "digits random seed 0"
    assert (run.data.params["seed"], run.data.params["model.num_draws"]) == ("0", "100")


def test_a_finished_trial_that_is_looked_at_again_is_left_as_it_is(shown, rounds):
    before = the_run(shown)
    assert show(shown, rounds, "finished") == {20, 40, 60, 80}
    assert the_run(shown).info.end_time == before.info.end_time


def test_trials_of_one_key_in_two_experiments_are_two_runs(tmp_path):
    study = make_study(*(experiment_table(name, ["random"], seeds=1) for name in ("one", "two")))
    first, second = trials_of(study)
    assert first.key == second.key
    sink = open_sink("mlflow", study, tmp_path)
    for trial in (first, second, first):
        sink.start_trial(trial)
    runs = client(tmp_path).search_runs(["1"])
    assert sorted(run.data.tags["lindley.experiment"] for run in runs) == ["one", "two"]


def test_everything_lies_in_the_output_folder(shown):
    assert {path.name for path in shown.iterdir()} <= {"mlflow.db", "mlflow-artifacts", "study.lock"}


def imported(check: str) -> list[str]:
    """The words that a fresh process prints, in which nothing is set of MLflow's switches."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DO_NOT_TRACK", "CI")}
    clean = {name: value for name, value in clean.items() if not name.startswith(("MLFLOW", "PYTEST"))}
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=clean)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_telemetry_is_off_before_mlflow_is_imported():
    check = """
import os
import lindley.study.sinks.mlflow_sink
from mlflow.telemetry.utils import is_telemetry_disabled
print(os.environ["MLFLOW_DISABLE_TELEMETRY"], is_telemetry_disabled())
"""
    assert imported(check) == ["true", "True"]


def test_a_server_that_never_answers_is_given_up_within_a_minute_or_so():
    check = """
import lindley.study.sinks.mlflow_sink
from mlflow import environment_variables as mlflow
print((1 + mlflow.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()) * mlflow.MLFLOW_HTTP_REQUEST_TIMEOUT.get())
"""
    assert imported(check) == ["40"]
