"""Figure 5: BALD against BatchBALD, one picture per batch size and data set."""

from __future__ import annotations

import json
import textwrap

from matplotlib.axes import Axes

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.curves import learning_curve
from lindley.study.figures.style import (
    Drawn,
    draw_curve,
    head,
    legend_below,
    name_of,
    new_figure,
    stretch_accuracy,
    styled,
)
from lindley.study.results import PanelResults, StudyResults

NUMBER = 5
TITLE = "BALD and BatchBALD"
NEEDS = "a panel with both bald and batchbald"
_PAIR = ("bald", "batchbald")
_TITLE_WIDTH = 44
"""Letters that one picture has room for."""


def draw(results: StudyResults) -> list[Drawn]:
    """Draw one figure for the study; its panels are ordered by data set and pool, then by batch size."""
    panels = [panel for panel in results.panels if set(_PAIR) <= set(panel.acquisitions)]
    return [_draw_panels(sorted(_once(panels), key=_order))] if panels else []


def _once(panels: list[PanelResults]) -> list[PanelResults]:
    """Keep the panel with most seeds of those with the same settings, which a study may hold for figure 3."""
    kept: dict[str, PanelResults] = {}
    for panel in panels:
        tables = {key: panel.config[key] for key in ("data", "pool", "model", "training", "schedule")}
        same = json.dumps(tables, sort_keys=True)
        if same not in kept or _seeds(panel) > _seeds(kept[same]):
            kept[same] = panel
    return list(kept.values())


def _seeds(panel: PanelResults) -> int:
    return min(len(panel.of(name)) for name in _PAIR)


def _order(panel: PanelResults) -> tuple[str, str, int]:
    pool = json.dumps(panel.config["pool"], sort_keys=True)
    return panel.config["data"]["name"], pool, panel.config["schedule"]["batch_size"]


def _draw_panels(panels: list[PanelResults]) -> Drawn:
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    rows = -(-len(panels) // columns)
    with styled():
        figure = new_figure(max(3.7 * columns, 5.2), 3.2 * rows + 0.8)
        all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, panel in zip(all_axes, panels, strict=False):
            _draw_panel(axes, panel)
        for axes in all_axes[len(panels) :]:
            axes.set_axis_off()
        for axes in all_axes[::columns]:
            axes.set_ylabel(METRICS["accuracy"].axis_label)
        legend_below(figure, all_axes[0])
        head(figure, TITLE)
    names = tuple(panel.name for panel in panels)
    return Drawn(NUMBER, "figure-5-batch-comparison", figure, TITLE, _caption(panels), names)


def _draw_panel(axes: Axes, panel: PanelResults) -> None:
    curves = {name: learning_curve(panel.of(name), "accuracy") for name in _PAIR}
    for name, curve in curves.items():
        draw_curve(axes, curve, name, scale=100)
    stretch_accuracy(axes, [100 * end for curve in curves.values() for end in (curve.low.min(), curve.high.max())])
    batch, seeds = panel.config["schedule"]["batch_size"], _seeds(panel)
    title = panel.title if "batch" in panel.title.lower() else f"{panel.title}, batch {batch}"
    told = f"{name_of(title, 3 * _TITLE_WIDTH)} ({seeds} seed{'' if seeds == 1 else 's'})"
    axes.set_title(textwrap.fill(told, _TITLE_WIDTH))
    axes.set(xlabel="labels (the initial ones included)")


def _caption(panels: list[PanelResults]) -> str:
    bands = sorted({learning_curve(panel.of(name), "accuracy").band for panel in panels for name in _PAIR})
    return (
        f"Line: median over seeds; veil: {' or '.join(bands)}. Where the veils lie over each other all along, no "
        "difference shows. The larger the batch, and the more copies of an image the pool holds, the more BALD asks "
        "for the same thing several times. The accuracy axis is stretched: equal steps halve the error."
    )
