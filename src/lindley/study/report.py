"""report.html and its figures and tables, made from an output folder alone."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lindley.loop.files import write_atomically
from lindley.study import page
from lindley.study.curves import StudyResults, load_results
from lindley.study.figures.catalogue import draw_figures
from lindley.study.tables import PANEL_TABLES, write_csv, write_rounds


def write_report(out: Path) -> Path:
    """Write OUT/figures, OUT/tables and OUT/report.html from the journals in OUT; returns the path of the page.

    Raises InputError where OUT holds no study, JournalError where a journal is damaged.
    """
    out = Path(out)
    results = load_results(out)
    drawn, left_out = draw_figures(results, out / "figures")
    tables = [make(panel) for panel in results.panels if panel.trials for make in PANEL_TABLES]
    for content in tables:
        write_csv(out / "tables" / f"{content.name}.csv", content.columns, content.rows)
    write_rounds(results, out / "tables" / "rounds.csv")
    body = [
        *_top(results),
        page.heading("Figures", anchor="figures"),
        *(page.picture(png, title=figure.title, caption=figure.caption, anchor=figure.name) for figure, png in drawn),
        *(page.paragraph(text, kind="note") for text in left_out),
        page.heading("Tables", anchor="tables"),
        *(page.table_section(content) for content in tables),
    ]
    path = out / "report.html"
    write_atomically(path, page.page(results.title, body).encode())
    return path


def _top(results: StudyResults) -> list[str]:
    trials = [trial for panel in results.panels for trial in panel.trials]
    done = sum(trial.complete for trial in trials)
    wanted = len(trials) + sum(len(panel.missing) for panel in results.panels)
    return [
        f"<h1>{escape(results.title)}</h1>",
        page.paragraph(results.description, kind="lead"),
        page.facts([("Study", results.name), ("Trials finished", f"{done} of {wanted}")]),
    ]
