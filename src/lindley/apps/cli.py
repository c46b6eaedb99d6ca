"""The command line: commands, arguments and options. Each command imports its own module when it runs.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (and resumable).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley import __version__
from lindley.apps import project_cli
from lindley.apps.command_classes import FAILED, Command, Commands
from lindley.apps.interrupts import exit_on_interrupt, program_name
from lindley.apps.printing import print_result

app = typer.Typer(
    cls=Commands,
    help="Decide what to label next, with evidence: Bayesian active learning.",
    epilog="Example: lindley run demo",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Look for data here first, then in $LINDLEY_DATA, then in the user's cache folder."
    ),
]


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


@app.command(cls=Command, epilog="Example: lindley run mnist --jobs 2 --out runs/mnist")
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

    names = None if acquisitions is None else [name.strip() for name in acquisitions.split(",") if name.strip()]
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


@app.command(cls=Command, epilog="Example: lindley status questions-labels")
def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a labelling project, or the output folder of a run.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, as --format json does.")] = False,
    format: Annotated[str, typer.Option(metavar="F", help="Print text or json.")] = "text",
) -> None:
    """Show how far a labelling project or a study is.

    Of a project: the accuracy with its interval, whether to stop, what more labels should bring, and tables. Of a
    study: the trials finished, under way and failed, and the time left. At any moment: also while processes write to
    DIR, and on a copy of DIR.
    """
    with exit_on_interrupt():
        from lindley.apps.status_command import show_status

    show_status(folder, format="json" if json else format)


@app.command(cls=Command, epilog="Example: lindley report questions-labels")
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a labelling project, or the output folder of a run.")
    ],
    beside: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw this project's learning curve too, such as one of random choice."),
    ] = None,
) -> None:
    """Write report.html, and print its path.

    Of a project: accuracy, advice, learning curve and tables in one file. Of a study: the figures again, too, from the
    journals alone.
    """
    with exit_on_interrupt():
        from lindley.apps.status_command import write_report_of

    write_report_of(folder, beside=beside)


@app.command(cls=Command, epilog="Example: lindley compare runs/mnist --against margin --accuracy 95")
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
) -> None:
    """Compare the labels that acquisitions need.

    Differences are paired over seeds, and come with intervals and verdicts, from the journals alone.
    """
    with exit_on_interrupt():
        from lindley.apps.compare_command import compare_folder

    compare_folder(folder, against=against, percent=accuracy, format=format, out=out)


@app.command(cls=Command, epilog="Example: lindley data mnist")
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
        str, typer.Option(metavar="NAME", help="Select by this acquisition; `lindley acquisitions` lists them.")
    ] = "batchbald",
    batch_size: Annotated[int, typer.Option(metavar="B", min=1, help="Select so many rows.")] = 10,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed ties and samples.")] = 0,
    inputs: Annotated[
        str, typer.Option(metavar="KIND", help="Read the numbers as log_probs (natural logarithm), probs or logits.")
    ] = "log_probs",
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            help="Set the order of the axes, rows N, draws K and classes C: NKC, NCK, KNC ...  [default: NKC]",
        ),
    ] = None,
    array: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read this array or column, where FILE has several.")
    ] = None,
    num_draws: Annotated[
        int | None,
        typer.Option(
            metavar="K", min=1, help="Set the number of draws, where .parquet has K times C numbers in one list."
        ),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Read the candidates' ids from a .txt, .csv, .tsv, .npy, .npz or .parquet file, FILE:COLUMN where it "
            "has several columns, or a column of FILE.  [default: row numbers from 0]",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHERE", help="Leave out the ids in this file, which are labelled already. May be repeated."
        ),
    ] = None,
    targets: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read predictions of targets, under the same draws and in the same form."),
    ] = None,
    features: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the features [N, D] of the candidates.")
    ] = None,
    labelled_features: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Read the features [L, D] of the labelled rows.  [default: those of --exclude]"
        ),
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
        bool, typer.Option("--force", help="Replace the file of --out, whatever it holds, unless it is also read.")
    ] = False,
) -> None:
    """Select the rows to label next.

    Their ids, ranks and scores are written as CSV or JSON lines. FILE holds predictions of N rows under K draws for C
    classes. Any program may have written it, and it may be larger than memory. Without a model, typiclust, probcover
    and coreset select by --features alone. Write FILE:NAME where a file holds several arrays.
    """
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
    """List the acquisitions and their options."""
    with exit_on_interrupt():
        from lindley.apps.select_command import list_acquisitions

    list_acquisitions()


project_cli.register(app)
