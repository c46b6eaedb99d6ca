"""Ctrl-C and SIGTERM: the process ends with exit code 130 and the command that continues it."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lindley.text import escape_controls

INTERRUPTED = 130


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """End the process at once on Ctrl-C or SIGTERM while the block lasts, with one line and exit code 130.

    For imports alone: an exception in the middle of one leaves modules half made, and some libraries then abort.
    """
    with _handle(signal.SIGINT, _exit), _handle(signal.SIGTERM, _exit):
        yield


@contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM while the block lasts, as on Ctrl-C."""
    with _handle(signal.SIGTERM, signal.default_int_handler):
        yield


def interruption_message() -> str:
    """Return the message that an interrupted command ends with: the same command continues it."""
    return f"\nInterrupted. To continue: {shlex.join([program_name(), *sys.argv[1:]])}"


def program_name() -> str:
    """Return the program as the user typed it where that is a relative path, else "lindley"."""
    typed = sys.argv[0]
    return typed if os.path.basename(typed) == "lindley" and not os.path.isabs(typed) else "lindley"


@contextmanager
def _handle(number: signal.Signals, handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle a signal while the block lasts; where it is ignored, as in the background of a shell, it stays so."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _exit(number: int, frame: FrameType | None) -> None:
    os.write(2, f"{escape_controls(interruption_message())}\n".encode())
    os._exit(INTERRUPTED)
