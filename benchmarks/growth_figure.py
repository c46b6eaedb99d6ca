"""The figure of growth.py: seconds and memory over N, b, K and C, all axes logarithmic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from lindley.study.figures.style import FAINT, StudyFigure, new_figure, plot_settings, save
from lindley.study.plot_style import plot_style

LABELS = {"N": "rows N", "b": "batch b", "K": "draws K", "C": "classes C"}
QUANTITIES = {"seconds": "seconds", "added_mib": "added memory, MiB"}
_LEAST = {"seconds": 1e-3, "added_mib": 1.0}
"""What is below is drawn there: a page of memory or a tick of the clock is no measurement."""


def draw_growth(rows: Sequence[Mapping[str, str]], folder: Path) -> Path:
    """growth.png and growth.pdf; returns the PNG.

    A case belongs to the panel of a letter when all others have the value that is commonest in the rows.
    """
    letters = list(LABELS)
    base = {letter: _commonest([row[letter] for row in rows]) for letter in letters}
    with plot_settings():
        figure = new_figure(10.0, 5.0)
        panels = figure.subplots(len(QUANTITIES), len(letters), sharey="row", sharex="col", squeeze=False)
        for line, (quantity, title) in zip(panels, QUANTITIES.items(), strict=True):
            for axes, letter in zip(line, letters, strict=True):
                others = [other for other in letters if other != letter]
                inside = [row for row in rows if all(row[other] == base[other] for other in others)]
                _panel(axes, inside, letter, quantity)
            line[0].set_ylabel(title)
            line[0].set_ylim(bottom=0.6 * _LEAST[quantity])
        for axes, letter in zip(panels[-1], letters, strict=True):
            axes.set_xlabel(LABELS[letter])
        panels[0][0].legend(loc="upper left")
        caption = ", ".join(f"{letter} = {int(value):,}" for letter, value in base.items())
        figure.suptitle(f"one letter grows at a time, the others stay at {caption}; dotted: in proportion", fontsize=9)
    return save(StudyFigure(0, "growth", figure, "Growth of time and memory", caption, ()), folder)


def _panel(axes: Axes, rows: Sequence[Mapping[str, str]], letter: str, quantity: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for method in dict.fromkeys(row["method"] for row in rows):
        points = sorted((int(row[letter]), float(row[quantity])) for row in rows if row["method"] == method)
        xs, ys = [x for x, _ in points], [max(y, _LEAST[quantity]) for _, y in points]
        style = plot_style(method)
        axes.plot(xs, ys, color=style.colour, linestyle=style.line, marker=style.marker, label=style.title)
        if method == "batchbald" and len(xs) > 1:
            axes.plot(xs, [ys[-1] * x / xs[-1] for x in xs], color=FAINT, linestyle=":", linewidth=1, zorder=1)


def _commonest(values: Sequence[str]) -> str:
    return max(sorted(set(values)), key=values.count)
