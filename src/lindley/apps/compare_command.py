"""`lindley compare`: a comparison of the acquisitions of a study, as text, JSON or CSV."""

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
from lindley.apps.output_file import check_out, refuse_overwrite, write_out
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
from lindley.text import escape_controls

_WIDTH = 100
"""Width of a text that does not go to a terminal."""
_MIN_WIDTH = 12
"""Least width of columns whose text wraps into several lines."""
_OPTIONAL_COLUMNS = ("p", "minimum detectable difference", "detected", "seeds")
"""Columns that are dropped in turn in a narrow terminal; sentences, CSV and JSON have them all."""


def compare_folder(
    folder: Path,
    *,
    against: str | None = None,
    percent: float | None = None,
    format: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Print the comparison of a study, or write it to a file.

    Args:
        folder: The output folder of a run.
        against: The acquisition to compare with; None for the default.
        percent: The accuracy to which labels are counted, in percent; None for one that nearly all trials reach.
        format: "text", "json" or "csv"; None for the ending of `out`, else text.
        out: The file to write; None for stdout.
        overwrite: Whether that file may be replaced.

    Raises:
        InputError: If the folder holds no study, the file is there already, an argument cannot be used, or nothing can
            be compared.
    """
    check_out(out)
    refuse_overwrite(out, overwrite=overwrite)
    endings = {".json": "json", ".csv": "csv"}
    format = format or ("text" if out is None else endings.get(out.suffix.lower(), "text"))
    if format not in _FORMATS:
        raise InputError(argument="format", expected=f"one of {', '.join(_FORMATS)}", got=format)
    if percent is not None and not 1 < percent <= 100:  # nor NaN
        raise InputError(
            "Write 95, not 0.95.", argument="accuracy", expected="a percentage above 1 and up to 100", got=percent
        )
    results = load_results(folder)
    found = compare(results, against, accuracy=None if percent is None else _fraction(percent))
    if not found:
        for message in describe_excluded(results):
            print_message(message)
        raise InputError(
            f"{folder}: {' '.join(explain_missing_comparisons(results, found, against))}",
            argument="folder",
            got=str(folder),
        )
    if missing := describe_unfinished(results):
        print_message(f"Unfinished trials: {len(missing)}. Their finished rounds count.")
    for message in (
        *describe_excluded(results),
        *describe_unequal_first_fits(results),
        *explain_missing_comparisons(results, found, against),
    ):
        print_message(message)
    write_out(out, _FORMATS[format](found))


def _fraction(percent: float) -> float:
    """Return the percentage as a fraction, rounded: 95.01 / 100 is more than the accuracy 0.9501."""
    return round(percent / 100, 12)


def _format_text(found: Sequence[ExperimentComparison]) -> str:
    """Return sentences and tables as wide as the terminal; in a file each sentence is one line, for searches."""
    terminal = PlainConsole()
    console = PlainConsole(
        file=io.StringIO(), width=terminal.width if terminal.is_terminal else _WIDTH, force_terminal=False
    )
    for experiment in found:
        console.print(experiment.title, style="bold")
        for sentence in (*experiment.headlines, *experiment.verdicts):
            if terminal.is_terminal:
                console.print(Padding(sentence, (0, 0, 0, 2)))
            else:
                console.print(f"  {sentence}", soft_wrap=True)
        for table in tables(experiment):
            console.print()
            console.print(_draw_table(table, console.width))
    console.print(explain_comparison(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _draw_table(table: Table, width: int) -> RichTable:
    """Return a table of at most this width. Headings and names wrap where they must; cells with numbers do not."""
    cells = {column: [escape_controls(row[index]) for row in table.rows] for index, column in enumerate(table.columns)}
    widths = {column: max(map(cell_len, [column, *below])) for column, below in cells.items()}
    if _table_width(widths) > width:
        widths = {
            column: max([min(_MIN_WIDTH, max(map(cell_len, column.split()))), *map(cell_len, below)])
            for column, below in cells.items()
        }
    for column in _OPTIONAL_COLUMNS:
        if _table_width(widths) > width:
            widths.pop(column, None)
    names = next(iter(widths))
    widths[names] = max(min(widths[names], _MIN_WIDTH), widths[names] - max(0, _table_width(widths) - width))
    rich_table = RichTable(
        title=escape_controls(table.title), box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0)
    )
    for column, room in widths.items():
        rich_table.add_column(column, justify="right" if rich_table.columns else "left", width=room, overflow="fold")
    for row in zip(*(cells[column] for column in widths), strict=True):
        rich_table.add_row(*row)
    return rich_table


def _table_width(widths: Mapping[str, int]) -> int:
    """Return the width of a table, with two spaces between columns and one before the first."""
    return sum(widths.values()) + 2 * len(widths) + 1


def _format_json(found: Sequence[ExperimentComparison]) -> str:
    return json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n"


def _format_csv(found: Sequence[ExperimentComparison]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(csv_rows(found))
    return text.getvalue()


_FORMATS: dict[str, Callable[[Sequence[ExperimentComparison]], str]] = {
    "text": _format_text,
    "json": _format_json,
    "csv": _format_csv,
}
