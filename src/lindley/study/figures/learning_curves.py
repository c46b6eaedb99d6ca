"""Figure 3: metrics against labels, median and band over seeds, a line for each acquisition."""

from __future__ import annotations

import math
from itertools import combinations

from matplotlib.axes import Axes

from lindley.measures.catalogue import MetricSpec
from lindley.study.comparison.curves import Curve, learning_curve
from lindley.study.figures.style import (
    StudyFigure,
    draw_curve,
    draw_heading,
    legend_below,
    new_figure,
    plot_settings,
    stretch_accuracy,
)
from lindley.study.plot_style import acquisition_title
from lindley.study.report.tables import available_metrics
from lindley.study.results import ExperimentResults, StudyResults, paired_trials

NUMBER = 3
TITLE = "Learning curves"
REQUIRES = "at least one trial with two rounds"
_LOSS_TICKS = tuple(digit * 10.0**power for power in range(-6, 4) for digit in (1, 2, 5))


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for each experiment; those with only BALD and BatchBALD appear in figure 5."""
    experiments = [
        experiment for experiment in results.experiments if any(len(trial.rounds) > 1 for trial in experiment.trials)
    ]
    wide = [experiment for experiment in experiments if set(experiment.acquisitions) - {"bald", "batchbald"}]
    return [_draw_panel(experiment) for experiment in wide or experiments]


def _draw_panel(experiment: ExperimentResults) -> StudyFigure:
    with plot_settings():
        specs = available_metrics("curves", experiment.trials)
        figure = new_figure(11 / 3 * len(specs), 4.3)
        all_axes = figure.subplots(1, len(specs), squeeze=False)[0]
        for axes, spec in zip(all_axes, specs, strict=True):
            curves = {name: learning_curve(experiment.trials_of(name), spec.name) for name in experiment.acquisitions}
            for name, curve in curves.items():
                draw_curve(axes, curve, name, scale=spec.unit.scale)
            _finish(axes, list(curves.values()), spec)
            title = f"{spec.title[0].upper()}{spec.title[1:]}: {spec.better} is better"
            axes.set(xlabel="labels (including initial ones)", ylabel=spec.axis_label, title=title)
        legend_below(figure, all_axes[0])
        draw_heading(figure, f"{experiment.title}: learning curves")
    name = f"figure-3-learning-curves-{experiment.name}"
    return StudyFigure(NUMBER, name, figure, _title(experiment), _caption(experiment), (experiment.name,))


def _finish(axes: Axes, curves: list[Curve], spec: MetricSpec) -> None:
    """Scale the axis as the metric says; a linear one starts at zero."""
    if spec.axis == "stretched":
        ends = [end for curve in curves for end in (curve.low.min(), curve.high.max())]
        stretch_accuracy(axes, [spec.unit.scale * end for end in ends])
    elif spec.axis == "logarithmic":
        logarithmic_losses(axes, [spec.unit.scale * end for curve in curves for end in (*curve.low, *curve.high)])
    else:
        axes.set_ylim(bottom=0)


def logarithmic_losses(axes: Axes, losses: list[float]) -> None:
    """Make an axis logarithmic, with round ticks, over all positive finite losses.

    Lines break where a loss is infinite, and leave the axis at the bottom where it is 0. Without a positive finite
    loss the axis does not change.
    """
    inside = [loss for loss in losses if 0 < loss < math.inf]
    if not inside:
        return
    lowest, highest = min(inside) / 1.15, max(inside) * 1.15
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(lowest, highest)
    ticks = [tick for tick in _LOSS_TICKS if lowest <= tick <= highest]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _title(experiment: ExperimentResults) -> str:
    return f"{TITLE}, {experiment.title}"


def _caption(experiment: ExperimentResults) -> str:
    curves = [learning_curve(experiment.trials_of(name), "accuracy") for name in experiment.acquisitions]
    seeds = sorted({len(experiment.trials_of(name)) for name in experiment.acquisitions})
    number = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    line = (
        "One seed, so there is no band" if seeds == [1] else f"Line: median over {number} seeds; band: {curves[0].band}"
    )
    text = (
        f"{line}. "
        "A line further to the left or higher up needs fewer labels. On the accuracy axis equal steps halve the error; "
        "the NLL axis is logarithmic. A low NLL and ECE mean that the probabilities can be trusted."
    )
    if any(not trial.complete for trial in experiment.trials):
        text += " Some trials are not finished: towards the right a line has fewer seeds."
    for first, second in combinations(experiment.acquisitions, 2):
        if _same_queries(experiment, first, second):
            names = f"{acquisition_title(first)} and {acquisition_title(second)}"
            text += f" {names} queried the same rows throughout."
    return text


def _same_queries(experiment: ExperimentResults, first: str, second: str) -> bool:
    """Return whether two acquisitions queried the same rows, as margin and entropy do with two classes."""
    pairs = paired_trials(experiment, first, second)
    queries = [[[each.rows for each in trial.rounds] for trial in pair] for pair in pairs]
    return bool(queries) and all(mine == theirs for mine, theirs in queries)
