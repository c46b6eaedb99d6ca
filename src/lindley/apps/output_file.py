"""The file that --out names: refused before the work where it cannot be written, and complete or absent after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lindley.apps.printing import print_message, write_to_stdout
from lindley.errors import InputError
from lindley.files import write_atomically


def check_out(out: Path | None, *, argument: str = "out") -> None:
    """Raise InputError where the file cannot be written: it is a folder, or its own folder is missing or read-only."""
    if out is None:
        return
    folder = out.resolve().parent
    if not folder.is_dir():
        raise InputError(f"there is no folder {out.parent}", argument=argument, got=out)
    if not os.access(folder, os.W_OK) and not (out.exists() and not out.is_file()):
        raise InputError(f"the folder {out.parent} cannot be written to", argument=argument, got=out)
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file", argument=argument, got=out)


def refuse_overwrite(
    out: Path | None,
    inputs: Iterable[Path] = (),
    *,
    overwrite: bool,
    argument: str = "out",
    may_go: Callable[[Path], bool] = lambda path: False,
) -> None:
    """Refuse to replace a file; a pipe and a device are written into, and not replaced.

    Args:
        out: The file to be written, or None for stdout.
        inputs: The files that are read. None of them is ever replaced.
        overwrite: Whether another file may be replaced.
        argument: The argument that names the file.
        may_go: A function that tells whether a file is replaced without `overwrite`, since nothing is lost with it.

    Raises:
        InputError: If the file is also read, or is there and `overwrite` is not set.
    """
    if out is None or not out.is_file():
        return
    for path in inputs:
        if path.exists() and out.samefile(path):
            raise InputError(
                f"{out} is also read, as {path}, and would be lost; name another file", argument=argument, got=out
            )
    if not overwrite and not may_go(out):
        raise InputError(
            f"{out} is there already, and would be lost. Name another file, or add --overwrite to replace it",
            argument=argument,
            got=out,
        )


def write_out(out: Path | None, text: str) -> None:
    """Write to a file, or to stdout where there is none. Links are followed, and pipes written into."""
    if out is None:
        write_to_stdout(text)
        return
    if out.exists() and not out.is_file():
        out.write_text(text, encoding="utf-8")
    else:
        write_atomically(out.resolve(), text.encode())
    print_message(f"Written to {out}.")
