"""report.html and its figures and tables, made from an output folder alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lindley.session.files import write_atomically
from lindley.session.locks import FileLock
from lindley.study.comparison.outputs import BESIDE, PanelComparison, compare, csv_rows, how_compared, not_compared
from lindley.study.comparison.outputs import tables as comparison_tables
from lindley.study.comparison.paired import Comparison, Verdict
from lindley.study.figures.catalogue import draw_figures
from lindley.study.figures.style import Drawn
from lindley.study.folder import LOCK_NAME, PATIENCE_SECONDS, refuse_without_study
from lindley.study.read_results import load_results
from lindley.study.report import html
from lindley.study.report.claims import HOW_TESTED, Conclusion, draw_conclusions
from lindley.study.report.run_details import (
    changes,
    environments,
    label_counting,
    left_out,
    settings,
    unfinished,
    unlike_beginnings,
)
from lindley.study.report.tables import PANEL_TABLES, Table, write_csv, write_rounds
from lindley.study.report.tables_information import information_growth
from lindley.study.report.tables_queried import queried_kinds, rare_recall
from lindley.study.report.tables_transfer import transfer
from lindley.study.results import PanelResults, StudyResults

_SECTIONS = (
    ("compared", "Who needs fewer labels"),
    ("conclusions", "Four conclusions, tried here"),
    ("figures", "Figures"),
    ("tables", "More tables"),
    ("made", "How it was made"),
)
_TABLES: Mapping[str, Callable[[PanelResults], Table | None]] = {
    **PANEL_TABLES,
    "What was asked": queried_kinds,
    "Recall of rare classes": rare_recall,
    "Information as the batch grows": information_growth,
    "For another model": transfer,
}
"""The panels' tables by their heading; None where a panel has nothing for one."""
_BESIDE: Mapping[int, tuple[str, ...]] = {
    3: ("Accuracy as the labels come", "NLL as the labels come", "Labels needed to reach an accuracy"),
    4: ("Information as the batch grows",),
    5: ("Accuracy as the labels come", "Labels needed to reach an accuracy"),
    6: ("For another model",),
}
"""The tables that stand under a figure: its numbers. All others, and those that no figure shows, come after."""
_COMPARISON_COLUMNS = (
    "data",
    "part",
    "compared",
    "medians",
    "difference",
    "pairs",
    "agreeing",
    "p for it",
    "p against it",
    "reading",
)


def write_report(out: str | os.PathLike[str]) -> Path:
    """Write OUT/figures, OUT/tables and OUT/report.html from the journals in OUT; returns the path of the page.

    Processes that run into OUT and end together write one after the other.
    Raises InputError where OUT holds no study, JournalError where a journal is damaged.
    """
    out = Path(out)
    refuse_without_study(out)
    with FileLock(out / LOCK_NAME, timeout=PATIENCE_SECONDS):
        return _write_report(out)


def _write_report(out: Path) -> Path:
    results = load_results(out, with_arrays=True)
    conclusions = draw_conclusions(results)
    compared = compare(results)
    panels = [panel for panel in results.panels if panel.trials]
    tables = {
        heading: {panel.name: table for panel in panels if (table := make(panel)) is not None}
        for heading, make in _TABLES.items()
    }
    all_tables = [table for by_panel in tables.values() for table in by_panel.values()]
    made = [settings(results), environments(results)]
    drawn, not_drawn = draw_figures(results, out / "figures")
    beside = [content for panel in compared for content in comparison_tables(panel) if content.name.startswith(BESIDE)]
    _write_tables(out / "tables", results, [*all_tables, *beside, *made], conclusions)
    header, *rows = csv_rows(compared)
    write_csv(out / "tables" / "comparison.csv", [str(name) for name in header], rows)
    sections = (
        _compared(compared, not_compared(results, compared)),
        [*(_card(conclusion) for conclusion in conclusions), html.paragraph(HOW_TESTED, kind="note")],
        _figures(drawn, not_drawn, tables),
        [html.table_group(heading, [*by_panel.values()]) for heading, by_panel in tables.items() if by_panel],
        _made(results, made),
    )
    written = [(section, pieces) for section, pieces in zip(_SECTIONS, sections, strict=True) if pieces]
    body = _top(results, [section for section, _ in written], _headlines(compared))
    for (anchor, heading), pieces in written:
        body += [html.heading(heading, anchor=anchor), *pieces]
    path = out / "report.html"
    write_atomically(path, html.page(results.title, body).encode())
    return path


def _headlines(compared: Sequence[PanelComparison]) -> list[str]:
    """What the first screen says, by panel, and in which panels nothing is detected."""
    several = len(compared) > 1
    said = [f"{panel.title}: {each}" if several else each for panel in compared for each in panel.headlines]
    silent = [panel.title for panel in compared if not any(each.detected for each in panel.contrasts)]
    where = f" in {'; '.join(silent)}" if several else ""
    return [*said, f"No difference is detected{where}: see “{_SECTIONS[0][1]}”."] if silent else said


