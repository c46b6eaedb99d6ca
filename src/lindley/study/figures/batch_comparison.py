"""Figure 5: BALD against BatchBALD, one plot per batch size and data set."""

from __future__ import annotations

import json
import textwrap

from matplotlib.axes import Axes

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.curves import learning_curve
from lindley.study.figures.style import (
    StudyFigure,
    clip_name,
    draw_curve,
    draw_heading,
    legend_below,
    new_figure,
    plot_settings,
    stretch_accuracy,
)
from lindley.study.results import ExperimentResults, StudyResults

NUMBER = 5
TITLE = "BALD and BatchBALD"
REQUIRES = "an experiment with both bald and batchbald"
_PAIR = ("bald", "batchbald")
_TITLE_WIDTH = 44
"""Number of letters that fit one plot."""


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for the study; its plots are ordered by data set and pool, then by batch size."""
    experiments = [experiment for experiment in results.experiments if set(_PAIR) <= set(experiment.acquisitions)]
    return [_draw_panels(sorted(_unique_settings(experiments), key=_sort_key))] if experiments else []


def _unique_settings(experiments: list[ExperimentResults]) -> list[ExperimentResults]:
    """Return one experiment, the one with most seeds, of those with the same settings."""
    kept: dict[str, ExperimentResults] = {}
    for experiment in experiments:
        tables = {key: experiment.config[key] for key in ("data", "pool", "model", "training", "schedule")}
        same = json.dumps(tables, sort_keys=True)
        if same not in kept or _seeds(experiment) > _seeds(kept[same]):
            kept[same] = experiment
    return list(kept.values())


def _seeds(experiment: ExperimentResults) -> int:
    return min(len(experiment.trials_of(name)) for name in _PAIR)


def _sort_key(experiment: ExperimentResults) -> tuple[str, str, int]:
    pool = json.dumps(experiment.config["pool"], sort_keys=True)
    return experiment.config["data"]["name"], pool, experiment.config["schedule"]["batch_size"]


def _draw_panels(experiments: list[ExperimentResults]) -> StudyFigure:
    columns = 2 if len(experiments) == 4 else min(len(experiments), 3)
    rows = -(-len(experiments) // columns)
    with plot_settings():
        figure = new_figure(max(3.7 * columns, 5.2), 3.2 * rows + 0.8)
        all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, experiment in zip(all_axes, experiments, strict=False):
            _draw_panel(axes, experiment)
        for axes in all_axes[len(experiments) :]:
            axes.set_axis_off()
        for axes in all_axes[::columns]:
            axes.set_ylabel(METRICS["accuracy"].axis_label)
        legend_below(figure, all_axes[0])
        draw_heading(figure, TITLE)
    names = tuple(experiment.name for experiment in experiments)
    return StudyFigure(NUMBER, "figure-5-batch-comparison", figure, TITLE, _caption(experiments), names)


def _draw_panel(axes: Axes, experiment: ExperimentResults) -> None:
    curves = {name: learning_curve(experiment.trials_of(name), "accuracy") for name in _PAIR}
    for name, curve in curves.items():
        draw_curve(axes, curve, name, scale=100)
    stretch_accuracy(axes, [100 * end for curve in curves.values() for end in (curve.low.min(), curve.high.max())])
    batch, seeds = experiment.config["schedule"]["batch_size"], _seeds(experiment)
    title = experiment.title if "batch" in experiment.title.lower() else f"{experiment.title}, batch {batch}"
    heading = f"{clip_name(title, 3 * _TITLE_WIDTH)} ({seeds} seed{'' if seeds == 1 else 's'})"
    axes.set_title(textwrap.fill(heading, _TITLE_WIDTH))
    axes.set(xlabel="labels (including initial ones)")


def _caption(experiments: list[ExperimentResults]) -> str:
    bands = sorted(
        {learning_curve(experiment.trials_of(name), "accuracy").band for experiment in experiments for name in _PAIR}
    )
    return (
        f"Line: median over seeds; band: {' or '.join(bands)}. Where the bands overlap throughout, no difference is "
        "visible. The larger the batch, and the more duplicates the pool holds, the more redundant rows BALD queries. "
        "On the accuracy axis equal steps halve the error."
    )
