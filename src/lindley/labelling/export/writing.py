"""Writing lines into a file of any format, and exporting a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from lindley.errors import InputError
from lindley.files import ByteSink
from lindley.labelling.export.columns import LABEL, REASON, source_columns
from lindley.labelling.export.csv_file import write_csv
from lindley.labelling.export.jsonl_file import write_jsonl
from lindley.labelling.export.label_studio import make_task, write_label_studio
from lindley.labelling.export.lines import ExportLine, LineReader
from lindley.labelling.export.parquet_file import common_type, write_parquet
from lindley.labelling.project import Project

if TYPE_CHECKING:
    from lindley.labelling.predict import Predictor

T = TypeVar("T")
Format = Literal["csv", "jsonl", "parquet", "label-studio", "hf"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".json": "label-studio",
}


def format_of(path: Path | None, name: str | None = None, *, formats: Iterable[str] = FORMATS) -> Format:
    """Return the format of a file: that which is named, else that of its suffix; "csv" without a file.

    Args:
        path: The file; None: stdout.
        name: The name of the format; None: the suffix decides.
        formats: The formats that are offered.

    Raises:
        InputError: If there is no such format.
    """
    known = [*formats]
    found = name or ("csv" if path is None else _SUFFIXES.get(path.suffix.lower(), ""))
    if found not in known:
        got = name if name is not None else str(path)
        raise InputError(argument="format", expected=f"one of {', '.join(known)}, or a suffix that says it", got=got)
    return next(each for each in FORMATS if each == found)


def check_spreadsheet(format: Format, *, spreadsheet: bool) -> None:
    """Raise InputError where cells are to be quoted for spreadsheets, and the format has none."""
    if spreadsheet and format != "csv":
        raise InputError("Only csv files are quoted for spreadsheets.", argument="spreadsheet")


def write_lines(
    file: ByteSink,
    format: Format,
    columns: Mapping[str, type | None],
    lines: Iterable[Mapping[str, Any]],
    *,
    spreadsheet: bool = False,
) -> int:
    """Write lines as csv, jsonl or parquet, and return their number.

    Args:
        file: Where they are written.
        format: The format.
        columns: The columns with their types; None: values of any type, which Parquet has as text.
        lines: The values by column.
        spreadsheet: Whether text that a spreadsheet program would take for a formula is quoted; only csv.
    """
    check_spreadsheet(format, spreadsheet=spreadsheet)
    counted = _Counted(lines)
    if format == "csv":
        write_csv(file, columns, counted, spreadsheet=spreadsheet)
    elif format == "jsonl":
        write_jsonl(file, columns, counted)
    else:
        write_parquet(file, {name: kind or str for name, kind in columns.items()}, counted)
    return counted.number


def export_project(
    project: Project,
    file: ByteSink,
    format: Format = "csv",
    *,
    spreadsheet: bool = False,
    labelled: bool = False,
    predictor: Predictor | None = None,
    image_prefix: str = "",
) -> int:
    """Write the labels of a project, one line for each entry of its sources; of Label Studio a task for each item.

    The number of lines is returned.

    Args:
        project: The project.
        file: Where they are written.
        format: "csv", "jsonl", "parquet" or "label-studio".
        spreadsheet: Whether text that a spreadsheet program would take for a formula is quoted; only csv.
        labelled: Whether only items with an answer are written.
        predictor: What predicts each item beside its label; None: nothing.
        image_prefix: Of Label Studio, what stands before the path of an image.

    Raises:
        InputError: If the format cannot hold the items, or is not quoted for spreadsheets.
    """
    check_spreadsheet(format, spreadsheet=spreadsheet)
    reader = LineReader(project)
    lines: Iterable[ExportLine] = (line for line in reader if line.values.get("answer") or not labelled)
    if format == "label-studio":
        tasks = _Counted(_task(project, line, predictor, image_prefix) for line in lines if line.is_first)
        write_label_studio(file, tasks)
        return tasks.number
    more = {} if predictor is None else predictor.columns
    columns: dict[str, type | None] = {**source_columns(project.settings), **LABEL, **more, **REASON}
    if format == "parquet":
        columns |= {name: common_type(_values(project, name)) for name, kind in columns.items() if kind is None}
    values = _values_of(lines, predictor, with_events=format == "jsonl")
    if format == "jsonl" and (others := reader.events_without_item()):
        values = chain(values, [{"events": others}])
    return write_lines(file, format, columns, values, spreadsheet=spreadsheet)


class _Counted(Iterable[T]):
    """Things that are counted while they are read."""

    def __init__(self, things: Iterable[T]) -> None:
        self._things = things
        self.number = 0

    def __iter__(self) -> Iterator[T]:
        for each in self._things:
            self.number += 1
            yield each


def _values_of(
    lines: Iterable[ExportLine], predictor: Predictor | None, *, with_events: bool
) -> Iterator[dict[str, Any]]:
    for line in lines:
        values = dict(line.values)
        if predictor is not None and line.item is not None:
            values |= predictor.describe(predictor.probs[[line.item.id]])[0]
        yield {**values, "events": [*line.events]} if with_events else values


def _task(project: Project, line: ExportLine, predictor: Predictor | None, image_prefix: str) -> dict[str, Any]:
    assert line.item is not None
    known = {"item": line.item.id, "place": line.entry.place, "stream": line.values.get("stream")}
    known["events"] = [*line.events]
    prediction = None
    if predictor is not None:
        found = predictor.describe(predictor.probs[[line.item.id]])[0]
        prediction = (found["prediction"], found["prediction_probability"], found["prediction_model"])
    kind, content = project.settings.kind, line.item.content
    return make_task(kind, content, known, line.answers, prediction, image_prefix=image_prefix)


def _values(project: Project, name: str) -> Iterator[object]:
    """Yield the values of a feature of all items."""
    for line in LineReader(project):
        yield line.values.get(name)
