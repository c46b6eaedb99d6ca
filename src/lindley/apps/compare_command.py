"""`lindley compare`: what the journals of a folder say of its acquisitions, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table as RichTable

from lindley.apps.console import PlainConsole
from lindley.apps.output_file import check_out, write_out
from lindley.apps.printing import print_message
from lindley.errors import InputError
from lindley.study.comparison.outputs import (
    ExperimentComparison,
    as_json,
    compare,
    csv_rows,
    explain_comparison,
    explain_missing_comparisons,
    tables,
)
from lindley.study.read_results import load_results
from lindley.study.report.run_details import describe_excluded, describe_unequal_first_fits, describe_unfinished
from lindley.study.report.tables import Table
from lindley.text import visible

_WIDTH = 100
"""Columns of a text that does not go to a terminal."""
_NARROWEST = 12
"""Columns of names and words that are broken into several lines."""
_LEFT_OUT = ("p", "minimum detectable difference", "detected", "seeds")
"""Columns that a narrow terminal does without, one after the other: sentences, CSV and JSON have them all."""


def compare_folder(
    folder: Path,
    *,
    against: str | None = None,
    percent: float | None = None,
    format: str | None = None,
    out: Path | None = None,
) -> None:
    """Print the comparison, or write it to `out`, in the format that is named or that its ending says, else as text.

    Raises InputError for a folder without a study, an acquisition that has no trial, an unknown format, an accuracy
    that is no percentage, and where nothing can be compared.
    """
    check_out(out)
    endings = {".json": "json", ".csv": "csv"}
    format = format or ("text" if out is None else endings.get(out.suffix.lower(), "text"))
    if format not in _FORMATS:
        raise InputError(f'--format is "{format}"; allowed: {", ".join(_FORMATS)}.')
    if percent is not None and not 1 < percent <= 100:  # nor NaN
        raise InputError(f"--accuracy is {percent:g}; it is in percent, above 1 and up to 100: 95, not 0.95.")
    results = load_results(folder)
    found = compare(results, against, accuracy=None if percent is None else _share(percent))
    if not found:
        for said in describe_excluded(results):
            print_message(said)
        raise InputError(f"{folder}: {' '.join(explain_missing_comparisons(results, found, against))}")
    if missing := describe_unfinished(results):
        print_message(f"Trials that are not finished: {len(missing)}. What there is of them counts.")
    for said in (
        *describe_excluded(results),
        *describe_unequal_first_fits(results),
        *explain_missing_comparisons(results, found, against),
    ):
        print_message(said)
    write_out(out, _FORMATS[format](found))


def _share(percent: float) -> float:
    """95.01 / 100 is more than the accuracy 0.9501."""
    return round(percent / 100, 12)


def _as_text(found: Sequence[ExperimentComparison]) -> str:
    """As wide as the terminal. In a file every sentence is one line, to be searched for."""
    there = PlainConsole()
    console = PlainConsole(file=io.StringIO(), width=there.width if there.is_terminal else _WIDTH, force_terminal=False)
    for panel in found:
        console.print(panel.title, style="bold")
        for sentence in (*panel.headlines, *panel.verdicts):
            if there.is_terminal:
                console.print(Padding(sentence, (0, 0, 0, 2)))
            else:
                console.print(f"  {sentence}", soft_wrap=True)
        for table in tables(panel):
            console.print()
            console.print(_drawn(table, console.width))
    console.print(explain_comparison(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _drawn(table: Table, width: int) -> RichTable:
    """Headings wrap between words, and they and names within words, where they must; cells with numbers do not."""
    cells = {column: [visible(row[place]) for row in table.rows] for place, column in enumerate(table.columns)}
    widths = {column: max(map(cell_len, [column, *below])) for column, below in cells.items()}
    if _total(widths) > width:
        widths = {
            column: max([min(_NARROWEST, max(map(cell_len, column.split()))), *map(cell_len, below)])
            for column, below in cells.items()
        }
    for column in _LEFT_OUT:
        if _total(widths) > width:
            widths.pop(column, None)
    names = next(iter(widths))
    widths[names] = max(min(widths[names], _NARROWEST), widths[names] - max(0, _total(widths) - width))
    drawn = RichTable(title=visible(table.title), box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    for column, room in widths.items():
        drawn.add_column(column, justify="right" if drawn.columns else "left", width=room, overflow="fold")
    for row in zip(*(cells[column] for column in widths), strict=True):
        drawn.add_row(*row)
    return drawn


def _total(widths: Mapping[str, int]) -> int:
    """Columns of the terminal, with two between those of the table and one before the first."""
    return sum(widths.values()) + 2 * len(widths) + 1


def _as_json(found: Sequence[ExperimentComparison]) -> str:
    return json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n"


def _as_csv(found: Sequence[ExperimentComparison]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(csv_rows(found))
    return text.getvalue()


_FORMATS: dict[str, Callable[[Sequence[ExperimentComparison]], str]] = {
    "text": _as_text,
    "json": _as_json,
    "csv": _as_csv,
}
