"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Dir = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the project.", show_default=False)]
Text = Annotated[str | None, typer.Option(metavar="COLUMN", help="Label the texts of this column.")]
Features = Annotated[str | None, typer.Option(metavar="A,B", help="Label rows: these columns are their features.")]
Id = Annotated[str | None, typer.Option(metavar="COLUMN", help="Keep this column as the items' own id.")]


def split_names(names: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
