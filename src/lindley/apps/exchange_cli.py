"""The commands that bring labels and whole projects into files and back: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Dir, Features, Id, Text, split_names

commands = typer.Typer()
Format = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="csv, jsonl, parquet or label-studio.  [default: what the file's suffix says]"),
]
Spreadsheet = Annotated[
    bool, typer.Option("--spreadsheet", help="Quote csv cells that a spreadsheet program would run as formulas.")
]
Coverage = Annotated[
    float,
    typer.Option(
        metavar="PERCENT", min=1, max=99.9, help="Make sets of classes that hold the true one for so many rows."
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write into this file.  [default: stdout]")]


@commands.command("export", cls=Command, epilog="Example: lindley export questions-labels --out labels.csv")
def export(
    folder: Dir,
    format: Format = None,
    out: Out = None,
    spreadsheet: Spreadsheet = False,
    labelled: Annotated[bool, typer.Option("--labelled", help="Write only what has an answer.")] = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Add what the newest model predicts of each item.")
    ] = False,
    coverage: Coverage = 90,
) -> None:
    """Write all labels, with where each comes from: one line for each entry of your data, in its order.

    Entries without an answer have a line too; --labelled leaves them out.

    csv and parquet hold the label that counts, jsonl and label-studio all events of an item. `lindley import` reads
    each of them back.
    """
    with exit_on_interrupt():
        from lindley.apps.export_command import ExportOptions
        from lindley.apps.export_command import export as run

    run(folder, ExportOptions(format, out, spreadsheet, labelled, predictions, coverage))


@commands.command("import", cls=Command, epilog="Example: lindley import questions-labels labels.csv")
def import_labels(
    folder: Dir,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .csv, .jsonl, .parquet or .json file.", show_default=False)
    ],
    format: Format = None,
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Read the names of classes from this column.")] = "class",
    spreadsheet: Spreadsheet = False,
) -> None:
    """Import labels: what `lindley export` wrote, or a table with a column of classes.

    A line finds its item by the column item, by its text or features, or by the column place. All lines are checked
    first; where one is wrong, nothing is stored. Imported labels are never test labels. Import many thousands while
    nobody labels: others cannot write meanwhile.
    """
    with exit_on_interrupt():
        from lindley.apps.import_command import import_file

    import_file(folder, file, format=format, label=label, spreadsheet=spreadsheet)


@commands.command(
    "predict", cls=Command, epilog="Example: lindley predict questions-labels more.csv --out predictions.csv"
)
def predict(
    folder: Dir,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[NEW DATA]", help="Data of the project's kind; without it, the project's own."),
    ] = None,
    out: Out = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="csv, jsonl or parquet.  [default: what the file's suffix says]"),
    ] = None,
    spreadsheet: Spreadsheet = False,
    coverage: Coverage = 90,
    text: Text = None,
    features: Features = None,
    id: Id = None,
) -> None:
    """Predict every row by the newest model, in the order of the data; people's labels stand beside.

    "prediction_set" holds the classes that the model cannot tell apart, and "unsure" says where they are several. The
    columns are those that `lindley init` was told, unless they are named.
    """
    with exit_on_interrupt():
        from lindley.apps.predict_command import PredictOptions
        from lindley.apps.predict_command import predict as run

    columns = None if features is None else split_names(features)
    run(folder, PredictOptions(data, out, format, spreadsheet, coverage, text, columns, id))


BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a zip file.", show_default=False)]


@commands.command("backup", cls=Command, epilog="Example: lindley backup questions-labels questions.zip")
def backup(folder: Dir, file: BackupFile) -> None:
    """Write a project into one file, also while it is being labelled.

    Images are not in it: they stay where they are.
    """
    with exit_on_interrupt():
        from lindley.apps.backup_command import back_up

    back_up(folder, file)


@commands.command("restore", cls=Command, epilog="Example: lindley restore questions.zip questions-labels")
def restore(
    file: BackupFile,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new, or empty.", show_default=False)],
) -> None:
    """Restore a project from a backup; one that is damaged is refused whole."""
    with exit_on_interrupt():
        from lindley.apps.backup_command import restore as run

    run(file, folder)
