"""CSV files of a line each, in UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lindley.files import ByteSink
from lindley.labelling.export.columns import cell_text
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.delimited import open_delimited
from lindley.labelling.sources.table import Line
from lindley.spreadsheet import quote_cell, unquote_cell


def write_csv(
    file: ByteSink, columns: Iterable[str], lines: Iterable[Mapping[str, Any]], *, spreadsheet: bool = False
) -> None:
    """Write lines as CSV, with the names of the columns in the first one.

    Args:
        file: Where they are written, line by line.
        columns: The names of the columns.
        lines: The values by column; what is missing is an empty cell.
        spreadsheet: Whether text that a spreadsheet program would take for a formula gets an apostrophe before it.
    """
    names = [*columns]
    file.write(_row(map(quote_cell, names) if spreadsheet else names))
    for values in lines:
        cells = [values.get(name) for name in names]
        if spreadsheet:
            cells = [quote_cell(each) if isinstance(each, str) else each for each in cells]
        file.write(_row(map(cell_text, cells)))


def read_csv(path: Path, *, once: Collection[str] = (), spreadsheet: bool = False) -> Iterator[Line | Unreadable]:
    """Yield the lines of a CSV or TSV file.

    Args:
        path: The file.
        once: The columns that must not be there twice.
        spreadsheet: Whether cells lose the apostrophe that `write_csv` gave them.

    Raises:
        InputError: If a column of `once` is there twice.
    """
    table = open_delimited(path)
    table.check_columns([name for name in once if name in table.columns], "file")
    for line in table.read(table.columns):
        if spreadsheet and isinstance(line, Line):
            values = {unquote_cell(name): unquote_cell(str(value)) for name, value in line.values.items()}
            line = Line(line.place, values)
        yield line


def _row(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()
