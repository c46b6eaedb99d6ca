"""The report of a labelling project: one self-contained report.html in its folder, the accuracy first."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lindley import __version__
from lindley.apps.project_status import SIGN, advice_line, summary_lines
from lindley.apps.status_tables import StatusTable, curve_points, describe_acquisition, status_tables
from lindley.files import write_atomically
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.status_records import ProjectStatus
from lindley.study.figures.style import FAINT, INK, new_figure, plot_settings
from lindley.study.report import html
from lindley.text import count_noun

FILE_NAME = "report.html"
_COLOUR, _OTHER = "#0b62b0", "#b35c00"


def write_project_report(folder: Path, *, beside: Path | None = None) -> Path:
    """Write the report of a project into its folder, and return the path.

    Args:
        folder: The folder of the project.
        beside: The folder of another project, whose learning curve is drawn too.
    """
    with Project.open(folder) as project:
        status, settings = project.status(), project.settings
    other = None
    if beside is not None:
        with Project.open(beside) as project:
            other = project.status(), project.settings
    body = [*_first_screen(status, folder), *_figures(status, settings, other)]
    for table in status_tables(status):
        body += [html.part_heading(table.title), _table(table)]
    body += [html.part_heading("Settings"), _table(_settings_table(status, settings))]
    body.append(html.footer(f"Written by lindley {__version__} from {folder.absolute().name}."))
    path = folder / FILE_NAME
    write_atomically(path, html.page(f"Labels of {status.name}", body).encode())
    return path


def draw_learning_curves(curves: Sequence[tuple[str, ProjectStatus]]) -> Figure:
    """Return a figure of accuracy against labels, with the intervals of each project.

    Args:
        curves: Each project with the name of its curve; the first is drawn in front.
    """
    with plot_settings():
        figure = new_figure(5.2, 3.3)
        axes = figure.subplots()
        for place, (name, status) in reversed([*enumerate(curves)]):
            _draw_curve(axes, name, status, (_COLOUR, _OTHER)[place], "o-" if place == 0 else "s--")
        axes.set(xlabel="labels (test labels included)", ylabel="accuracy in %", ylim=(0, 100))
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(curves) > 1:
            handles, names = axes.get_legend_handles_labels()
            axes.legend(handles[::-1], names[::-1], loc="lower right")
        return figure


def _draw_curve(axes: Axes, name: str, status: ProjectStatus, colour: str, style: str) -> None:
    points = curve_points(status)
    labels = [each.num_labels for each in points]
    low, share, high = (100 * np.array([getattr(each, name) for each in points]) for name in ("low", "share", "high"))
    axes.fill_between(labels, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(labels, share, style, color=colour, label=name)


def _draw_reliability(status: ProjectStatus) -> Figure:
    assert status.calibration is not None
    with plot_settings():
        figure = new_figure(5.2, 3.3)
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=":")
        confidence, share, low, high = (
            100 * np.array([getattr(each, name) for each in status.calibration.bins])
            for name in ("confidence", "share", "low", "high")
        )
        axes.errorbar(
            confidence, share, yerr=(share - low, high - share), fmt="o", color=_COLOUR, ecolor=INK, elinewidth=1
        )
        axes.set(xlabel="confidence in %", ylabel="accuracy in %", xlim=(0, 100), ylim=(0, 100))
        return figure


def _first_screen(status: ProjectStatus, folder: Path) -> list[str]:
    first, *others = summary_lines(status, folder)
    signs = [line.removeprefix(SIGN) for line in others if line.startswith(SIGN)]
    advice = advice_line(status, folder)
    facts = [line for line in others if not line.startswith(SIGN) and line != advice]
    return [
        html.title(status.name),
        html.paragraph(first, css_class="answer"),
        html.bullets(facts),
        html.paragraph(advice),
        *([html.bullets(signs)] if signs else []),
    ]


def _figures(
    status: ProjectStatus, settings: ProjectSettings, other: tuple[ProjectStatus, ProjectSettings] | None
) -> list[str]:
    blocks = []
    if status.curve:
        curves = [(settings.acquisition, status)]
        tests = count_noun(status.curve[-1].num_test, "random test label")
        caption = f"Accuracy of each round's model, from {tests}. Shaded: 95 % intervals."
        if other is not None:
            curves.append((other[1].acquisition, other[0]))
            caption += f" Dashed: the project {other[0].name}, measured with its own test labels."
        blocks.append(_figure_block(draw_learning_curves(curves), "Learning curve", caption, "learning-curve"))
    if status.calibration is not None:
        caption = "Accuracy against the model's confidence. On the dotted line both are equal. Bars: 95 % intervals."
        blocks.append(_figure_block(_draw_reliability(status), "Calibration", caption, "calibration"))
    return blocks


def _figure_block(figure: Figure, title: str, caption: str, anchor: str) -> str:
    with tempfile.TemporaryDirectory() as folder, plot_settings():
        path = Path(folder) / "figure.png"
        figure.savefig(path, dpi=200)
        return html.figure_block(path, title=title, caption=caption, anchor=anchor)


def _table(table: StatusTable) -> str:
    text_columns = len(table.columns) if table.is_text else 1
    note = html.paragraph(table.note, css_class="note") if table.note else ""
    return html.table(table.columns, table.rows, label=table.title, text_columns=text_columns, wraps=True) + note


def _settings_table(status: ProjectStatus, settings: ProjectSettings) -> StatusTable:
    acquisition = describe_acquisition(settings.acquisition)
    rows = [
        ("kind of data", settings.kind),
        ("items", f"{status.num_items:,} from {status.num_entries:,} entries (exact copies are one item)"),
        ("features", settings.features or f"the default for {settings.kind}"),
        ("acquisition", f"{acquisition}, batches of {settings.batch_size}, {settings.num_draws} posterior draws"),
        ("test labels", f"every third label until there are {settings.test_labels}, then every tenth"),
        ("target accuracy", "none" if settings.target is None else f"{100 * settings.target:g} %"),
        ("people per item", _describe_people(settings)),
        ("seed", str(settings.seed)),
    ]
    return StatusTable("Settings", ("setting", "value"), tuple(rows), is_text=True)


def _describe_people(settings: ProjectSettings) -> str:
    people = settings.people_per_item
    share = f", and {people + 1} for a random {100 * settings.double_share:g} %" if settings.double_share else ""
    return f"{people}{share}"
