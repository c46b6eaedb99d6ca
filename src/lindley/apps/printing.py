"""All lines that the command line prints: what a stranger wrote in a name is shown, and never obeyed by a terminal.

Tables and progress are printed by `console.py`.
"""

from __future__ import annotations

import io
import sys
from typing import TextIO

import typer

from lindley.text import visible

_LONGEST_LINE = 5_000
"""Characters of a line of a message; of longer ones the beginning is shown."""


def print_result(text: object) -> None:
    """Print what was asked for to stdout."""
    typer.echo(_encodable(visible(str(text)), sys.stdout))


def print_message(text: object) -> None:
    """Print what there is to say beside it, errors among it, to stderr."""
    typer.echo(_encodable("\n".join(map(_cut, visible(str(text)).split("\n"))), sys.stderr), err=True)


def write_to_stdout(text: str) -> None:
    """Print a file's content, byte for byte, or as it can be shown where stdout is a terminal."""
    shown = _encodable(visible(text), sys.stdout) if sys.stdout.isatty() else text.encode()
    typer.echo(shown, nl=False)


def _cut(line: str) -> str:
    more = len(line) - _LONGEST_LINE
    return line if more <= 0 else f"{line[:_LONGEST_LINE]} ... and {more:,} more characters"


def _encodable(text: str, stream: TextIO | io.TextIOBase) -> str:
    """Write out what the stream's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
