"""The command line: the groups of its commands. Each command imports its own module when it runs.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (and resumable).
"""

from __future__ import annotations

from typing import Annotated

import typer

from lindley import __version__
from lindley.apps import class_cli, exchange_cli, project_cli, select_cli, status_cli, study_cli
from lindley.apps.command_classes import Commands
from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_result

app = typer.Typer(
    cls=Commands,
    help="Decide what to label next, with evidence: Bayesian active learning.",
    epilog="Example: lindley init questions.csv --text question --classes person,place,number",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command that the user typed."""
    app(prog_name=program_name())


def _print_version(requested: bool) -> bool:
    if requested:
        print_result(f"lindley {__version__}")
        raise typer.Exit()
    return requested


@app.callback()
def _lindley(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Decide what to label next, with evidence: Bayesian active learning."""


_LABELLING, _RESEARCH = "Label your own data", "Compare acquisitions, for research"
for _heading, _groups in {
    _LABELLING: (project_cli, status_cli, exchange_cli),
    _RESEARCH: (study_cli, select_cli),
}.items():
    for _group in _groups:
        for _command in _group.commands.registered_commands:
            _command.rich_help_panel = _heading
        app.add_typer(_group.commands)
app.add_typer(class_cli.commands, name="class", rich_help_panel=_LABELLING)
