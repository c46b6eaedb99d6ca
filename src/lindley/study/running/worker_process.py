"""The parent's side of a worker process: start it, send it trials, receive its events, say why it ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any

from lindley.session.progress import ProgressEvent
from lindley.text import escape_line

_START = (  # Ctrl-C reaches the workers too, but it is the parent that stops them
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from lindley.study.running.worker import main; main()"
)


class Worker:
    """A worker process. Its events, and None when it has ended, go to `inbox` with the worker itself."""

    def __init__(self, settings: dict[str, Any], inbox: queue.Queue[tuple[Worker, ProgressEvent | None]]) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(settings["threads"]),
            text=True,
            encoding="utf-8",
        )
        self._inbox = inbox
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self.send(settings)

    def send(self, message: dict[str, Any]) -> None:
        """Send one JSON line. For a dead worker this does nothing: its end is in the inbox."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """End the process now: what it wrote is whole at every moment. Returns when it is gone."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]

    def exit_reason(self) -> str:
        """Return why a worker ended, as a sentence for people."""
        code = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = f"; its last output: {escape_line(lines[-1])}" if lines else ""
        if code >= 0:
            return f"the worker process ended with exit code {code}{said}"
        name = signal.Signals(-code).name
        hint = " (out of memory? Try fewer jobs)" if name == "SIGKILL" else ""
        return f"the worker process was ended by {name}{hint}{said}"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # else the process was killed while it wrote
                self._inbox.put((self, json.loads(line)))
        self._inbox.put((self, None))


def _environment(threads: int) -> dict[str, str]:
    """Thread counts are read when numpy and torch are imported; a GPU's workspace when CUDA starts."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {**os.environ, **counts, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
