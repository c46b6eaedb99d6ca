"""The style of all figures: colours for all colour vision, markers and line styles that survive grey print.

Figures use matplotlib's object interface and leave no global setting changed.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lindley.files import write_atomically
from lindley.study.comparison.curves import Curve
from lindley.study.plot_style import plot_style
from lindley.text import escape_line

INK, FAINT = "#1f2328", "#8a8f98"

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": "#6b7078",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.7,
    "xtick.color": "#4a4f57",
    "ytick.color": "#4a4f57",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a $ in a user's name is not a formula
}


@dataclass(frozen=True)
class StudyFigure:
    """One figure with its title and caption; `name` is the stem of its files."""

    number: int
    name: str
    figure: Figure
    title: str
    caption: str
    experiments: tuple[str, ...]
    """The names of the experiments that it shows."""


@contextmanager
def plot_settings() -> Iterator[None]:
    """Apply the style of lindley within the context, then restore matplotlib's settings."""
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a name: a box stands for it
        yield


def new_figure(width: float | int, height: float | int) -> Figure:
    """Return an empty figure of this size in inches whose layout cuts nothing."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
    FigureCanvasAgg(figure)
    return figure


def clip_name(text: str, letters: int = 24) -> str:
    """Return a name as a figure shows it: in one line, of limited length, and never hidden from the legend."""
    line = escape_line(text)
    line = line if len(line) <= letters else f"{line[: letters - 1].rstrip()}…"
    return f" {line}" if line.startswith("_") else line  # matplotlib hides what begins with _


def save(drawn: StudyFigure, folder: Path) -> Path:
    """Write folder/name.png at 200 dpi and folder/name.pdf, each whole or not at all; return the PNG.

    The same figure gives the same bytes.
    """
    with plot_settings():
        if drawn.figure.get_layout_engine() is not None:
            drawn.figure.draw_without_rendering()
            drawn.figure.set_layout_engine(
                "none"
            )  # the layout is done; repeating it for each file would double the time
        no_dates = {"CreationDate": None, "ModDate": None}
        for kind, metadata in (("pdf", no_dates), ("png", None)):
            content = io.BytesIO()
            drawn.figure.savefig(content, format=kind, dpi=200, metadata=metadata)
            write_atomically(folder / f"{drawn.name}.{kind}", content.getvalue())
    return folder / f"{drawn.name}.png"


def draw_heading(figure: Figure, text: str, **place: Any) -> None:
    """Draw the heading of a whole figure, in one line or two."""
    width = int(9 * figure.get_figwidth())
    figure.suptitle(textwrap.fill(clip_name(text, 2 * width - 20), width), fontsize=12, fontweight="bold", **place)


def legend_below(figure: Figure, axes: Axes) -> None:
    """Draw a legend of what the axes hold below all, in as many columns as there is room for."""
    handles, names = axes.get_legend_handles_labels()
    place_legend(figure, handles, names, loc="outside lower center", handlelength=3)


def place_legend(figure: Figure, handles: Sequence[Any], names: Sequence[str], **place: Any) -> int:
    """Draw a legend in as many columns as the figure has room for; return the number of its lines.

    Args:
        figure: The figure.
        handles: What is explained.
        names: The text of each.
        **place: Further arguments of matplotlib's legend.
    """
    room, renderer = figure.bbox.width, FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for columns in range(min(len(names), 8), 0, -1):
        legend = figure.legend(handles, names, ncols=columns, **place)
        if columns == 1 or legend.get_window_extent(renderer).width <= room:
            return -(-len(names) // columns)
        legend.remove()
    return 0


def draw_curve(axes: Axes, curve: Curve, acquisition: str, *, scale: float | int = 1.0) -> None:
    """Draw the median as a line with markers and its band; many rounds have fewer markers.

    Args:
        axes: Where it is drawn.
        curve: A metric against labels, in natural units.
        acquisition: Whose colour, marker and name it has.
        scale: What values are multiplied by.
    """
    style = plot_style(acquisition)
    axes.fill_between(curve.labels, curve.low * scale, curve.high * scale, color=style.colour, alpha=0.15, linewidth=0)
    axes.plot(
        curve.labels,
        curve.median * scale,
        color=style.colour,
        linestyle=style.line,
        marker=style.marker,
        markevery=max(1, len(curve.labels) // 12),
        markeredgecolor="white",
        markeredgewidth=0.6,
        label=clip_name(style.title, 40),
    )


def stretch_accuracy(axes: Axes, accuracies: Sequence[float | int]) -> None:
    """Scale an axis of accuracies so that the error is logarithmic: 90 to 95 % is as far as 95 to 97.5 %.

    Args:
        axes: Whose vertical axis is scaled.
        accuracies: What must be in view, in percent; an accuracy of 100 % is drawn as 99.95 % would be.
    """
    axes.set_yscale("function", functions=(_to_stretched, _from_stretched))
    lowest, highest = _to_stretched(min(accuracies)), _to_stretched(max(accuracies))
    room = max(0.05 * (highest - lowest), 0.12 - (highest - lowest) / 2)
    bottom, top = lowest - room, highest + room
    axes.set_ylim(max(_from_stretched(bottom), 0), _from_stretched(top))
    ticks: list[float] = []
    for tick in _ACCURACY_TICKS:
        place = _to_stretched(tick)
        far = not ticks or place - _to_stretched(ticks[-1]) > 0.07 * (top - bottom)
        if bottom <= place <= top and far:
            ticks.append(tick)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


_ACCURACY_TICKS = (0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 93, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5, 99.8, 100)


def _to_stretched(percent: Any) -> Any:
    return -np.log10(np.clip(100.05 - np.asarray(percent, dtype=float), 0.01, None))


def _from_stretched(place: Any) -> Any:
    return 100.05 - np.power(10.0, -np.asarray(place, dtype=float))
