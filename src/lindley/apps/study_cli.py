"""The commands that run a study and compare its results: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import FAILED, Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Overwrite, split_names

commands = typer.Typer()
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Look for data here first, then in $LINDLEY_DATA, then in the user's cache folder."
    ),
]


@commands.command(cls=Command, epilog="Example: lindley run mnist --jobs 2 --out runs/mnist")
def run(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A packaged study, or the path of a .toml file.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write to this folder.  [default: runs/STUDY]")
    ] = None,
    seeds: Annotated[int | None, typer.Option(metavar="N", min=1, help="Override the study's number of seeds.")] = None,
    max_labels: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Override the number of labels at which trials stop.")
    ] = None,
    acquisitions: Annotated[str | None, typer.Option(metavar="A,B", help="Run only these acquisitions.")] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Run so many trials at a time.  [default: cores / threads]")
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Use so many threads in each trial.")] = 1,
    device: Annotated[
        str, typer.Option(metavar="D", help="Run the models on this device: cpu, cuda, cuda:1, mps.")
    ] = "cpu",
    data_dir: DataDir = None,
    sink: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:WHERE]",
            help="Log the rounds to tensorboard[:DIR] or mlflow[:URI] too. May be repeated.  [default WHERE: in DIR]",
        ),
    ] = None,
) -> None:
    """Run a study, or continue it, and write its report.

    The same command twice continues where it stopped; a finished study runs nothing.
    """
    with exit_on_interrupt():
        from lindley.apps.run_command import RunOptions, run_study_and_report

    names = None if acquisitions is None else split_names(acquisitions)
    options = RunOptions(
        study=study,
        out=out,
        seeds=seeds,
        max_labels=max_labels,
        acquisitions=names,
        jobs=jobs,
        threads=threads,
        device=device,
        data_dir=data_dir,
        sinks=sink or (),
    )
    if not run_study_and_report(options):
        raise typer.Exit(FAILED)


@commands.command(cls=Command, epilog="Example: lindley compare runs/mnist --against margin --accuracy 95")
def compare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a run.")],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compare with this acquisition.  [default: random; in an experiment without it, the first]",
        ),
    ] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT", help="Count the labels to this accuracy.  [default: one that nearly all trials reach]"
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="F", help="Write text, json or csv.  [default: the ending of --out, else text]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead of stdout.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare the labels that acquisitions need.

    Differences are paired over seeds, and come with intervals and verdicts, from the journals alone.
    """
    with exit_on_interrupt():
        from lindley.apps.compare_command import compare_folder

    compare_folder(folder, against=against, percent=accuracy, format=format, out=out, overwrite=overwrite)


@commands.command(cls=Command, epilog="Example: lindley data mnist")
def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The data set to fetch.")] = None,
    data_dir: DataDir = None,
) -> None:
    """List the data sets, or fetch one."""
    with exit_on_interrupt():
        from lindley.apps.data_command import fetch_data, list_data

    if name is None:
        list_data(data_dir)
    else:
        fetch_data(name, data_dir)
