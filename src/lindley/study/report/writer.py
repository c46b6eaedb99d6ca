"""report.html and its figures and tables, made from an output folder alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lindley.files import write_atomically
from lindley.session.locks import FileLock
from lindley.study.comparison.outputs import (
    UNTESTED_TABLES,
    ExperimentComparison,
    compare,
    csv_rows,
    explain_comparison,
    explain_missing_comparisons,
)
from lindley.study.comparison.outputs import tables as comparison_tables
from lindley.study.comparison.paired import Comparison, Verdict
from lindley.study.figures.catalogue import draw_figures
from lindley.study.figures.style import StudyFigure
from lindley.study.folder import LOCK_NAME, PATIENCE_SECONDS, require_study
from lindley.study.read_results import load_results
from lindley.study.report import html
from lindley.study.report.claims import TESTS_NOTE, Claim, judge_claims
from lindley.study.report.run_details import (
    describe_continuations,
    describe_excluded,
    describe_label_counting,
    describe_unequal_first_fits,
    describe_unfinished,
    environments_table,
    settings_table,
)
from lindley.study.report.tables import EXPERIMENT_TABLES, Table, write_csv, write_rounds
from lindley.study.report.tables_information import information_table
from lindley.study.report.tables_queried import minority_recall_table, query_kinds_table
from lindley.study.report.tables_transfer import transfer_table
from lindley.study.results import ExperimentResults, StudyResults

_SECTIONS = (
    ("comparison", "Labels to reach an accuracy"),
    ("claims", "Claims of the seed project"),
    ("figures", "Figures"),
    ("tables", "Further tables"),
    ("run-details", "Run details"),
)
_TABLES: Mapping[str, Callable[[ExperimentResults], Table | None]] = {
    **EXPERIMENT_TABLES,
    "Queried rows": query_kinds_table,
    "Recall of minority classes": minority_recall_table,
    "Information by batch size": information_table,
    "Transfer to other models": transfer_table,
}
"""The tables of an experiment by heading; None where an experiment lacks the data for one."""
_TABLES_OF_FIGURE: Mapping[int, tuple[str, ...]] = {
    3: ("Accuracy by number of labels", "NLL by number of labels", "Labels to reach and keep an accuracy"),
    4: ("Information by batch size",),
    5: ("Accuracy by number of labels", "Labels to reach and keep an accuracy"),
    6: ("Transfer to other models",),
}
"""The tables below each figure, which hold its numbers. All other tables come after the figures."""
_COMPARISON_COLUMNS = (
    "experiment",
    "part",
    "comparison",
    "medians",
    "difference",
    "pairs",
    "pairs in favour",
    "p for",
    "p against",
    "result",
)


def write_report(out: str | os.PathLike[str]) -> Path:
    """Write OUT/figures, OUT/tables and OUT/report.html from the journals in OUT; return the path of the page.

    Several processes that finish a study at the same time write one after the other.
    Raises InputError where OUT holds no study, JournalError where a journal is damaged.
    """
    out = Path(out)
    require_study(out)
    with FileLock(out / LOCK_NAME, timeout=PATIENCE_SECONDS):
        return _write_report(out)


def _write_report(out: Path) -> Path:
    results = load_results(out, check_arrays=True)
    claims = judge_claims(results)
    compared = compare(results)
    experiments = [experiment for experiment in results.experiments if experiment.trials]
    tables = {
        heading: {experiment.name: table for experiment in experiments if (table := make(experiment)) is not None}
        for heading, make in _TABLES.items()
    }
    all_tables = [table for by_experiment in tables.values() for table in by_experiment.values()]
    details = [settings_table(results), environments_table(results)]
    drawn, not_drawn = draw_figures(results, out / "figures")
    additional = [
        content
        for experiment in compared
        for content in comparison_tables(experiment)
        if content.name.startswith(UNTESTED_TABLES)
    ]
    _write_tables(out / "tables", results, [*all_tables, *additional, *details], claims)
    header, *rows = csv_rows(compared)
    write_csv(out / "tables" / "comparison.csv", [str(name) for name in header], rows)
    sections = (
        _comparison_section(compared, explain_missing_comparisons(results, compared)),
        [*(_claim_card(claim) for claim in claims), html.paragraph(TESTS_NOTE, css_class="note")],
        _figures_section(drawn, not_drawn, tables),
        [
            html.table_group(heading, [*by_experiment.values()])
            for heading, by_experiment in tables.items()
            if by_experiment
        ],
        _run_details_section(results, details),
    )
    written = [(section, pieces) for section, pieces in zip(_SECTIONS, sections, strict=True) if pieces]
    body = _page_top(results, [section for section, _ in written], _headlines(compared))
    for (anchor, heading), pieces in written:
        body += [html.heading(heading, anchor=anchor), *pieces]
    path = out / "report.html"
    write_atomically(path, html.page(results.title, body).encode())
    return path


def _headlines(compared: Sequence[ExperimentComparison]) -> list[str]:
    """Return the results for the first screen, by experiment, and the experiments without a detected difference."""
    several = len(compared) > 1
    results = [
        f"{experiment.title}: {each}" if several else each for experiment in compared for each in experiment.headlines
    ]
    silent = [experiment.title for experiment in compared if not any(each.is_detected for each in experiment.contrasts)]
    where = f" in {'; '.join(silent)}" if several else ""
    return [*results, f"No difference is detected{where}: see “{_SECTIONS[0][1]}”."] if silent else results


def _page_top(results: StudyResults, written: Sequence[tuple[str, str]], headlines: Sequence[str]) -> list[str]:
    trials = [trial for experiment in results.experiments for trial in experiment.trials]
    expected = sum(len(experiment.expected) for experiment in results.experiments)
    finished = sum(
        trial.complete and (trial.acquisition, trial.seed) in experiment.expected
        for experiment in results.experiments
        for trial in experiment.trials
    )
    seeds = sorted({trial.seed for trial in trials})
    rounds = sum(len(trial.rounds) for trial in trials)
    facts = [
        ("Study", results.name),
        ("Data", ", ".join(dict.fromkeys(experiment.config["data"]["name"] for experiment in results.experiments))),
        ("Trials finished", f"{finished} of {expected}"),
        ("Seeds", f"{seeds[0]}–{seeds[-1]}" if len(seeds) > 1 else ", ".join(map(str, seeds)) or "none yet"),
        ("Models fitted", str(rounds)),
    ]
    pieces = [
        html.title(results.title),
        *([html.paragraph(results.description, css_class="lead")] if results.description else []),
        *([html.summary("Main results", headlines)] if headlines else []),
        html.paragraph(
            "Active learning queries the labels that should inform a model most. This report compares acquisitions, "
            "the rules that choose these rows, by the accuracy and the quality of the probabilities that the model "
            "reaches with a number of labels."
        ),
        html.facts(facts),
        html.contents(written),
    ]
    if missing := describe_unfinished(results):
        pieces.append(html.notice("This study is not complete. The results below use the trials that exist:", missing))
    if excluded := describe_excluded(results):
        pieces.append(html.notice("These trials are in the folder but are not counted:", excluded))
    return pieces


def _comparison_section(compared: Sequence[ExperimentComparison], others: Sequence[str]) -> list[str]:
    """Return the verdicts of each experiment with their tables; experiments without a comparison come last."""
    pieces = []
    for experiment in compared:
        pieces += [html.part_heading(experiment.title), html.bullets(experiment.verdicts)]
        pieces += [
            html.collapsible(table.title, html.table_group("", [table])) for table in comparison_tables(experiment)
        ]
    pieces += [html.paragraph(text) for text in others]
    return [*pieces, html.paragraph(explain_comparison(compared), css_class="note")] if compared else pieces


def _claim_card(claim: Claim) -> str:
    content = [html.paragraph(claim.summary)]
    if claim.parts:
        content.append(html.findings([_claim_finding(*part) for part in claim.parts]))
    content += [html.paragraph(note, css_class="note") for note in claim.notes]
    if claim.comparisons:
        content.append(_evidence("Evidence", claim.comparisons))
    if claim.additional:
        content.append(_evidence("The same comparison for larger batches", claim.additional))
    return html.card(f"{claim.number}. {claim.statement}", claim.verdict, content)


def _claim_finding(
    experiment: str, part: str, verdict: Verdict, comparisons: Sequence[Comparison]
) -> tuple[str, str, str]:
    evidence = [f"{each.medians} ({each.num_agreeing} of {each.pairs} seeds in favour)" for each in comparisons]
    return f"{experiment}, {part}", verdict.removesuffix(" here"), "; ".join(evidence) + ("." if evidence else "")


def _evidence(title: str, comparisons: Sequence[Comparison]) -> str:
    return html.collapsible(
        title, html.table(_COMPARISON_COLUMNS, [_row(each) for each in comparisons], label=title, text_columns=5)
    )


def _row(comparison: Comparison) -> tuple[str, ...]:
    return (
        comparison.experiment,
        comparison.part,
        comparison.description,
        comparison.medians,
        comparison.difference,
        str(comparison.pairs),
        str(comparison.num_agreeing),
        f"{comparison.p_for:.3g}",
        f"{comparison.p_against:.3g}",
        comparison.result,
    )


def _figures_section(
    drawn: Sequence[tuple[StudyFigure, Path]], left_out: Sequence[str], tables: Mapping[str, dict[str, Table]]
) -> list[str]:
    """Return each figure followed by its tables, which are removed from `tables` so that each appears once.

    Several figures of one kind and experiment have their tables below the last.
    """
    pieces = []
    for place, (figure, png) in enumerate(drawn):
        later = [
            each
            for each, _ in drawn[place + 1 :]
            if (each.number, each.experiments) == (figure.number, figure.experiments)
        ]
        title = f"Figure {figure.number}. {figure.title}"
        pieces.append(html.figure_block(png, title=title, caption=figure.caption, anchor=figure.name))
        for heading in () if later else _TABLES_OF_FIGURE.get(figure.number, ()):
            found = [tables[heading].pop(name) for name in figure.experiments if name in tables[heading]]
            if found:
                pieces.append(html.table_group(heading, found))
    return pieces + [html.paragraph(text, css_class="note") for text in left_out]


def _run_details_section(results: StudyResults, tables: Sequence[Table]) -> list[str]:
    pieces = [
        html.paragraph(text) for text in (*describe_label_counting(results), *describe_unequal_first_fits(results))
    ]
    if changed := describe_continuations(results):
        pieces.append(html.paragraph("Trials that continued under other conditions than they started with:"))
        pieces.append(html.bullets(changed))
    pieces.append(
        html.paragraph("Information and NLL are shown in bits; the journals hold nats (1 nat = 1.4427 bits).")
    )
    pieces += [html.collapsible(table.title, html.table_group("", [table])) for table in tables]
    where = "This report uses only the journals in trials/. Figures are in figures/ as PNG and PDF, tables in tables/."
    return [*pieces, html.footer(where)]


def _write_tables(folder: Path, results: StudyResults, tables: Sequence[Table], claims: Sequence[Claim]) -> None:
    """Write tables/*.csv, then remove the files of experiments that no longer exist."""
    kept = {f"{content.name}.csv" for content in tables} | {"rounds.csv", "claims.csv", "comparison.csv"}
    for content in tables:
        write_csv(folder / f"{content.name}.csv", content.columns, content.rows)
    write_rounds(results, folder / "rounds.csv")
    rows = [
        (claim.number, claim.verdict, *_row(each))
        for claim in claims
        for each in (*claim.comparisons, *claim.additional)
    ]
    write_csv(folder / "claims.csv", ("claim", "verdict", *_COMPARISON_COLUMNS), rows)
    for stale in folder.glob("*.csv"):
        if stale.name not in kept:
            stale.unlink()
