"""Ctrl-C and SIGTERM in the first moments: one line, exit code 130, whatever is being imported."""

import signal
import subprocess
import sys

import pytest

from lindley.apps.interrupts import exit_on_interrupt, interrupt_on_terminate, program_name

INTERRUPTED_AT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, Interrupt())
sys.argv = [{program!r}, "run", "demo", "--out", "my runs"]
from lindley.__main__ import main
main()
"""


CASES = [
    ("SIGINT", "typer", "lindley"),
    ("SIGINT", "lindley.apps.cli", "lindley"),
    ("SIGINT", "numpy", "lindley"),
    ("SIGINT", "numpy.exceptions", "lindley"),
    ("SIGINT", "torch", "lindley"),
    ("SIGINT", "scipy", "lindley"),
    ("SIGINT", "lindley.study.running.runner", "lindley"),
    ("SIGTERM", "typer", ".venv/bin/lindley"),
    ("SIGTERM", "torch", ".venv/bin/lindley"),
]


@pytest.mark.parametrize(("signal_name", "module", "program"), CASES)
def test_an_interrupt_while_anything_is_imported_ends_with_one_line(signal_name, module, program, tmp_path):
    code = INTERRUPTED_AT.format(signal=signal_name, module=module, program=program)
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr == f"\nInterrupted. To continue: {program} run demo --out 'my runs'\n"  # golden message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_the_earlier_handler_is_back_after_the_imports(number, handler):
    mine = signal.signal(number, handler)
    try:
        with exit_on_interrupt():
            assert (signal.getsignal(number) is handler) == (handler is signal.SIG_IGN)
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, mine)


def test_sigterm_raises_as_ctrl_c_does_and_only_in_the_block():
    handled = []
    mine = signal.signal(signal.SIGTERM, lambda number, frame: handled.append(number))
    try:
        with pytest.raises(KeyboardInterrupt), interrupt_on_terminate():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert handled == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, mine)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lindley", "lindley"),
        (".venv/bin/lindley", ".venv/bin/lindley"),
        ("/usr/bin/lindley", "lindley"),
        ("/package/lindley/__main__.py", "lindley"),
        ("-c", "lindley"),
    ],
)
def test_the_program_is_as_typed_where_that_is_a_relative_path(monkeypatch, typed, expected):
    monkeypatch.setattr(sys, "argv", [typed, "run", "demo"])
    assert program_name() == expected
