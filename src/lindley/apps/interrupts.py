"""Ctrl-C while the program is still being imported, when nothing has begun."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lindley.text import visible

INTERRUPTED = 130


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """End the process at once on Ctrl-C while the block lasts, with one line and exit code 130.

    For imports alone: an exception in the middle of one leaves modules half made, and some libraries then abort. Where
    Ctrl-C is ignored, as in the background of a shell, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted_message() -> str:
    """Say how the same command continues."""
    return f"\nInterrupted. To continue: {shlex.join(['lindley', *sys.argv[1:]])}"


def _exit(number: int, frame: FrameType | None) -> None:
    os.write(2, f"{visible(interrupted_message())}\n".encode())
    os._exit(INTERRUPTED)
