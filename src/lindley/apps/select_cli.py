"""The commands that select from predictions in files: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lindley.apps.command_classes import Command
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Overwrite

commands = typer.Typer()


@commands.command(
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
    overwrite: Overwrite = False,
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
            overwrite=overwrite,
        )
    )


@commands.command(cls=Command, epilog="Example: lindley acquisitions")
def acquisitions() -> None:
    """List the acquisitions and their options."""
    with exit_on_interrupt():
        from lindley.apps.select_command import list_acquisitions

    list_acquisitions()
