"""All lines that the command line prints: control characters in names are shown, and never obeyed by a terminal.

Tables and progress are printed by `console.py`.
"""

from __future__ import annotations

import io
import sys
from typing import TextIO

import typer

from lindley.text import escape_controls

_LONGEST_LINE = 5_000
"""Characters of a message's line; longer ones are truncated."""


def print_result(text: object) -> None:
    """Print a result to stdout."""
    typer.echo(_escape_unencodable(escape_controls(str(text)), sys.stdout))


def print_message(text: object) -> None:
    """Print a message, such as an error, to stderr."""
    typer.echo(
        _escape_unencodable("\n".join(map(_truncate, escape_controls(str(text)).split("\n"))), sys.stderr), err=True
    )


def write_to_stdout(text: str) -> None:
    """Print a file's content, byte for byte, or with control characters escaped where stdout is a terminal."""
    shown = _escape_unencodable(escape_controls(text), sys.stdout) if sys.stdout.isatty() else text.encode()
    typer.echo(shown, nl=False)


def _truncate(line: str) -> str:
    more = len(line) - _LONGEST_LINE
    return line if more <= 0 else f"{line[:_LONGEST_LINE]} ... and {more:,} more characters"


def _escape_unencodable(text: str, stream: TextIO | io.TextIOBase) -> str:
    """Escape characters that the stream's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
