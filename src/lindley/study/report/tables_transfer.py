"""Table of the accuracy of other models trained on the acquired labels."""

from __future__ import annotations

from lindley.study.plot_style import acquisition_title
from lindley.study.report.tables import Table, format_spread
from lindley.study.results import ExperimentResults, TrialResults, paired_trials

OWN_METRIC = "accuracy"
"""The metric of the model that queried the labels."""


def transfer_models(experiment: ExperimentResults) -> list[str]:
    """Return the names of the other models that an experiment measures."""
    transfer = experiment.config["observe"]["transfer"]
    return list(transfer["models"]) if transfer else []


def transfer_metric(model: str) -> str:
    """Return the name of another model's accuracy among the metrics of a round."""
    return f"transfer.{model}.accuracy"


def transfer_table(experiment: ExperimentResults) -> Table | None:
    """Return each model's accuracy at the last number of labels measured, and its gain over random's labels."""
    metrics = {"its own model": OWN_METRIC, **{model: transfer_metric(model) for model in transfer_models(experiment)}}
    last = _last_measured(experiment)
    if len(metrics) == 1 or last is None:
        return None
    rows = []
    for name in experiment.acquisitions:
        trials = [trial for trial in experiment.trials_of(name) if last in trial.labels]
        if trials:
            cells = [cell for metric in metrics.values() for cell in _cells(experiment, name, metric, last)]
            rows.append((acquisition_title(name), str(len(trials)), str(last), *cells))
    note = (
        "Each model is fitted on the labels that the acquisition queried with the experiment’s own model. Accuracy on "
        "the test set, and the difference in points to the same model on the labels of random under the same seed: "
        "median (smallest to largest) over the seeds."
    )
    columns = (
        "acquisition",
        "seeds",
        "labels",
        *(text for name in metrics for text in (f"{name} %", "against random")),
    )
    return Table(f"transfer-{experiment.name}", experiment.title, columns, tuple(rows), note)


def _last_measured(experiment: ExperimentResults) -> int | None:
    """Return the last number of labels in the study at which another model was fitted."""
    measured = [each.labels for trial in experiment.trials for each in trial.rounds if "transfer" in each.metrics]
    return max(measured, default=None)


def _cells(experiment: ExperimentResults, name: str, metric: str, labels: int) -> tuple[str, str]:
    mine = [_percent_at(trial, metric, labels) for trial in experiment.trials_of(name) if labels in trial.labels]
    pairs = [
        pair for pair in paired_trials(experiment, name, "random") if all(labels in trial.labels for trial in pair)
    ]
    gains = [_percent_at(first, metric, labels) - _percent_at(second, metric, labels) for first, second in pairs]
    return format_spread(mine, 2), "–" if name == "random" or not gains else format_spread(gains, 2, signed=True)


def _percent_at(trial: TrialResults, metric: str, labels: int) -> float:
    """Return a metric in percent."""
    return 100 * trial.metric_at(metric, labels)
