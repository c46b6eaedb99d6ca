"""The commands that show a labelling project or a study: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt

commands = typer.Typer()


@commands.command(cls=Command, epilog="Example: lindley status questions-labels")
def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a labelling project, or the output folder of a run.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON, as --format json does.")] = False,
    format: Annotated[str, typer.Option(metavar="F", help="Print text or json.")] = "text",
) -> None:
    """Show the status of a labelling project or a study.

    For a project: the accuracy with its interval, whether to stop, a forecast, and tables. For a study: the trials
    that are finished, under way and failed, and the time left. It works at any time, even while DIR is in use, and on
    a copy of DIR.
    """
    with exit_on_interrupt():
        from lindley.apps.status_command import show_status

    show_status(folder, format="json" if json else format)


@commands.command(cls=Command, epilog="Example: lindley report questions-labels")
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a labelling project, or the output folder of a run.")
    ],
    beside: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw the learning curve of this project too, for comparison."),
    ] = None,
) -> None:
    """Write report.html and print its path.

    For a project: the accuracy, the advice when to stop, the learning curve and tables in one file. For a study: the
    report and its figures again, from the journals alone.
    """
    with exit_on_interrupt():
        from lindley.apps.status_command import write_report_of

    write_report_of(folder, beside=beside)
