"""`lindley export DIR`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from lindley.apps.output_file import check_out, refuse_overwrite
from lindley.apps.printing import print_message, write_to_stdout
from lindley.errors import InputError
from lindley.files import ByteSink, open_atomically
from lindley.labelling.export.label_studio import labelling_config
from lindley.labelling.export.writing import check_spreadsheet, export_project, format_of
from lindley.labelling.project import Project
from lindley.text import count_noun

if TYPE_CHECKING:
    from lindley.labelling.predict import Predictor


@dataclass(frozen=True)
class ExportOptions:
    """The options of `lindley export`; see its --help."""

    format: str | None
    out: Path | None
    overwrite: bool
    spreadsheet: bool
    labelled: bool
    predictions: bool
    coverage: float
    image_prefix: str = ""


def export(folder: Path, options: ExportOptions) -> None:
    """Write the labels of a project into a file, or to stdout."""
    chosen = format_of(options.out, options.format)
    if chosen == "parquet" and options.out is None:
        raise InputError("A Parquet file is not for a terminal; name it: --out labels.parquet.", argument="out")
    check_spreadsheet(chosen, spreadsheet=options.spreadsheet)
    if chosen == "hf":
        _export_folder(folder, options)
        return
    check_out(options.out)
    refuse_overwrite(options.out, overwrite=options.overwrite)
    with Project.open(folder) as project:
        predictor = make_predictor(project, options.coverage) if options.predictions else None
        with open_out(options.out) as file:
            num_rows = export_project(
                project,
                file,
                chosen,
                spreadsheet=options.spreadsheet,
                labelled=options.labelled,
                predictor=predictor,
                image_prefix=options.image_prefix,
            )
        print_row_count(num_rows, options.out)
        if chosen == "label-studio":
            config = labelling_config(project.settings.kind, [each.name for each in project.classes()])
            print_message(f"Labelling interface for Label Studio: {config}")


def _export_folder(folder: Path, options: ExportOptions) -> None:
    """Write the labels of a project as a data set of Hugging Face."""
    from lindley.labelling.export.hugging_face import export_hugging_face

    if options.out is None:
        raise InputError("A data set of Hugging Face is a folder; name it: --out FOLDER.", argument="out")
    with Project.open(folder) as project:
        predictor = make_predictor(project, options.coverage) if options.predictions else None
        num_rows = export_hugging_face(project, options.out, labelled=options.labelled, predictor=predictor)
    print_row_count(num_rows, options.out)


def make_predictor(project: Project, coverage: float) -> Predictor:
    """Return what predicts, and say on stderr what its sets of classes promise.

    Args:
        project: The project.
        coverage: The percentage of rows whose set shall hold the true class.
    """
    from lindley.labelling.predict import Predictor

    predictor = Predictor(project, coverage=coverage / 100)
    print_message(predictor.describe_sets())
    return predictor


@contextmanager
def open_out(out: Path | None) -> Iterator[ByteSink]:
    """Yield the file that --out names, whole or absent in the end; or stdout."""
    if out is None:
        yield _Stdout()
        return
    if out.exists() and not out.is_file():  # a pipe, or a device
        with out.open("wb") as file:
            yield file
    else:
        with open_atomically(out.resolve()) as file:
            yield file


def print_row_count(num_rows: int, out: Path | None) -> None:
    """Say on stderr how many rows a file has; nothing of stdout."""
    if out is not None:
        print_message(f"{count_noun(num_rows, 'row')} in {out}")


@final
class _Stdout:
    """Stdout, where a terminal obeys no control character."""

    def write(self, content: bytes, /) -> int:
        write_to_stdout(content.decode())
        return len(content)
