"""The commands that make a labelling project and label: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Dir, Features, Id, Text, split_names

commands = typer.Typer()
Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help='Import known labels from this column; "folder": the folders of images.'),
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
        Path | None, typer.Option(metavar="DIR", help="Make the project here.  [default: SOURCE-labels]")
    ] = None,
    text: Text = None,
    features: Features = None,
    label: Label = None,
    id: Id = None,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="KEYS", help="Choose classes by these keys, one for each.  [default: 1234…, or their names]"
        ),
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
        seed=seed,
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
    """Bring more data into a project.

    Labels and the test stream stay as they are; copies of items that are there already join them. The columns are
    those that `lindley init` was told, unless they are named.
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
        int, typer.Option(metavar="N", min=0, max=65535, help="Serve on this port; 0 takes a free one.")
    ] = 0,
    people: Annotated[str, typer.Option(metavar="A,B", help="Let these people label, each by a link.")] = "me",
    simulate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Have a simulated person label by this CSV file of true classes, then end."),
    ] = None,
    labels: Annotated[
        int, typer.Option(metavar="N", min=1, help="Simulate labels until there are so many of theirs.")
    ] = 300,
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

    names = split_names(people)
    if simulate is None:
        label_project(folder, names, port=port)
        return
    simulation = Simulation(simulate, labels, noise, seconds, seed, asynchronous, truth_key, truth_label)
    label_project(folder, names, port=port, simulation=simulation)


@commands.command("audit", cls=Command, epilog="Example: lindley audit questions-labels --labels 60")
def audit(
    folder: Dir,
    labels: Annotated[int, typer.Option(metavar="N", min=1, help="Draw so many fresh items.")] = 60,
) -> None:
    """Begin an audit: the last word on the accuracy.

    Fresh random items come first in `lindley label`, without a hint of what the model says; `lindley status` then
    gives the exact interval of the model of that moment. A second audit is another look, with items of its own.
    """
    with exit_on_interrupt():
        from lindley.apps.label_command import begin_audit

    begin_audit(folder, labels)


@commands.command("train", cls=Command, epilog="Example: lindley train questions-labels")
def train(folder: Dir) -> None:
    """Train a model now, and rank the queue by it."""
    with exit_on_interrupt():
        from lindley.apps.label_command import train_now

    train_now(folder)
