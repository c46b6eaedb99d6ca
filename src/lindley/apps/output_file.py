"""The file that --out names: refused before the work where it cannot be written, and whole or absent after it."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from lindley.errors import InputError
from lindley.loop.files import write_atomically


def check_out(out: Path | None) -> None:
    """Refuse a file in a folder that is not there, and a folder."""
    if out is None:
        return
    folder = out.resolve().parent
    if not folder.is_dir():
        raise InputError(f"--out: there is no folder {out.parent}")
    if not os.access(folder, os.W_OK) and not (out.exists() and not out.is_file()):
        raise InputError(f"--out: the folder {out.parent} cannot be written to")
    if out.is_dir():
        raise InputError(f"--out: {out} is a folder; name a file")


def write_out(out: Path | None, text: str) -> None:
    """To stdout where no file is named. A link is followed, and what is no plain file, such as a pipe, written into."""
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists() and not out.is_file():
        out.write_text(text, encoding="utf-8")
    else:
        write_atomically(out.resolve(), text.encode())
    typer.echo(f"Written to {out}.", err=True)
