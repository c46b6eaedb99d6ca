"""MLflow (extra `mlflow`): a run for each trial, with the number of labels as the step. It reports to nobody else."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any, final

for _switch in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ.setdefault(_switch, "true")  # read when mlflow is imported
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
for _limit, _value in (("MAX_RETRIES", "3"), ("TIMEOUT", "10")):  # a server that is gone costs a minute, not nine
    os.environ.setdefault(f"MLFLOW_HTTP_REQUEST_{_limit}", _value)

from mlflow.entities import Metric, Param, Run  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

from lindley.session.events import Fitted  # noqa: E402
from lindley.study.config.schema import Study  # noqa: E402
from lindley.study.sinks.contract import ROUND_METRIC, Ending, scalars  # noqa: E402
from lindley.study.trials import Trial  # noqa: E402

_KEY, _FOLDER = "lindley.trial", "lindley.folder"
"""The tags by which a trial finds its run again: two experiments may hold trials of one key."""
_STATUS: dict[Ending, str] = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_LONGEST_VALUE = 500
"""Characters of a parameter that every version of MLflow's stores takes."""


def open_sink(where: str, study: Study, out: Path) -> MlflowSink:
    """Return a sink at a tracking URI, or of a database `mlflow.db` in a folder.

    Args:
        where: A tracking URI (a server, a database) or a folder; "" is the output folder.
        study: The study, whose name the experiment of MLflow has.
        out: The output folder.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # not the tables that it creates
    if "://" in where or where.startswith("file:"):
        return MlflowSink(study.name, where, artifacts=None)
    folder = (Path(where) if where else out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return MlflowSink(study.name, f"sqlite:///{folder / 'mlflow.db'}", artifacts=(folder / "mlflow-artifacts").as_uri())


@final
class MlflowSink:
    """A sink that writes to an MLflow experiment with the study's name, made when it is missing.

    Args:
        experiment: The name of the MLflow experiment.
        uri: Its tracking URI.
        artifacts: Where artifacts of a new experiment lie; None: where the server puts them.
    """

    name = "MLflow"

    def __init__(self, experiment: str, uri: str, *, artifacts: str | None) -> None:
        self._client = MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name(experiment)
        self._experiment: str = (
            known.experiment_id
            if known is not None
            else self._client.create_experiment(experiment, artifact_location=artifacts)
        )
        self._runs: dict[str, Run] = {}

    def start_trial(self, trial: Trial) -> set[int]:
        """Find the trial's run, or make one with its settings, and return the steps that it has."""
        mine = f"tags.`{_KEY}` = '{trial.key}' and tags.`{_FOLDER}` = '{trial.folder}'"
        found = self._client.search_runs([self._experiment], mine, max_results=1)
        run = found[0] if found else self._create_run(trial)
        self._runs[trial.folder] = run
        return {metric.step for metric in self._client.get_metric_history(run.info.run_id, ROUND_METRIC)}

    def log_round(self, trial: Trial, fit: Fitted) -> None:
        """Write the numbers of a round in one transaction."""
        run, now = self._runs[trial.folder], int(time.time() * 1000)
        if run.info.status != "RUNNING":
            self._client.update_run(run.info.run_id, status="RUNNING")
            self._runs[trial.folder] = run = self._client.get_run(run.info.run_id)
        metrics = [Metric(name, value, now, fit.labels) for name, value in scalars(fit).items()]
        self._client.log_batch(run.info.run_id, metrics=metrics)

    def end_trial(self, trial: Trial, ending: Ending) -> None:
        """Write to the run how it ended."""
        run = self._runs.pop(trial.folder)
        if run.info.status != _STATUS[ending]:
            self._client.set_terminated(run.info.run_id, status=_STATUS[ending])

    def _create_run(self, trial: Trial) -> Run:
        tags = {_KEY: trial.key, "lindley.experiment": trial.experiment.name, _FOLDER: trial.folder}
        run = self._client.create_run(self._experiment, run_name=trial.name, tags=tags)
        params = [Param(key, str(value)[:_LONGEST_VALUE]) for key, value in _flat(trial.key_settings()).items()]
        self._client.log_batch(run.info.run_id, params=params)
        return run


def _flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"model": {"num_draws": 5}} -> {"model.num_draws": 5}"""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(_flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value})
    return flat
