"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Dir = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the project.", show_default=False)]
Text = Annotated[str | None, typer.Option(metavar="COLUMN", help="Read the texts from this column.")]
Features = Annotated[str | None, typer.Option(metavar="A,B", help="Read the features of rows from these columns.")]
Id = Annotated[str | None, typer.Option(metavar="COLUMN", help="Read the items' own ids from this column.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Keep the labels in this PostgreSQL database: postgresql://USER@HOST/NAME.  [default: a file]",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output file where it is there already.")]


def split_names(names: str) -> list[str]:
    """Return the names in a comma-separated list."""
    return [name.strip() for name in names.split(",") if name.strip()]
