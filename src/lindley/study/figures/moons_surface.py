"""Figure 1: the model's probabilities and the queried rows, by number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lindley.study.comparison.curves import evenly_spaced
from lindley.study.figures.plane import (
    PROBABILITY_COLOURS,
    RoundColours,
    boundary_handles,
    class_handles,
    draw_boundary,
    draw_labelled,
    draw_pool,
    draw_probability_scale,
    draw_surface,
    representative_trials,
)
from lindley.study.figures.style import (
    INK,
    StudyFigure,
    clip_name,
    draw_heading,
    new_figure,
    place_legend,
    plot_settings,
)
from lindley.study.plot_style import acquisition_title
from lindley.study.results import ExperimentResults, StudyResults, TrialResults

NUMBER = 1
TITLE = "Two moons: queried rows"
REQUIRES = "an experiment with 2-D data and observe.grid = true"
_COLUMNS = 6
_LEGEND_WIDTH = 9.0
"""Inches that the legend needs, the least width of a figure."""
_SCALES_HEIGHT = 2.6
"""Inches that the two scales need with their labels."""
_NAME_LETTERS = 14
"""Number of letters of full size that fit a row."""
_NAME_GAP = 0.79
"""Inches to the left of the first plot, beyond its tick labels."""


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for each experiment that stored its probability surface."""
    return [_draw_panel(experiment) for experiment in results.experiments if representative_trials(experiment, "grid")]


def _draw_panel(experiment: ExperimentResults) -> StudyFigure:
    trials = representative_trials(experiment, "grid")
    longest = max(trials, key=lambda trial: len(trial.rounds))
    columns = evenly_spaced(len(longest.rounds), _COLUMNS)
    rounds = RoundColours(max(len(longest.rounds) - 1, 1))
    with plot_settings():
        handles = _handles(longest)
        figure, all_axes, bars = _lay_out(len(trials), len(columns), handles)
        for row, trial in zip(all_axes.tolist(), trials, strict=True):
            _draw_trial(row, trial, columns, rounds)
        for axes, number in zip(all_axes[0], columns, strict=True):
            axes.set_title(f"{longest.labels[number]} labels")
        for axes in all_axes[-1]:
            axes.set_xlabel("x₁")
        rounds.draw_scale(figure, bars[0])
        draw_probability_scale(figure, bars[1], longest.manifest["class_names"][1])
        draw_heading(
            figure,
            f"{experiment.title}: queried rows of each acquisition",
            y=1 - 0.12 / figure.get_figheight(),
            va="top",
        )
    name = f"figure-1-surface-{experiment.name}"
    title = f"{experiment.title}: queried rows of each acquisition"
    return StudyFigure(NUMBER, name, figure, title, _caption(trials), (experiment.name,))


def _lay_out(num_rows: int, num_columns: int, handles: Sequence[Artist]) -> tuple[Figure, NDArray[Any], list[Axes]]:
    """Return a figure with rows x columns of plots, two axes for the scales on the right and a legend below; in inches.

    The layout is explicit, since an automatic one does not keep the proportions of the plane.
    """
    cell_width, cell_height, left, right, top, bottom = 1.78, 1.24, 0.95, 1.35, 0.75, 0.75
    cell_height = max(cell_height, _SCALES_HEIGHT / num_rows)
    room = max(0.0, _LEGEND_WIDTH - left - cell_width * num_columns - right) / 2  # beside one or two columns
    left, right = left + room, right + room
    width = left + cell_width * num_columns + right
    figure = new_figure(width, 1)
    figure.set_layout_engine("none")
    names = [str(each.get_label()) for each in handles]
    bottom += 0.2 * place_legend(figure, handles, names, loc="lower center", bbox_to_anchor=(0.5, 0))
    height = top + cell_height * num_rows + bottom
    figure.set_figheight(height)
    edges = {"top": 1 - top / height, "bottom": bottom / height}
    cells = figure.add_gridspec(
        num_rows, num_columns, left=left / width, right=1 - right / width, wspace=0.09, hspace=0.09, **edges
    )
    start = (left + cell_width * num_columns + 0.18) / width
    scales = figure.add_gridspec(2, 1, left=start, right=start + 0.14 / width, hspace=0.25, **edges)
    all_axes = cells.subplots(sharex=True, sharey=True, squeeze=False)
    return figure, all_axes, [figure.add_subplot(scales[0]), figure.add_subplot(scales[1])]


def _draw_trial(row: Sequence[Axes], trial: TrialResults, columns: Sequence[int], rounds: RoundColours) -> None:
    pool = None
    for axes, number in zip(row, columns, strict=True):
        grid = trial.arrays(number, "grid") if number < len(trial.rounds) else None
        if grid is None:
            axes.set_axis_off()
            continue
        pool = grid.get("pool_inputs", pool)
        draw_surface(axes, grid, grid["mean_prob"], PROBABILITY_COLOURS, 1.0)
        draw_boundary(axes, grid)
        if pool is not None:
            draw_pool(axes, pool)
        draw_labelled(axes, grid, rounds)
        if np.size(grid["selected_inputs"]):
            queried = grid["selected_inputs"]
            axes.scatter(queried[:, 0], queried[:, 1], s=30, marker="x", c=INK, linewidths=1.1, zorder=4)
        axes.tick_params(length=2)
    row[0].set_ylabel("x₂")
    row[0].ticklabel_format(scilimits=(-3, 5))
    cell = row[0].get_position(original=True)
    name = clip_name(acquisition_title(trial.acquisition), 2 * _NAME_LETTERS - 6)
    row[0].annotate(
        name,
        xy=(cell.x0 - _NAME_GAP * row[0].figure.dpi / row[0].figure.bbox.width, 0.5),
        xycoords=("figure fraction", "axes fraction"),
        rotation=90,
        ha="center",
        va="center",
        fontsize=11 * min(1.0, _NAME_LETTERS / len(name)),
        fontweight="bold",
        annotation_clip=False,
    )


def _handles(trial: TrialResults) -> list[Artist]:
    """Return the entries of the legend."""
    queried = Line2D([], [], linestyle="", marker="x", color=INK, markersize=5.5, label="queried in this round")
    return [*class_handles(trial.manifest["class_names"]), queried, *boundary_handles()]


def _caption(trials: Sequence[TrialResults]) -> str:
    seeds = sorted({trial.seed for trial in trials})
    which = f"Seed {seeds[0]}." if len(seeds) == 1 else f"Seeds {', '.join(map(str, seeds))}."
    return (
        f"{which} Each plot shows the model after a number of labels (all counted) and, as crosses, the rows that it "
        "queries next. The surface is the average over the draws. The colour of a point is the round that queried it "
        "(0: the first); initial labels, the same in all rows, are white. Queries along the solid line are where the "
        "model is undecided; the moons overlap where the data themselves are undecided."
    )
