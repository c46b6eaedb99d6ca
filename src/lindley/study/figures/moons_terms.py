"""Figure 2: the terms of BALD in the plane over the rounds: H[E p], E H[p], their difference, the mean probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lindley.study.comparison.curves import evenly_spaced
from lindley.study.figures.plane import (
    AMOUNT_COLOURS,
    PROBABILITY_COLOURS,
    RoundColours,
    class_handles,
    draw_boundary,
    draw_labelled,
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
from lindley.study.plot_style import NATS_TO_BITS
from lindley.study.report.sampling import UNDECIDED
from lindley.study.results import Arrays, ExperimentResults, StudyResults, TrialResults

NUMBER = 2
TITLE = "Two moons: the terms of BALD"
REQUIRES = "an experiment with 2-D data, observe.grid = true and the acquisition bald"
_ROWS = 5
_TERMS = (
    ("mean probability", "E p", "probability"),
    ("total uncertainty", "H[E p]", "bits"),
    ("expected noise", "E H[p]", "bits"),
    ("BALD: the difference", "H[E p] − E H[p]", "bits"),
)


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for each experiment that stored the surface for BALD."""
    found = [
        (experiment, trial) for experiment in results.experiments for trial in representative_trials(experiment, "grid")
    ]
    return [_draw_panel(experiment, trial) for experiment, trial in found if trial.acquisition == "bald"]


def _draw_panel(experiment: ExperimentResults, trial: TrialResults) -> StudyFigure:
    stored = [(number, trial.arrays(number, "grid")) for number in range(len(trial.rounds))]
    grids = [(number, grid) for number, grid in stored if grid is not None]
    grids = [grids[place] for place in evenly_spaced(len(grids), _ROWS)]
    surfaces = [_terms(grid) for _, grid in grids]  # [rows][4]
    tops = [1.0, 1.0, 1.0, max(float(surface[3].max()) for surface in surfaces)]
    with plot_settings():
        figure = new_figure(10.6, 1.72 * len(grids) + 1.5)
        all_axes = figure.subplots(len(grids), 4, sharex=True, sharey=True, squeeze=False)
        rounds = RoundColours(max(len(trial.rounds) - 1, 1))
        for row, (number, grid), surface in zip(all_axes.tolist(), grids, surfaces, strict=True):
            images = [
                draw_surface(axes, grid, values, PROBABILITY_COLOURS if term == 0 else AMOUNT_COLOURS, tops[term])
                for term, (axes, values) in enumerate(zip(row, surface, strict=True))
            ]
            _draw_marks(row, grid, rounds, trial.labels[number])
        for axes in all_axes[-1]:
            axes.set_xlabel("x₁")
        for term, (title, formula, unit) in enumerate(_TERMS):
            all_axes[0, term].set_title(f"{title}\n{formula}")
            label = unit if term else f"probability of “{clip_name(trial.manifest['class_names'][1], 20)}”"
            figure.colorbar(images[term], ax=all_axes[:, term], location="bottom", aspect=22, pad=0.02, label=label)
        _legend(figure, trial)
        draw_heading(figure, f"{experiment.title}: the terms of BALD")
    name, title = f"figure-2-terms-{experiment.name}", f"{experiment.title}: the terms of BALD"
    return StudyFigure(NUMBER, name, figure, title, _caption(trial), (experiment.name,))


def _terms(grid: Arrays) -> list[NDArray[np.floating]]:
    """Return the mean probability, and the three entropies in bits.  4 x [G, G]"""
    total, noise = grid["predictive_entropy"] * NATS_TO_BITS, grid["conditional_entropy"] * NATS_TO_BITS
    return [grid["mean_prob"], total, noise, np.maximum(total - noise, 0)]


def _draw_marks(row: Sequence[Axes], grid: Arrays, rounds: RoundColours, labels: int) -> None:
    """Draw the boundary and the queried rows on all plots, the labels so far on the first."""
    for axes in row:
        draw_boundary(axes, grid)
        queried = grid["selected_inputs"]
        if np.size(queried):
            axes.scatter(queried[:, 0], queried[:, 1], s=34, marker="o", facecolors="none", edgecolors="white",
                         linewidths=2.6, zorder=4)  # fmt: skip
            axes.scatter(queried[:, 0], queried[:, 1], s=34, marker="o", facecolors="none", edgecolors=_QUERY_COLOUR,
                         linewidths=1.4, zorder=5)  # fmt: skip
        axes.tick_params(length=2)
    draw_labelled(row[0], grid, rounds, size=13.0)
    row[0].set_ylabel(f"{labels} labels\nx₂")


_QUERY_COLOUR = "#D55E00"


def _legend(figure: Figure, trial: TrialResults) -> None:
    queried = Line2D([], [], linestyle="", marker="o", markerfacecolor="none", markeredgecolor=_QUERY_COLOUR,
                   markeredgewidth=1.4, markersize=6, label="queried in this round")  # fmt: skip
    line = Line2D([], [], color=INK, linewidth=1.0,
                  label=f"mean probability 0.5 (dotted: {UNDECIDED[0]:g} and {UNDECIDED[1]:g})")  # fmt: skip
    handles = [*class_handles(trial.manifest["class_names"]), queried, line]
    place_legend(figure, handles, [str(each.get_label()) for each in handles], loc="outside lower center")


def _caption(trial: TrialResults) -> str:
    return (
        f"The trial of BALD, seed {trial.seed}. H[E p] is the entropy of the average prediction. E H[p] is the average "
        "entropy of the draws, the expected noise. Their difference, the BALD score, is the disagreement of the draws. "
        "Where the two middle columns are dark and the last is pale, the moons overlap and a label has little "
        "information."
    )
