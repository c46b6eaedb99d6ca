"""The commands that make a labelling project and label it: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Database, Dir, Features, Id, Text, split_names
from lindley.errors import InputError

commands = typer.Typer()
Label = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help='Import known labels from this column; "folder" takes the folder of each image.'
    ),
]


@commands.command(
    "init",
    cls=Command,
    epilog="Example: lindley init questions.csv --text question --classes person,place,number --to questions-labels",
)
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
        Path | None, typer.Option(metavar="DIR", help="Make the project in this folder.  [default: SOURCE-labels]")
    ] = None,
    text: Text = None,
    features: Features = None,
    label: Label = None,
    id: Id = None,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="KEYS", help="Set the keys of the classes, one character each.  [default: 1234…, or their names]"
        ),
    ] = None,
    describe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help='Read a sentence about each class from this .toml file: NAME = "a sentence".'
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help='Compute features with this encoder: a folder, a hub name, or your own "module:name".',
        ),
    ] = None,
    acquisition: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Choose batches with this acquisition once there are labels.  [default: batchbald; images: u-herding]",
        ),
    ] = None,
    test_labels: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Make every third label a test label until there are N, then every tenth."
        ),
    ] = 60,
    target: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Set the accuracy to reach, in percent, such as 90.")
    ] = None,
    overlap: Annotated[int, typer.Option(metavar="N", min=1, help="Have each item labelled by N people.")] = 1,
    double: Annotated[
        float,
        typer.Option(
            metavar="PERCENT",
            min=0,
            max=100,
            help="Have this percentage of the items, drawn at random, labelled by one more person.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed all randomness.")] = 0,
    database: Database = None,
) -> None:
    """Make a labelling project from your data.

    Exact copies become one item, near-duplicates stay together, and unreadable entries are listed with the reason.
    SOURCE itself is never changed.
    """
    with exit_on_interrupt():
        from lindley.apps.init_command import make
        from lindley.labelling.creation import ProjectOptions

    options = ProjectOptions(
        classes=split_names(classes),
        text=text,
        features=None if features is None else split_names(features),
        label=label,
        id=id,
        keys=keys,
        encoder=encoder,
        acquisition=acquisition,
        test_labels=test_labels,
        overlap=overlap,
        double=double / 100,
        seed=seed,
        database=database,
    )
    make(source, to, options, describe=describe, target=target)


@commands.command("add", cls=Command, epilog="Example: lindley add questions-labels more.csv")
def add(
    folder: Dir,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="More data, of the same kind.", show_default=False)],
    text: Text = None,
    features: Features = None,
    label: Label = None,
    id: Id = None,
) -> None:
    """Add more data to a project.

    Labels and test items stay as they are. A copy of a known item joins that item. The columns are those of
    `lindley init`, unless you name others.
    """
    with exit_on_interrupt():
        from lindley.apps.init_command import add_more

    add_more(
        folder, source, text=text, features=None if features is None else split_names(features), label=label, id=id
    )


@commands.command("label", cls=Command, epilog="Example: lindley label questions-labels")
def label(
    folder: Dir,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=65535,
            help="Serve on this port; 0 picks a free one.  [default: the same each time for a project]",
        ),
    ] = None,
    people: Annotated[str, typer.Option(metavar="A,B", help="Let these people label; each gets a link.")] = "me",
    simulate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Simulate a person who knows the true classes from this CSV file."),
    ] = None,
    labels: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="End the simulation once its person has N labels, earlier ones included.",
        ),
    ] = 300,
    noise: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Make this share of the simulated labels wrong.")
    ] = 0.0,
    seconds: Annotated[float, typer.Option(metavar="S", min=0, help="Simulate S seconds per label.")] = 2.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed the simulated person.")] = 0,
    asynchronous: Annotated[
        bool, typer.Option("--asynchronous", help="Take these seconds for real, and never wait for the model.")
    ] = False,
    truth_key: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="Match items by this column of the simulation's file.  [default: first]"),
    ] = "",
    truth_label: Annotated[
        str, typer.Option(metavar="COLUMN", help="Read the true classes from this column of the file.  [default: last]")
    ] = "",
    label_studio: Annotated[
        bool, typer.Option("--label-studio", help="Serve as the ML backend of a Label Studio, where people label.")
    ] = False,
    label_studio_url: Annotated[
        str, typer.Option(metavar="URL", help="Send the order of the tasks to the Label Studio at this address.")
    ] = "http://localhost:8080",
) -> None:
    """Label in your browser.

    Prints a link to the labelling page, which is served on this machine only. A model trains in the background. Stop
    with Ctrl-C: nothing is lost, and the same command continues.
    """
    with exit_on_interrupt():
        from lindley.apps.label_command import Simulation, label_project

    names = split_names(people)
    if label_studio and simulate is not None:
        raise InputError("A simulated person labels on the page, not in Label Studio.", argument="simulate")
    if simulate is None:
        label_project(folder, names, port=port, label_studio=label_studio_url if label_studio else None)
        return
    simulation = Simulation(simulate, labels, noise, seconds, seed, asynchronous, truth_key, truth_label)
    label_project(folder, names, port=port, simulation=simulation)


@commands.command("audit", cls=Command, epilog="Example: lindley audit questions-labels --labels 60")
def audit(
    folder: Dir,
    labels: Annotated[int, typer.Option(metavar="N", min=1, help="Draw N fresh items.")] = 60,
    again: Annotated[bool, typer.Option("--again", help="Draw another audit after one that is done.")] = False,
) -> None:
    """Draw fresh random items to audit the accuracy.

    They come first in `lindley label`, with the model's predictions hidden. When all are answered, `lindley status`
    gives the accuracy of the model of that moment with an exact interval. Another audit has items of its own. It is
    another look, so it takes --again.
    """
    with exit_on_interrupt():
        from lindley.apps.label_command import begin_audit

    begin_audit(folder, labels, again=again)


@commands.command("train", cls=Command, epilog="Example: lindley train questions-labels")
def train(folder: Dir) -> None:
    """Train a model now and rank the queue with it."""
    with exit_on_interrupt():
        from lindley.apps.label_command import train_now

    train_now(folder)
