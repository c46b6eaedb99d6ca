"""Figure 6: accuracy of other models on the labels that were acquired, beside that of the model that asked."""

from __future__ import annotations

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.curves import learning_curve
from lindley.study.figures.style import Drawn, draw_curve, head, legend_below, new_figure, stretch_accuracy, styled
from lindley.study.report.tables_transfer import OWN, metric_of, transfer_models
from lindley.study.results import PanelResults, StudyResults

NUMBER = 6
TITLE = "Transfer"
NEEDS = "a panel with observe.transfer, measured in two rounds"


def draw(results: StudyResults) -> list[Drawn]:
    """Draw one figure for each panel, with one picture for each model."""
    return [_draw_panel(panel) for panel in results.panels if _measured(panel)]


def _measured(panel: PanelResults) -> bool:
    models = transfer_models(panel)
    return bool(models) and len(learning_curve(panel.trials, metric_of(models[0])).labels) > 1


def _draw_panel(panel: PanelResults) -> Drawn:
    pictures = {"the model that asked": OWN, **{model: metric_of(model) for model in transfer_models(panel)}}
    with styled():
        figure = new_figure(max(3.7 * len(pictures), 7.4), 4.3)
        all_axes = figure.subplots(1, len(pictures))
        for axes, (title, metric) in zip(all_axes, pictures.items(), strict=True):
            curves = {name: learning_curve(panel.of(name), metric) for name in panel.acquisitions}
            for name, curve in curves.items():
                draw_curve(axes, curve, name, scale=100)
            ends = [100 * end for curve in curves.values() for side in (curve.low, curve.high) for end in side]
            stretch_accuracy(axes, ends)
            axes.set(xlabel="labels (the initial ones included)", title=title)
        all_axes[0].set_ylabel(METRICS["accuracy"].axis_label)
        legend_below(figure, all_axes[0])
        head(figure, f"{panel.title}: what other models learn from the same labels")
    name = f"figure-6-transfer-{panel.name}"
    return Drawn(NUMBER, name, figure, f"{TITLE}, {panel.title}", _caption(panel), (panel.name,))


def _caption(panel: PanelResults) -> str:
    curve = learning_curve(panel.trials[:1] and panel.of(panel.acquisitions[0]), OWN)
    seeds = int(curve.count.max())
    drawn = "One seed, so there is no band." if seeds == 1 else f"Line: median over {seeds} seeds; veil: {curve.band}."
    return (
        f"{drawn} On the left the model that asked for the labels, then others, fitted on the very same labels. "
        "Where a line is above random’s on the left only, the labels are good for the model that chose them and no "
        "better than any for another. The accuracy axes are stretched: equal steps halve the error."
    )
