"""The commands that write labels, predictions and projects to files, and read them: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Database, Dir, Features, Id, Overwrite, Text, split_names

commands = typer.Typer()
Format = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Set the format: csv, jsonl, parquet, label-studio or hf, a folder.  [default: by the suffix]",
    ),
]
Spreadsheet = Annotated[
    bool,
    typer.Option(
        "--spreadsheet", help="Put an apostrophe before csv cells that a spreadsheet program would run as formulas."
    ),
]
Coverage = Annotated[
    float,
    typer.Option(
        metavar="PERCENT", min=1, max=99.9, help="Make prediction sets that hold the true class for this share of rows."
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file.  [default: stdout]")]


@commands.command("export", cls=Command, epilog="Example: lindley export questions-labels --out labels.csv")
def export(
    folder: Dir,
    format: Format = None,
    out: Out = None,
    overwrite: Overwrite = False,
    spreadsheet: Spreadsheet = False,
    labelled: Annotated[bool, typer.Option("--labelled", help="Write only what has an answer.")] = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Add the newest model's prediction for each item.")
    ] = False,
    coverage: Coverage = 90,
    image_prefix: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Put this before the paths of images, so that Label Studio finds them: /data/local-files/?d=",
        ),
    ] = "",
) -> None:
    """Export all labels and where each comes from.

    The file has one line for each entry of your data, in its order; --labelled leaves out those without an answer. csv
    and parquet hold the label that counts; jsonl and label-studio hold all events of an item. `lindley import` reads
    each format back. hf is a folder that `datasets.load_dataset` of Hugging Face reads.
    """
    with exit_on_interrupt():
        from lindley.apps.export_command import ExportOptions
        from lindley.apps.export_command import export as run

    run(folder, ExportOptions(format, out, overwrite, spreadsheet, labelled, predictions, coverage, image_prefix))


@commands.command("import", cls=Command, epilog="Example: lindley import questions-labels labels.csv")
def import_labels(
    folder: Dir,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .csv, .jsonl, .parquet or .json file.", show_default=False)
    ],
    format: Format = None,
    tool: Annotated[
        str | None,
        typer.Option("--from", metavar="TOOL", help="Read an export of another tool: prodigy, doccano or argilla."),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="COLUMN", help="Read the names of classes from this column, or Argilla question.")
    ] = "class",
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="Remove the apostrophes that `lindley export --spreadsheet` added.")
    ] = False,
) -> None:
    """Import labels from a file.

    FILE is an export of lindley or Label Studio, any table with a column of classes, or with --from an export of
    another tool. A line is matched to an item by the column item, by its text, features or image, or by the column
    place. All lines are checked first: if one is wrong, nothing is
    stored. Imported labels are never test labels. Import many thousands of labels while nobody is labelling, since
    nobody can store an answer meanwhile.
    """
    with exit_on_interrupt():
        from lindley.apps.import_command import import_file

    import_file(folder, file, format=format, label=label, spreadsheet=spreadsheet, tool=tool)


@commands.command(
    "predict", cls=Command, epilog="Example: lindley predict questions-labels more.csv --out predictions.csv"
)
def predict(
    folder: Dir,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="New data of the same kind.  [default: the project's own items]"),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Set the format: csv, jsonl or parquet.  [default: by the suffix]"),
    ] = None,
    spreadsheet: Spreadsheet = False,
    coverage: Coverage = 90,
    text: Text = None,
    features: Features = None,
    id: Id = None,
) -> None:
    """Predict the class of every row with the newest model.

    Rows keep their order, and people's labels are added. "prediction_set" holds the classes that the model cannot tell
    apart; "unsure" is true where there are several. The columns of DATA are those of `lindley init`, unless you name
    others.
    """
    with exit_on_interrupt():
        from lindley.apps.predict_command import PredictOptions
        from lindley.apps.predict_command import predict as run

    columns = None if features is None else split_names(features)
    run(folder, PredictOptions(data, out, overwrite, format, spreadsheet, coverage, text, columns, id))


@commands.command("backup", cls=Command, epilog="Example: lindley backup questions-labels questions.zip")
def backup(
    folder: Dir,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Write this .zip file.", show_default=False)],
    overwrite: Overwrite = False,
) -> None:
    """Back up a project into one file.

    This works while people are labelling. Images are not included; they stay where they are.
    """
    with exit_on_interrupt():
        from lindley.apps.backup_command import back_up

    back_up(folder, file, overwrite=overwrite)


@commands.command("restore", cls=Command, epilog="Example: lindley restore questions.zip questions-labels")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Read this backup.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", show_default=False)],
    database: Database = None,
) -> None:
    """Restore a project from a backup.

    A damaged backup is refused as a whole. The labels come into a file in DIR, or into a PostgreSQL database.
    """
    with exit_on_interrupt():
        from lindley.apps.backup_command import restore as run

    run(file, folder, database=database)
