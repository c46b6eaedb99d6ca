"""The command line: what is typed, and how it ends. The work is in `apps.commands`, imported when it is asked for.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (and resumable).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lindley import __version__
from lindley.errors import InputError, LindleyError

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="Decide what to label next, with evidence: Bayesian active learning.",
    epilog="Example: lindley run demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Where data are looked for first; then $LINDLEY_DATA, then the user's cache folder."
    ),
]


def main() -> None:
    """The entry point of the `lindley` command."""
    app(prog_name="lindley")


def _say_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"lindley {__version__}")
        raise typer.Exit()
    return wanted


@app.callback()
def _lindley(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    """Decide what to label next, with evidence: Bayesian active learning."""


@app.command(epilog="Example: lindley run mnist --jobs 2 --out runs/mnist")
def run(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A packaged study, or the path of a .toml file.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The output folder.  [default: runs/STUDY]")] = None,
    seeds: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many seeds, not the study's.")] = None,
    max_labels: Annotated[int | None, typer.Option(metavar="N", min=1, help="Where to stop, not the study's.")] = None,
    acquisitions: Annotated[
        str | None, typer.Option(metavar="A,B", help="These acquisitions, not the study's.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Trials at a time.  [default: cores / threads]")
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads of each trial.")] = 1,
    device: Annotated[str, typer.Option(metavar="D", help="Where the model runs: cpu, cuda, cuda:1, mps.")] = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Run a study, or continue it, and write its report.

    The same command twice continues where it stopped; a finished study runs nothing.
    """
    with _clear_errors():
        from lindley.apps.commands import RunOptions, run_study_and_report

        chosen = None if acquisitions is None else [name.strip() for name in acquisitions.split(",") if name.strip()]
        options = RunOptions(
            study=study,
            out=out,
            seeds=seeds,
            max_labels=max_labels,
            acquisitions=chosen,
            jobs=jobs,
            threads=threads,
            device=device,
            data_dir=data_dir,
        )
        if not run_study_and_report(options):
            raise typer.Exit(FAILED)


@app.command(epilog="Example: lindley report runs/mnist")
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a run.")],
) -> None:
    """Make the figures and report.html again, from the journals alone."""
    with _clear_errors():
        from lindley.apps.commands import report_again

        report_again(folder)


@app.command(epilog="Example: lindley data mnist")
def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The data set to fetch.")] = None,
    data_dir: DataDir = None,
) -> None:
    """List the data sets, or fetch one."""
    with _clear_errors():
        from lindley.apps.commands import fetch_data, list_data

        if name is None:
            list_data(data_dir)
        else:
            fetch_data(name, data_dir)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """An error that was raised on purpose is one message on stderr and an exit code, never a traceback."""
    try:
        yield
    except LindleyError as error:
        typer.echo(f"lindley: {error}", err=True)
        raise typer.Exit(WRONG_USAGE if isinstance(error, InputError) else FAILED) from None
    except BrokenPipeError:  # the reader of our output has gone: typer's to handle
        raise
    except OSError as error:
        typer.echo(f"lindley: {error.filename or 'the system'}: {error.strerror or error}", err=True)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo(f"\nInterrupted. To continue: {shlex.join(['lindley', *sys.argv[1:]])}", err=True)
        raise typer.Exit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
