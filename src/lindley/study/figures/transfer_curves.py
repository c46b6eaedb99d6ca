"""Figure 6: accuracy of other models on the acquired labels, beside that of the querying model."""

from __future__ import annotations

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.curves import learning_curve
from lindley.study.figures.style import (
    StudyFigure,
    draw_curve,
    draw_heading,
    legend_below,
    new_figure,
    plot_settings,
    stretch_accuracy,
)
from lindley.study.report.tables_transfer import OWN_METRIC, transfer_metric, transfer_models
from lindley.study.results import ExperimentResults, StudyResults

NUMBER = 6
TITLE = "Transfer"
REQUIRES = "an experiment with observe.transfer, measured in two rounds"


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for each experiment, with one plot for each model."""
    return [_draw_panel(experiment) for experiment in results.experiments if _has_transfer(experiment)]


def _has_transfer(experiment: ExperimentResults) -> bool:
    models = transfer_models(experiment)
    return bool(models) and len(learning_curve(experiment.trials, transfer_metric(models[0])).labels) > 1


def _draw_panel(experiment: ExperimentResults) -> StudyFigure:
    plots = {
        "querying model": OWN_METRIC,
        **{model: transfer_metric(model) for model in transfer_models(experiment)},
    }
    with plot_settings():
        figure = new_figure(max(3.7 * len(plots), 7.4), 4.3)
        all_axes = figure.subplots(1, len(plots))
        for axes, (title, metric) in zip(all_axes, plots.items(), strict=True):
            curves = {name: learning_curve(experiment.trials_of(name), metric) for name in experiment.acquisitions}
            for name, curve in curves.items():
                draw_curve(axes, curve, name, scale=100)
            ends = [100 * end for curve in curves.values() for side in (curve.low, curve.high) for end in side]
            stretch_accuracy(axes, ends)
            axes.set(xlabel="labels (including initial ones)", title=title)
        all_axes[0].set_ylabel(METRICS["accuracy"].axis_label)
        legend_below(figure, all_axes[0])
        draw_heading(figure, f"{experiment.title}: other models on the same labels")
    name = f"figure-6-transfer-{experiment.name}"
    return StudyFigure(NUMBER, name, figure, f"{TITLE}, {experiment.title}", _caption(experiment), (experiment.name,))


def _caption(experiment: ExperimentResults) -> str:
    curve = learning_curve(experiment.trials[:1] and experiment.trials_of(experiment.acquisitions[0]), OWN_METRIC)
    seeds = int(curve.count.max())
    line = "One seed, so there is no band." if seeds == 1 else f"Line: median over {seeds} seeds; band: {curve.band}."
    return (
        f"{line} The first plot has the model that queried the labels, the others have models fitted on the same "
        "labels. A line that is above random only in the first plot means that the labels help the querying model "
        "alone. On the accuracy axes equal steps halve the error."
    )
