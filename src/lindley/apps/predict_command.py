"""`lindley predict DIR [DATA]`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lindley.apps.export_command import make_predictor, open_out, print_row_count
from lindley.apps.output_file import check_out, refuse_overwrite
from lindley.apps.stage_counter import count_stage
from lindley.errors import InputError
from lindley.labelling.export.writing import format_of, write_lines
from lindley.labelling.predict import output_columns, predict_entries, predict_source, track_rows
from lindley.labelling.project import Project
from lindley.labelling.sources.open_source import Source, open_source

_FORMATS = ("csv", "jsonl", "parquet")


@dataclass(frozen=True)
class PredictOptions:
    """The options of `lindley predict`; see its --help."""

    source: Path | None
    out: Path | None
    overwrite: bool
    format: str | None
    spreadsheet: bool
    coverage: float
    text: str | None
    features: list[str] | None
    id: str | None


def predict(folder: Path, options: PredictOptions) -> None:
    """Predict new data, or a project's own, into a file or to stdout."""
    chosen = format_of(options.out, options.format, formats=_FORMATS)
    if chosen == "parquet" and options.out is None:
        raise InputError("A Parquet file is not for a terminal; name it: --out predictions.parquet.", argument="out")
    check_out(options.out)
    inputs = [] if options.source is None else [options.source]
    refuse_overwrite(options.out, inputs, overwrite=options.overwrite)
    with Project.open(folder) as project:
        source = None if options.source is None else _open(project, options.source, options)
        predictor = make_predictor(project, options.coverage)
        rows = predict_entries(project, predictor) if source is None else predict_source(project, predictor, source)
        columns = output_columns(project, predictor)
        with count_stage("Predicting") as count, open_out(options.out) as file:
            num_rows = write_lines(file, chosen, columns, track_rows(rows, count), spreadsheet=options.spreadsheet)
        print_row_count(num_rows, options.out)


def _open(project: Project, path: Path, options: PredictOptions) -> Source:
    settings = project.settings
    is_table = settings.kind in ("text", "rows")
    text, features = options.text or settings.text or None, options.features or settings.columns or None
    own = options.id or ((settings.id or None) if is_table else None)
    try:
        source = open_source(path, text=text, features=features, id=own)
    except InputError as error:
        if error.argument != "id" or options.id is not None:
            raise
        source = open_source(path, text=text, features=features)  # new rows may have no ids yet
    if source.kind != settings.kind:
        raise InputError(argument="source", expected=f"{settings.kind}, as the project has", got=source.kind)
    return source
