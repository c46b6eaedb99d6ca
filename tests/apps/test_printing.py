"""What strangers wrote in names is shown in all that the command line prints, and obeyed nowhere."""

from __future__ import annotations

import ast
import io
import os
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.padding import Padding
from rich.table import Table
from typer.testing import CliRunner

from lindley.apps import printing
from lindley.apps.cli import app
from lindley.apps.console import PlainConsole
from lindley.text import escape_controls

OBEYED = [*map(chr, (*range(9), *range(11, 32), *range(127, 160))), *"\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028"]
TEXTS = st.text(st.characters() | st.sampled_from(OBEYED))
HOSTILE = "\x1b[31m[bold]red[/bold]\r:smile:\u202e\x9b2J"
SHOWN = r"\x1b[31m[bold]red[/bold]\x0d:smile:\u202e\x9b2J"


@given(TEXTS)
def test_nothing_that_is_obeyed_is_left(text):
    shown = escape_controls(text)
    assert not set(OBEYED) & set(shown)
    shown.encode()  # halves of characters are written out too
    assert shown == text or set(text) - set(shown)


def test_lines_are_shown_and_long_ones_cut(capsys):
    printing.print_result(HOSTILE)
    printing.print_message(HOSTILE)
    assert capsys.readouterr() == (f"{SHOWN}\n", f"{SHOWN}\n")
    printing.print_message("short\n" + "x" * 100_000)
    assert capsys.readouterr().err.endswith("xxx ... and 95,000 more characters\n")


def test_tables_and_sentences_are_shown():
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    for what in (table, HOSTILE, Padding(HOSTILE)):
        console = PlainConsole(file=io.StringIO(), width=200)
        console.print(what)
        text = console.file.getvalue()
        assert SHOWN in text
        assert not {"\x1b", "\r", "\u202e", "\x9b"} & set(text)


def test_a_file_on_stdout_is_exact_in_a_pipe_and_shown_in_a_terminal(capsysbinary, monkeypatch):
    printing.write_to_stdout(HOSTILE)
    assert capsysbinary.readouterr().out == HOSTILE.encode()
    reader, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        printing.write_to_stdout(f"{HOSTILE}\n")
        stdout.flush()
        assert os.read(reader, 1000).decode().strip() == SHOWN
    os.close(reader)


def test_nothing_else_in_apps_prints():
    for path in Path(printing.__file__).parent.glob("*.py"):
        if path.name in ("printing.py", "console.py"):
            continue
        called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {getattr(each, "id", getattr(each, "attr", "")) for each in called if not _of_console(each)}
        assert not names & {"echo", "secho", "print", "Console", "Text"}, path.name


def _of_console(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and getattr(called.value, "id", "") in ("console", "wide")


def test_names_in_files_are_shown(tmp_path):
    np.savez(tmp_path / "a.npz", **{f"{HOSTILE}1".replace("/", ""): np.zeros(3), "b": np.zeros(3)})
    np.save(tmp_path / "p.npy", np.zeros((2, 3, 4), "f4"))
    (tmp_path / "i.txt").write_text(f"{HOSTILE[:-1]}\n{HOSTILE[:-1]}\n".replace("\r", ""))
    for arguments in (["a.npz"], ["p.npy", "--ids", "i.txt"], ["p.npy", "--exclude", "i.txt"], [f"{HOSTILE}.npy"]):
        ran = CliRunner().invoke(
            app, ["select", *(str(tmp_path / each) if "." in each else each for each in arguments)]
        )
        assert ran.exit_code == 2
        assert "[31m" in ran.stderr
        assert not {"\x1b", "\r", "\u202e", "\x9b"} & set(ran.stdout + ran.stderr)
