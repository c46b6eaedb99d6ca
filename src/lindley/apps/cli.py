"""The command line: what is typed, and how it ends. The work is in `apps.commands`, imported when it is asked for.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (and resumable).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lindley import __version__
from lindley.apps.command_classes import Command, Commands
from lindley.apps.interrupts import INTERRUPTED, exit_on_interrupt, interrupted_message
from lindley.apps.printing import print_message, print_result
from lindley.errors import InputError, LindleyError

FAILED, WRONG_USAGE = 1, 2

app = typer.Typer(
    cls=Commands,
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
        print_result(f"lindley {__version__}")
        raise typer.Exit()
    return wanted


@app.callback()
def _lindley(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Decide what to label next, with evidence: Bayesian active learning."""


@app.command(cls=Command, epilog="Example: lindley run mnist --jobs 2 --out runs/mnist")
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
    sink: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:WHERE]",
            help="Show the rounds to tensorboard[:DIR] or mlflow[:URI] too; may be repeated.  [default WHERE: in DIR]",
        ),
    ] = None,
) -> None:
    """Run a study, or continue it, and write its report.

    The same command twice continues where it stopped; a finished study runs nothing.
    """
    with _clear_errors():
        with exit_on_interrupt():
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
            sinks=sink or (),
        )
        if not run_study_and_report(options):
            raise typer.Exit(FAILED)


@app.command(cls=Command, epilog="Example: lindley status runs/mnist")
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a run.")],
    json: Annotated[bool, typer.Option("--json", help="Print everything, trial by trial, as JSON.")] = False,
) -> None:
    """Say how far a study has come: what is finished, under way, failed, and about how long the rest takes.

    Works at any moment, also while processes run into DIR and on a copy of it.
    """
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.status_command import show_status

        show_status(folder, as_json=json)


@app.command(cls=Command, epilog="Example: lindley report runs/mnist")
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a run.")],
) -> None:
    """Make the figures and report.html again, from the journals alone."""
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.commands import report_again

        report_again(folder)


@app.command(cls=Command, epilog="Example: lindley compare runs/mnist --against margin --accuracy 95")
def compare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a run.")],
    against: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to compare with.  [default: random; in a panel without, its first]"),
    ] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="Where labels are counted.  [default: what nearly all reach]"),
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="F", help="text, json or csv.  [default: what FILE ends with, or text]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file, not to stdout.")] = None,
) -> None:
    """Say which acquisition needs fewer labels, and how sure that is: paired over seeds, from the journals alone."""
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.compare_command import compare_folder

        compare_folder(folder, against=against, percent=accuracy, format=format, out=out)


@app.command(cls=Command, epilog="Example: lindley data mnist")
def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The data set to fetch.")] = None,
    data_dir: DataDir = None,
) -> None:
    """List the data sets, or fetch one."""
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.data_command import fetch_data, list_data

        if name is None:
            list_data(data_dir)
        else:
            fetch_data(name, data_dir)


@app.command(
    cls=Command, epilog="Example: lindley select predictions.npy --acquisition batchbald --batch-size 10 --out ask.csv"
)
def select(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Predictions [N, K, C] in .npy, .npz, .safetensors or .parquet. Leave it out for an acquisition that "
            "reads --features alone.",
            show_default=False,
        ),
    ] = None,
    acquisition: Annotated[
        str, typer.Option(metavar="NAME", help="The acquisition; `lindley acquisitions` lists them.")
    ] = "batchbald",
    batch_size: Annotated[int, typer.Option(metavar="B", min=1, help="The number of rows to choose.")] = 10,
    seed: Annotated[int, typer.Option(metavar="N", help="The seed of ties and samples.")] = 0,
    inputs: Annotated[
        str, typer.Option(metavar="KIND", help="What the numbers are: log_probs (natural logarithm), probs or logits.")
    ] = "log_probs",
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            help="The order of the axes, rows N, draws K and classes C: NKC, NCK, KNC ...  [default: NKC]",
        ),
    ] = None,
    array: Annotated[
        str | None, typer.Option(metavar="NAME", help="The array or column to read, where FILE has several.")
    ] = None,
    num_draws: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, help="The number of draws, where .parquet has K times C numbers in one list."),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="The ids of the candidates: a .txt, .csv, .tsv, .npy, .npz or .parquet file, FILE:COLUMN where it has "
            "several columns, or a column of FILE.  [default: row numbers from 0]",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHERE", help="Leave out the ids in this file, which are labelled already. May be repeated."
        ),
    ] = None,
    targets: Annotated[
        str | None, typer.Option(metavar="FILE", help="Predictions of targets under the same draws, in the same form.")
    ] = None,
    features: Annotated[str | None, typer.Option(metavar="FILE", help="The features [N, D] of the candidates.")] = None,
    labelled_features: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The features [L, D] of the labelled rows.  [default: those of --exclude]"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Set an option of the acquisition. May be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this .csv or .jsonl file instead of stdout.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="F", help="Write csv or jsonl.  [default: the ending of --out, else csv]")
    ] = None,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet", help="Put an apostrophe before ids that a spreadsheet program would run as formulas."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --out, whatever it holds. Files that are read stay.")
    ] = False,
) -> None:
    """Choose which rows of a file of predictions to label next, and write their ids, ranks and scores.

    FILE holds predictions of N rows under K draws for C classes. Any program may have written it, and it may be larger
    than memory. Without a model, typiclust, probcover and coreset choose by --features alone. Write FILE:NAME where a
    file holds several arrays.
    """
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.select_command import select_from_file
            from lindley.apps.select_options import SelectOptions

        select_from_file(
            SelectOptions(
                file=file,
                acquisition=acquisition,
                batch_size=batch_size,
                seed=seed,
                inputs=inputs,
                axes=axes,
                array=array,
                num_draws=num_draws,
                ids=ids,
                exclude=exclude or (),
                targets=targets,
                features=features,
                labelled_features=labelled_features,
                options=option or [],
                out=out,
                format=format,
                spreadsheet=spreadsheet,
                force=force,
            )
        )


@app.command(cls=Command, epilog="Example: lindley acquisitions")
def acquisitions() -> None:
    """List the acquisitions: their names, what they need, where they come from."""
    with _clear_errors():
        with exit_on_interrupt():
            from lindley.apps.select_command import list_acquisitions

        list_acquisitions()


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn an error that was raised on purpose into one message on stderr and an exit code, without a traceback."""
    try:
        yield
    except LindleyError as error:
        print_message(f"lindley: {error}")
        raise typer.Exit(WRONG_USAGE if isinstance(error, InputError) else FAILED) from None
    except BrokenPipeError:  # the reader of our output has gone: typer's to handle
        raise
    except OSError as error:
        print_message(f"lindley: {error.filename or 'the system'}: {error.strerror or error}")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        print_message(interrupted_message())
        raise typer.Exit(INTERRUPTED) from None
