"""Figure 4: information by batch size: the sum of BALD scores and the joint information of the same picks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lindley.study.figures.plane import AMOUNT_COLOURS, draw_boundary, draw_pool, draw_surface, representative_trials
from lindley.study.figures.style import FAINT, INK, StudyFigure, draw_heading, new_figure, plot_settings
from lindley.study.observers import INFORMATION_PICKERS
from lindley.study.plot_style import NATS_TO_BITS, acquisition_title, plot_style
from lindley.study.results import Arrays, ExperimentResults, StudyResults, TrialResults

NUMBER = 4
TITLE = "Information by batch size"
REQUIRES = "an experiment with observe.information"
_ON_THE_PLANE = 10


def draw(results: StudyResults) -> list[StudyFigure]:
    """Draw one figure for each experiment and number of labels with a measurement."""
    return [
        _draw_round(experiment, trial, number, arrays)
        for experiment in results.experiments
        for trial in representative_trials(experiment, "information")
        for number in range(len(trial.rounds))
        if (arrays := trial.arrays(number, "information")) is not None
    ]


def _draw_round(experiment: ExperimentResults, trial: TrialResults, number: int, arrays: Arrays) -> StudyFigure:
    planar = "inputs_bald" in arrays
    title = f"{experiment.title}, {trial.labels[number]} labels: information by batch size"
    with plot_settings():
        figure = new_figure(11, 6.9 if planar else 4.2)
        parts = figure.subfigures(2 if planar else 1, 1, height_ratios=[4, 2.9][: 1 + planar], squeeze=False)
        upper = parts[0, 0]
        left, right = upper.subplots(1, 2)
        _draw_sums(left, arrays)
        _draw_joint(right, arrays)
        _legend(upper)
        if planar:
            _draw_batches(parts[1, 0], trial, number, arrays)
        draw_heading(figure, title)
    name = f"figure-4-information-{experiment.name}-{trial.labels[number]}"
    return StudyFigure(NUMBER, name, figure, title, _caption(trial, arrays, planar), (experiment.name,))


def _draw_sums(axes: Axes, arrays: Arrays) -> None:
    """Draw the sum of the scores (open, broken line) and the joint information (filled, solid) of the same picks."""
    for picker in INFORMATION_PICKERS:
        style, picks = plot_style(picker), arrays["picks"]
        every = max(1, len(picks) // 10)
        axes.plot(picks, arrays[f"sum_bald_{picker}"] * NATS_TO_BITS, color=style.colour, linestyle=(0, (4, 2)),
                  marker=style.marker, markevery=every, markerfacecolor="white", linewidth=1.4)  # fmt: skip
        axes.plot(picks, arrays[f"joint_{picker}"] * NATS_TO_BITS, color=style.colour, marker=style.marker,
                  markevery=every, markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    _draw_ceiling(axes, arrays)
    axes.set_ylim(0, 1.02 * axes.get_ylim()[1])  # room for the text above the line
    axes.set(title="Sum of scores and joint information", xlabel="batch size", ylabel="information (bits)")


def _draw_joint(axes: Axes, arrays: Arrays) -> None:
    """Draw the joint information alone, with two standard errors."""
    picks = arrays["picks"]
    for picker in INFORMATION_PICKERS:
        style = plot_style(picker)
        joint, error = arrays[f"joint_{picker}"] * NATS_TO_BITS, 2 * arrays[f"joint_se_{picker}"] * NATS_TO_BITS
        axes.fill_between(picks, joint - error, joint + error, color=style.colour, alpha=0.2, linewidth=0)
        axes.plot(picks, joint, color=style.colour, linestyle=style.line, marker=style.marker,
                  markevery=max(1, len(picks) // 10), markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    ceiling = float(arrays["log_num_draws"]) * NATS_TO_BITS
    highest = max(float(arrays[f"joint_{picker}"].max()) for picker in INFORMATION_PICKERS) * NATS_TO_BITS
    if highest > 0.6 * ceiling:
        _draw_ceiling(axes, arrays)
    else:  # far below it: show the differences between the lines
        axes.annotate(
            f"log K = {ceiling:.2f} bits is above", (0.02, 0.94), xycoords="axes fraction", fontsize=8, color=INK
        )
        axes.set_xlim(0, int(picks[-1]) * 1.02 + 0.5)
    axes.set_ylim(0, 1.1 * (ceiling if highest > 0.6 * ceiling else highest))
    axes.set(title="Joint information only", xlabel="batch size", ylabel="joint information (bits)")


def _draw_ceiling(axes: Axes, arrays: Arrays) -> None:
    """Draw log K, the largest information of any batch about K draws."""
    ceiling, last = float(arrays["log_num_draws"]) * NATS_TO_BITS, int(arrays["picks"][-1])
    axes.axhline(ceiling, color=INK, linewidth=1.0, linestyle=(0, (1, 1.5)))
    text = f"log K = {ceiling:.2f} bits ({int(arrays['num_draws'])} draws)"
    axes.annotate(text, (0.4, ceiling), xytext=(0, 4), textcoords="offset points", fontsize=8, color=INK)
    axes.set_xlim(0, last * 1.02 + 0.5)


def _draw_batches(figure: SubFigure, trial: TrialResults, number: int, arrays: Arrays) -> None:
    """Draw the first picks of BALD, BatchBALD and random in the plane, numbered in the order chosen."""
    grid, first = trial.arrays(number, "grid"), trial.arrays(0, "grid")
    all_axes = figure.subplots(1, len(INFORMATION_PICKERS), sharex=True, sharey=True)
    shown = min(_ON_THE_PLANE, len(arrays["picks"]))
    top = 0.0
    if grid is not None:
        score = np.maximum(grid["predictive_entropy"] - grid["conditional_entropy"], 0) * NATS_TO_BITS
        top = float(score.max())
    for axes, picker in zip(all_axes, INFORMATION_PICKERS, strict=True):
        if grid is not None:
            image = draw_surface(axes, grid, score, AMOUNT_COLOURS, top)
            draw_boundary(axes, grid)
        if first is not None and "pool_inputs" in first:
            draw_pool(axes, first["pool_inputs"])
        _draw_picks(axes, arrays[f"inputs_{picker}"][:shown], plot_style(picker).colour)
        axes.set(title=f"{acquisition_title(picker)}: the first {shown} picks", xlabel="x₁")
        axes.set_aspect("equal")
    all_axes[0].set_ylabel("x₂")
    if grid is not None:
        figure.colorbar(image, ax=list(all_axes), location="right", aspect=14, shrink=0.75, label="BALD score (bits)")


def _draw_picks(axes: Axes, points: NDArray[np.floating], colour: str) -> None:
    """Draw numbered discs; the earlier ones lie on top."""
    for place in range(len(points) - 1, -1, -1):
        x, y = points[place]
        axes.plot(
            x, y, "o", color=colour, markersize=9, markeredgecolor="white", markeredgewidth=0.8, zorder=40 - place
        )
        axes.annotate(str(place + 1), (x, y), ha="center", va="center", fontsize=6, color="white", fontweight="bold",
                      zorder=40.5 - place)  # fmt: skip


def _legend(figure: Figure | SubFigure) -> None:
    colours = [
        Line2D(
            [],
            [],
            color=plot_style(name).colour,
            marker=plot_style(name).marker,
            label=f"picks of {acquisition_title(name)}",
        )
        for name in INFORMATION_PICKERS
    ]
    single = Line2D([], [], color=FAINT, linestyle=(0, (4, 2)), marker="o", markerfacecolor="white",
                    label="sum of their BALD scores")  # fmt: skip
    joint = Line2D([], [], color=FAINT, marker="o", label="their joint information")
    figure.legend(handles=[*colours, single, joint], loc="outside lower center", ncols=5, handlelength=3.2)


def _caption(trial: TrialResults, arrays: Arrays, planar: bool) -> str:
    last = -1
    sums = float(arrays["sum_bald_bald"][last]) * NATS_TO_BITS
    joints = {name: float(arrays[f"joint_{name}"][last]) * NATS_TO_BITS for name in INFORMATION_PICKERS}
    ceiling = float(arrays["log_num_draws"]) * NATS_TO_BITS
    text = (
        f"Seed {trial.seed}. The scores of BALD’s {len(arrays['picks'])} picks add up to {sums:.1f} bits, but their "
        f"joint information is {joints['bald']:.2f} bits: the rest is counted more than once. BatchBALD’s picks have "
        f"{joints['batchbald']:.2f} bits, random picks {joints['random']:.2f}. With K draws no batch has more than "
        f"log K = {ceiling:.2f} bits: near this limit the measure cannot distinguish batches. Band: two standard "
        "errors."
    )
    if planar:
        text += (
            " Below: the batches in the plane, numbered in the order chosen. Where picks lie close together, one label "
            "has most of the information of all of them."
        )
    return text
