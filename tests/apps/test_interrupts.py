"""Ctrl-C in the first moments: one line, exit code 130, whatever is being imported."""

import signal
import subprocess
import sys

import pytest

INTERRUPTED_AT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["lindley", "run", "demo", "--out", "my runs"]
from lindley.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module",
    ["typer", "lindley.apps.cli", "numpy", "numpy.exceptions", "torch", "scipy", "lindley.study.running.runner"],
)
def test_an_interrupt_while_anything_is_imported_ends_with_one_line(module, tmp_path):
    command = [sys.executable, "-c", INTERRUPTED_AT.format(module=module)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr == "\nInterrupted. To continue: lindley run demo --out 'my runs'\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_the_handler_of_before_is_back_after_the_imports(handler):
    from lindley.apps.interrupts import exit_on_interrupt

    mine = signal.signal(signal.SIGINT, handler)
    try:
        with exit_on_interrupt():
            assert (signal.getsignal(signal.SIGINT) is handler) == (handler is signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, mine)
