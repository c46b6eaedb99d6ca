"""The commands of a labelling project: arguments and options. Each imports its own module when it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lindley.apps.command_classes import Command, Commands
from lindley.apps.interrupts import exit_on_interrupt

if TYPE_CHECKING:
    from lindley.labelling.records import ClassAction

Dir = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the project.", show_default=False)]
Text = Annotated[str | None, typer.Option(metavar="COLUMN", help="Label the texts of this column.")]
Features = Annotated[str | None, typer.Option(metavar="A,B", help="Label rows: these columns are their features.")]
Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help='Import known labels from this column; "folder": the folders of images.'),
]
Id = Annotated[str | None, typer.Option(metavar="COLUMN", help="Keep this column as the items' own id.")]


def init(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of images, or a .csv, .tsv, .jsonl, .parquet or .npy file.",
            show_default=False,
        ),
    ],
    classes: Annotated[str, typer.Option(metavar="A,B", help="Name the classes, in the order of their keys.")],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Make the project here.  [default: SOURCE-labels]")
    ] = None,
    text: Text = None,
    features: Features = None,
    label: Label = None,
    id: Id = None,
    keys: Annotated[
        str | None, typer.Option(metavar="KEYS", help="Choose classes by these keys, one for each.  [default: 1234…]")
    ] = None,
    describe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Describe the classes by this .toml file: NAME = "a sentence".'),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help='Make features by this encoder: a folder, a hub name, or your own "module:name".',
        ),
    ] = None,
    acquisition: Annotated[
        str, typer.Option(metavar="NAME", help="Choose batches by this acquisition, once there are labels.")
    ] = "batchbald",
    test_labels: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Measure the model by so many random labels, one in three; later ones one in ten."
        ),
    ] = 60,
    target: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Advise to stop when the accuracy is at least this.")
    ] = None,
    overlap: Annotated[int, typer.Option(metavar="N", min=1, help="Have each item labelled by so many people.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed everything random.")] = 0,
) -> None:
    """Make a labelling project of your data.

    Exact copies become one item, near-duplicates stay together, and what cannot be read is listed with its reason.
    Nothing of SOURCE is changed.
    """
    with exit_on_interrupt():
        from lindley.apps.init_command import InitOptions, make

    make(
        InitOptions(
            source=source,
            classes=_split(classes),
            to=to,
            text=text,
            features=None if features is None else _split(features),
            label=label,
            id=id,
            keys=keys,
            describe=describe,
            encoder=encoder,
            acquisition=acquisition,
            test_labels=test_labels,
            target=target,
            overlap=overlap,
            seed=seed,
        )
    )


def add(
    folder: Dir,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="More data, of the same kind.", show_default=False)],
    text: Text = None,
    features: Features = None,
    label: Label = None,
    id: Id = None,
) -> None:
    """Bring more data into a project.

    Labels and the test stream stay as they are; copies of items that are there already join them. The columns are
    those that `lindley init` was told, unless they are named.
    """
    with exit_on_interrupt():
        from lindley.apps.init_command import add_more

    add_more(folder, source, text=text, features=None if features is None else _split(features), label=label, id=id)


def label(
    folder: Dir,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Serve on this port; 0 takes a free one.")
    ] = 0,
    people: Annotated[str, typer.Option(metavar="A,B", help="Let these people label, each by a link.")] = "me",
    simulate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Have a simulated person label by this CSV file of true classes, then end."),
    ] = None,
    labels: Annotated[int, typer.Option(metavar="N", min=1, help="Simulate so many labels.")] = 300,
    noise: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Simulate this share of wrong labels.")
    ] = 0.0,
    seconds: Annotated[float, typer.Option(metavar="S", min=0, help="Simulate so many seconds for a label.")] = 2.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed the simulated person.")] = 0,
    asynchronous: Annotated[
        bool, typer.Option("--asynchronous", help="Simulate a person who takes that time in fact, and never waits.")
    ] = False,
    truth_key: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="Find items by this column of the simulation's file.  [default: first]"),
    ] = "",
    truth_label: Annotated[
        str, typer.Option(metavar="COLUMN", help="Read true classes from this column of it.  [default: last]")
    ] = "",
) -> None:
    """Label in your browser: serves the page on this machine and prints a link.

    A model learns meanwhile, in a process of its own. Stop with Ctrl-C; nothing is lost, and the same command goes on.
    """
    with exit_on_interrupt():
        from lindley.apps.label_command import Simulation, label_project

    names = _split(people)
    if simulate is None:
        label_project(folder, names, port=port)
        return
    simulation = Simulation(simulate, labels, noise, seconds, seed, asynchronous, truth_key, truth_label)
    label_project(folder, names, port=port, simulation=simulation)


def audit(
    folder: Dir,
    labels: Annotated[int, typer.Option(metavar="N", min=1, help="Draw so many fresh items.")] = 60,
) -> None:
    """Begin an audit: the last word on the accuracy.

    Fresh random items come first in `lindley label`, without a hint of what the model says; `lindley status` then
    gives the exact interval, which is read once.
    """
    with exit_on_interrupt():
        from lindley.apps.label_command import begin_audit

    begin_audit(folder, labels)


def train(folder: Dir) -> None:
    """Train a model now, and rank the queue by it."""
    with exit_on_interrupt():
        from lindley.apps.label_command import train_now

    train_now(folder)


classes = typer.Typer(cls=Commands, help="Change the classes of a project; labels follow.", rich_markup_mode=None)


@classes.command("list", cls=Command, epilog="Example: lindley class list questions-labels")
def list_classes(folder: Dir) -> None:
    """List the classes."""
    with exit_on_interrupt():
        from lindley.apps.class_command import show

    show(folder)


@classes.command("add", cls=Command, epilog="Example: lindley class add questions-labels snake")
def add_class(
    folder: Dir,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)],
    key: Annotated[str | None, typer.Option(metavar="KEY", help="The key that chooses it.")] = None,
    description: Annotated[str, typer.Option(metavar="TEXT", help="A sentence that says what it is.")] = "",
) -> None:
    """Add a class."""
    with exit_on_interrupt():
        from lindley.apps.class_command import add as run

    run(folder, name, key, description)


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the class.", show_default=False)]


@classes.command("rename", cls=Command, epilog="Example: lindley class rename pets-labels cat kitten")
def rename_class(
    folder: Dir,
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
) -> None:
    """Rename a class; its labels keep it."""
    _change(folder, "rename", name, new)


@classes.command("merge", cls=Command, epilog="Example: lindley class merge pets-labels puppy dog")
def merge_class(
    folder: Dir,
    name: Name,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The class that takes it in.", show_default=False)],
) -> None:
    """Merge a class into another: its labels count for that one."""
    _change(folder, "merge", name, into)


@classes.command("describe", cls=Command, epilog='Example: lindley class describe pets-labels cat "a small feline"')
def describe_class(
    folder: Dir,
    name: Name,
    sentence: Annotated[str, typer.Argument(metavar="TEXT", help="What the class is.", show_default=False)],
) -> None:
    """Describe a class in a sentence."""
    _change(folder, "describe", name, sentence)


@classes.command("hotkey", cls=Command, epilog="Example: lindley class hotkey pets-labels cat c")
def change_hotkey(
    folder: Dir,
    name: Name,
    key: Annotated[str, typer.Argument(metavar="KEY", help="One character.", show_default=False)],
) -> None:
    """Choose a class by another key."""
    _change(folder, "hotkey", name, key)


@classes.command("retire", cls=Command, epilog="Example: lindley class retire questions-labels snake")
def retire_class(folder: Dir, name: Name) -> None:
    """Offer a class no more; its labels do not count."""
    _change(folder, "retire", name, None)


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


def export(
    folder: Dir,
    format: Format = None,
    out: Out = None,
    spreadsheet: Spreadsheet = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Add what the newest model predicts of each item.")
    ] = False,
    coverage: Coverage = 90,
) -> None:
    """Write all labels, with where each comes from: one line for each entry of your data, in its order.

    csv and parquet hold the label that counts, jsonl and label-studio all events of an item. `lindley import` reads
    each of them back.
    """
    with exit_on_interrupt():
        from lindley.apps.export_command import ExportOptions
        from lindley.apps.export_command import export as run

    run(folder, ExportOptions(format, out, spreadsheet, predictions, coverage))


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

    columns = None if features is None else _split(features)
    run(folder, PredictOptions(data, out, format, spreadsheet, coverage, text, columns, id))


BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a zip file.", show_default=False)]


def backup(folder: Dir, file: BackupFile) -> None:
    """Write a project into one file, also while it is being labelled.

    Images are not in it: they stay where they are.
    """
    with exit_on_interrupt():
        from lindley.apps.backup_command import back_up

    back_up(folder, file)


def restore(
    file: BackupFile,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new, or empty.", show_default=False)],
) -> None:
    """Restore a project from a backup; one that is damaged is refused whole."""
    with exit_on_interrupt():
        from lindley.apps.backup_command import restore as run

    run(file, folder)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    examples: dict[Callable[..., None], str] = {
        init: "lindley init questions.csv --text question --classes person,place,number --to questions-labels",
        add: "lindley add questions-labels more.csv",
        label: "lindley label questions-labels",
        audit: "lindley audit questions-labels --labels 60",
        train: "lindley train questions-labels",
        export: "lindley export questions-labels --out labels.csv",
        import_labels: "lindley import questions-labels labels.csv",
        predict: "lindley predict questions-labels more.csv --out predictions.csv",
        backup: "lindley backup questions-labels questions.zip",
        restore: "lindley restore questions.zip questions-labels",
    }
    for command, example in examples.items():
        name = command.__name__.removesuffix("_labels")
        app.command(name, cls=Command, epilog=f"Example: {example}")(command)
    app.add_typer(classes, name="class")


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _change(folder: Path, action: ClassAction, name: str, new: str | None) -> None:
    with exit_on_interrupt():
        from lindley.apps.class_command import change

    change(folder, action, name, new)
