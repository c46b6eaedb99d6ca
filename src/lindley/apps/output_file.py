"""The file that --out names: refused before the work where it cannot be written, and whole or absent after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lindley.apps.printing import print_message, write_to_stdout
from lindley.errors import InputError
from lindley.session.files import write_atomically


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


def refuse_loss(out: Path | None, inputs: Iterable[Path], is_ours: Callable[[Path], bool], *, force: bool) -> None:
    """Refuse to write over what somebody may miss.

    Args:
        out: The file to be written, or None for stdout.
        inputs: The files that are read. None of them is ever written over.
        is_ours: Whether a file holds nothing but what an earlier call wrote.
        force: Whether another file may be replaced.

    Raises:
        InputError: If the file is also read, or holds something else and is not to be replaced.
    """
    if out is None or not out.is_file():
        return
    for path in inputs:
        if path.exists() and out.samefile(path):
            raise InputError(f"--out: {out} is also read, as {path}, and would be lost; name another file")
    if not force and not is_ours(out):
        raise InputError(
            f"--out: {out} exists, and holds more than a selection that nobody has added to; it would be lost. Name "
            "another file, or add --force to replace it"
        )


def write_out(out: Path | None, text: str) -> None:
    """To stdout where no file is named. A link is followed, and what is no plain file, such as a pipe, written into."""
    if out is None:
        write_to_stdout(text)
        return
    if out.exists() and not out.is_file():
        out.write_text(text, encoding="utf-8")
    else:
        write_atomically(out.resolve(), text.encode())
    print_message(f"Written to {out}.")