def _top(results: StudyResults, written: Sequence[tuple[str, str]], headlines: Sequence[str]) -> list[str]:
    trials = [trial for panel in results.panels for trial in panel.trials]
    wanted = sum(len(panel.wanted) for panel in results.panels)
    finished = sum(
        trial.complete and (trial.acquisition, trial.seed) in panel.wanted
        for panel in results.panels
        for trial in panel.trials
    )
    seeds = sorted({trial.seed for trial in trials})
    rounds = sum(len(trial.rounds) for trial in trials)
    facts = [
        ("Study", results.name),
        ("Data", ", ".join(dict.fromkeys(panel.config["data"]["name"] for panel in results.panels))),
        ("Trials finished", f"{finished} of {wanted}"),
        ("Seeds", f"{seeds[0]}–{seeds[-1]}" if len(seeds) > 1 else ", ".join(map(str, seeds)) or "none yet"),
        ("Models fitted", str(rounds)),
    ]
    pieces = [
        html.title(results.title),
        *([html.paragraph(results.description, kind="lead")] if results.description else []),
        *([html.summary("In short", headlines)] if headlines else []),
        html.paragraph(
            "Active learning asks for the labels that should teach a model most. Here each way of asking "
            "(an acquisition) is compared by how accurate the model becomes, and how good its probabilities, with how "
            "many labels."
        ),
        html.facts(facts),
        html.contents(written),
    ]
    if missing := unfinished(results):
        pieces.append(html.notice("This study is not complete. All that follows stands on what is there:", missing))
    if foreign := left_out(results):
        pieces.append(html.notice("These trials lie in the folder too and do not count:", foreign))
    return pieces


def _compared(compared: Sequence[PanelComparison], others: Sequence[str]) -> list[str]:
    """A panel's verdicts in words, with the tables that they stand on beneath; the panels without any at the end."""
    pieces = []
    for panel in compared:
        pieces += [html.subheading(panel.title), html.bullets(panel.verdicts)]
        pieces += [html.folded(table.title, html.table_group("", [table])) for table in comparison_tables(panel)]
    pieces += [html.paragraph(text) for text in others]
    return [*pieces, html.paragraph(how_compared(compared), kind="note")] if compared else pieces


def _card(conclusion: Conclusion) -> str:
    inside = [html.paragraph(conclusion.summary)]
    if conclusion.parts:
        inside.append(html.findings([_part(*part) for part in conclusion.parts]))
    inside += [html.paragraph(note, kind="note") for note in conclusion.notes]
    if conclusion.comparisons:
        inside.append(_evidence("The numbers it stands on", conclusion.comparisons))
    if conclusion.beside:
        inside.append(_evidence("Larger batches: the same comparison", conclusion.beside))
    return html.card(f"{conclusion.number}. {conclusion.claim}", conclusion.verdict, inside)


def _part(panel: str, part: str, verdict: Verdict, comparisons: Sequence[Comparison]) -> tuple[str, str, str]:
    told = [f"{each.brief} ({each.agreeing} of {each.pairs} seeds agree)" for each in comparisons]
    return f"{panel}, {part}", verdict.removesuffix(" here"), "; ".join(told) + ("." if told else "")


def _evidence(title: str, comparisons: Sequence[Comparison]) -> str:
    return html.folded(
        title, html.table(_COMPARISON_COLUMNS, [_row(each) for each in comparisons], label=title, words=5)
    )


def _row(comparison: Comparison) -> tuple[str, ...]:
    return (
        comparison.panel,
        comparison.part,
        comparison.what,
        comparison.brief,
        comparison.effect,
        str(comparison.pairs),
        str(comparison.agreeing),
        f"{comparison.p_for:.3g}",
        f"{comparison.p_against:.3g}",
        comparison.reading,
    )


def _figures(
    drawn: Sequence[tuple[Drawn, Path]], left_out: Sequence[str], tables: Mapping[str, dict[str, Table]]
) -> list[str]:
    """Each figure with its tables beneath, which are taken out of `tables`; what two figures show stands once.

    Of several figures of one kind and panel, under the last.
    """
    pieces = []
    for place, (figure, png) in enumerate(drawn):
        later = [each for each, _ in drawn[place + 1 :] if (each.number, each.panels) == (figure.number, figure.panels)]
        title = f"Figure {figure.number}. {figure.title}"
        pieces.append(html.picture(png, title=title, caption=figure.caption, anchor=figure.name))
        for heading in () if later else _BESIDE.get(figure.number, ()):
            found = [tables[heading].pop(name) for name in figure.panels if name in tables[heading]]
            if found:
                pieces.append(html.table_group(heading, found))
    return pieces + [html.paragraph(text, kind="note") for text in left_out]


def _made(results: StudyResults, tables: Sequence[Table]) -> list[str]:
    pieces = [html.paragraph(text) for text in (*label_counting(results), *unlike_beginnings(results))]
    if changed := changes(results):
        pieces.append(html.paragraph("Trials that were continued under other conditions than they were begun:"))
        pieces.append(html.bullets(changed))
    pieces.append(
        html.paragraph("Information and NLL are shown in bits; the journals hold nats (1 nat = 1.4427 bits).")
    )
    pieces += [html.folded(table.title, html.table_group("", [table])) for table in tables]
    where = (
        "Made from the journals in trials/ alone. The figures lie in figures/ as PNG and PDF, the tables in tables/."
    )
    return [*pieces, html.footer(where)]


def _write_tables(
    folder: Path, results: StudyResults, tables: Sequence[Table], conclusions: Sequence[Conclusion]
) -> None:
    """Write tables/*.csv, then remove those of panels that are no longer there."""
    kept = {f"{content.name}.csv" for content in tables} | {"rounds.csv", "conclusions.csv", "comparison.csv"}
    for content in tables:
        write_csv(folder / f"{content.name}.csv", content.columns, content.rows)
    write_rounds(results, folder / "rounds.csv")
    rows = [
        (conclusion.number, conclusion.verdict, *_row(each))
        for conclusion in conclusions
        for each in (*conclusion.comparisons, *conclusion.beside)
    ]
    write_csv(folder / "conclusions.csv", ("conclusion", "verdict", *_COMPARISON_COLUMNS), rows)
    for stale in folder.glob("*.csv"):
        if stale.name not in kept:
            stale.unlink()
