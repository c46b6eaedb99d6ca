"""A table of what other models learn from the labels that were acquired."""

from __future__ import annotations

from lindley.study.plot_style import look
from lindley.study.report.tables import Table, spread
from lindley.study.results import PanelResults, TrialResults, paired

OWN = "accuracy"
"""The metric of the panel's own model, beside that of the others."""


def transfer_models(panel: PanelResults) -> list[str]:
    """Return the other models that a panel measures; none where it measures none."""
    transfer = panel.config["observe"]["transfer"]
    return list(transfer["models"]) if transfer else []


def metric_of(model: str) -> str:
    """Return the name of another model's accuracy among the metrics of a round."""
    return f"transfer.{model}.accuracy"


def transfer(panel: PanelResults) -> Table | None:
    """Return each model's accuracy at the last number of labels measured, and its gain over random's labels."""
    metrics = {"its own model": OWN, **{model: metric_of(model) for model in transfer_models(panel)}}
    last = _last_measured(panel)
    if len(metrics) == 1 or last is None:
        return None
    rows = []
    for name in panel.acquisitions:
        trials = [trial for trial in panel.of(name) if last in trial.labels]
        if trials:
            cells = [cell for metric in metrics.values() for cell in _cells(panel, name, metric, last)]
            rows.append((look(name).title, str(len(trials)), str(last), *cells))
    note = (
        "Each model is fitted on the labels that the acquisition asked for with the panel’s own model. Accuracy on the "
        "test set, and the difference, in points, from the same model on the labels that random asked for under the "
        "same seed: median (smallest to largest) over the seeds."
    )
    columns = (
        "acquisition",
        "seeds",
        "labels",
        *(text for name in metrics for text in (f"{name} %", "against random")),
    )
    return Table(f"transfer-{panel.name}", panel.title, columns, tuple(rows), note)


def _last_measured(panel: PanelResults) -> int | None:
    """Return the last number of labels in the study at which another model was fitted."""
    measured = [each.labels for trial in panel.trials for each in trial.rounds if "transfer" in each.metrics]
    return max(measured, default=None)


def _cells(panel: PanelResults, name: str, metric: str, labels: int) -> tuple[str, str]:
    mine = [_at(trial, metric, labels) for trial in panel.of(name) if labels in trial.labels]
    pairs = [pair for pair in paired(panel, name, "random") if all(labels in trial.labels for trial in pair)]
    gains = [_at(first, metric, labels) - _at(second, metric, labels) for first, second in pairs]
    return spread(mine, 2), "–" if name == "random" or not gains else spread(gains, 2, signed=True)


def _at(trial: TrialResults, metric: str, labels: int) -> float:
    """Return a metric in percent."""
    return 100 * trial.at(metric, labels)
