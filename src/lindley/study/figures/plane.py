"""Two-dimensional data drawn in the plane: surfaces, contours and labelled points, shared by figures 1, 2 and 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lindley.study.figures.style import FAINT, INK, clip_name
from lindley.study.report.sampling import UNDECIDED
from lindley.study.results import Arrays, ExperimentResults, TrialResults

CLASS_MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "h", "p")
PROBABILITY_COLOURS = LinearSegmentedColormap.from_list(
    "belief", ["#b4d5eb", "#dcebf5", "#f9f9f6", "#fbe8cb", "#f5cc91"]
)
"""Pale blue, white, pale orange: points stay visible on it, and the two sides differ for all colour vision."""
AMOUNT_COLOURS = LinearSegmentedColormap.from_list("amount", ["#fbfbf8", "#d5dfee", "#9fb4d8", "#6a7fb8", "#3c4a8c"])
"""White to dark blue, for quantities that start at zero."""


def representative_trials(experiment: ExperimentResults, observer: str) -> list[TrialResults]:
    """Return a trial of each acquisition with the lowest seed for which all of them stored the observer's arrays.

    Without a common seed each acquisition shows its own lowest.
    """
    recorded = [trial for trial in experiment.trials if any(observer in each.fit.arrays for each in trial.rounds)]
    by_name = {name: [trial for trial in recorded if trial.acquisition == name] for name in experiment.acquisitions}
    groups = [group for group in by_name.values() if group]
    common = set.intersection(*({trial.seed for trial in group} for group in groups)) if groups else set()
    return [next(trial for trial in group if not common or trial.seed == min(common)) for group in groups]


def draw_surface(axes: Axes, grid: Arrays, values: NDArray[np.floating], colours: Colormap, top: float) -> AxesImage:
    """Draw an image of values with the plane's own proportions.

    Args:
        axes: Where it is drawn.
        grid: The observer's arrays, with xs and ys [G].
        values: [G, G], indexed [y, x].
        colours: From 0 to `top`.
        top: The value of the last colour.
    """
    xs, ys = grid["xs"], grid["ys"]
    half_x, half_y = (xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2
    image = axes.imshow(
        values,
        origin="lower",
        extent=(xs[0] - half_x, xs[-1] + half_x, ys[0] - half_y, ys[-1] + half_y),
        cmap=colours,
        vmin=0,
        vmax=top,
        interpolation="bilinear",
        aspect="equal",
    )
    axes.grid(False)
    axes.set_xlim(xs[0] - half_x, xs[-1] + half_x)
    axes.set_ylim(ys[0] - half_y, ys[-1] + half_y)
    return image


def draw_boundary(axes: Axes, grid: Arrays) -> None:
    """Draw where the mean probability is one half (solid), and where it is UNDECIDED (dotted)."""
    axes.contour(grid["xs"], grid["ys"], grid["mean_prob"], levels=[0.5], colors=INK, linewidths=1.0)
    axes.contour(
        grid["xs"],
        grid["ys"],
        grid["mean_prob"],
        levels=UNDECIDED,
        colors=INK,
        linewidths=0.6,
        linestyles="dotted",
    )


def draw_pool(axes: Axes, pool: NDArray[np.floating]) -> None:
    """Draw the unlabelled pool as faint dots."""
    axes.plot(pool[:, 0], pool[:, 1], ".", color=FAINT, markersize=1.1, alpha=0.55, zorder=2)


def draw_labelled(axes: Axes, grid: Arrays, rounds: RoundColours, size: float = 17.0) -> None:
    """Draw the labelled points: the marker is the class, the colour the round that queried them; white: initial.

    Args:
        axes: Where they are drawn.
        grid: The observer's arrays, with labelled_inputs, labelled_classes and labelled_round.
        rounds: The colour of each round.
        size: Of the markers, in square points.
    """
    for index in np.unique(grid["labelled_classes"]):
        mine = grid["labelled_classes"] == index
        points, query_rounds = grid["labelled_inputs"][mine], grid["labelled_round"][mine]
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=size,
            marker=CLASS_MARKERS[int(index) % len(CLASS_MARKERS)],
            c=[rounds.colour(int(number)) for number in query_rounds],
            edgecolors=INK,
            linewidths=0.6,
            zorder=3,
        )


class RoundColours:
    """One colour for each round that queries, from light to dark, so that the order shows in grey print too."""

    def __init__(self, num_rounds: int) -> None:
        steps = np.linspace(0, 1, max(num_rounds, 2))
        ramp = LinearSegmentedColormap.from_list("rounds", ["#ffe45c", "#f58f5a", "#d0436f", "#7a1f7a", "#1d0f3d"])
        self.colours = [ramp(step) for step in steps][: max(num_rounds, 1)]

    def colour(self, number: int) -> tuple[float, float, float, float]:
        """Return the colour of a round; white for -1, the initial labels."""
        return (1.0, 1.0, 1.0, 1.0) if number < 0 else self.colours[min(number, len(self.colours) - 1)]

    def draw_scale(self, figure: Figure, place: Axes) -> None:
        """Draw the legend of the rounds into an axes of its own; the initial labels are its first step."""
        count = len(self.colours)
        colours = ListedColormap([self.colour(number) for number in range(-1, count)])
        norm = BoundaryNorm(np.arange(-1.5, count), count + 1)
        bar = figure.colorbar(ScalarMappable(norm, colours), cax=place)
        numbers = list(range(0, count, max(1, count // 10)))
        bar.set_ticks([-1, *numbers], labels=["initial", *(str(number) for number in numbers)])
        place.minorticks_off()
        bar.set_label("round of the query")


def class_handles(names: Sequence[str]) -> list[Artist]:
    """Return legend entries for the markers of the classes."""
    return [
        Line2D([], [], linestyle="", marker=CLASS_MARKERS[place % 10], markerfacecolor="white", markeredgecolor=INK,
               markersize=5.5, label=f"label: {clip_name(name)}")
        for place, name in enumerate(names)
    ]  # fmt: skip


def boundary_handles() -> list[Artist]:
    """Return legend entries for the contours of the mean probability."""
    return [
        Line2D([], [], color=INK, linewidth=1.0, label="mean probability 0.5"),
        Line2D([], [], color=INK, linewidth=0.8, linestyle="dotted", label=f"{UNDECIDED[0]:g} and {UNDECIDED[1]:g}"),
    ]


def draw_probability_scale(figure: Figure, place: Axes, class_name: str) -> None:
    """Draw the scale of the probability surface into an axes of its own.

    Args:
        figure: The figure.
        place: The axes.
        class_name: The class whose probability it is.
    """
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), PROBABILITY_COLOURS), cax=place)
    bar.set_label(f"mean probability of\n“{clip_name(class_name, 17)}”", fontsize=8)
    bar.set_ticks([0, UNDECIDED[0], 0.5, UNDECIDED[1], 1])
