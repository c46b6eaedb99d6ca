"""The process of a trainer: started when a round needs it, and again where it died.

They speak in lines of JSON over pipes: `{"epoch": 12}`, then any number of progress messages, then
`{"event": "done", "epoch": 12}` or `{"event": "failed", "error": "..."}`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lindley.errors import LindleyError


class RoundError(LindleyError):
    """A round of training that gave no epoch."""


class TrainerProcess:
    """Trains epochs of a project, one at a time, in a process of its own.

    Args:
        folder: The folder of the project.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None where there is none, or it has ended."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def train(self, number: int, on_progress: Callable[[dict[str, Any]], None]) -> None:
        """Have an epoch trained, and return when its files are there. A process that fails to answer is killed.

        Args:
            number: The number of the epoch.
            on_progress: Called with each message about how far the round is.

        Raises:
            RoundError: If the round fails, or the process dies.
        """
        process = self._ensure_process()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError, ValueError):  # its pipe breaks, or a line is no JSON
            process.stdin.write(json.dumps({"epoch": number}) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if message == {"event": "done", "epoch": number}:
                    return
                if message.get("event") == "failed":
                    raise RoundError(message["error"])
                on_progress(message)
        self._end()
        raise RoundError(f"the trainer ended (exit code {process.returncode}); see {self._log}")

    def kill(self) -> None:
        """Kill the process, and start no other; a thread in `train` gets its RoundError."""
        with self._mutex:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Kill the process and close its pipes. No thread may be in `train`."""
        self.kill()
        self._end()

    @property
    def _log(self) -> Path:
        return self._folder / "logs" / "trainer.log"

    def _ensure_process(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        with self._mutex:
            if self._closed:
                raise RoundError("the server ends")
            if self._process is None:
                self._process = self._start()
            return self._process

    def _start(self) -> subprocess.Popen[str]:
        self._log.parent.mkdir(exist_ok=True)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "lindley.labelling.trainer", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**os.environ, **threads},
                start_new_session=True,  # Ctrl-C is the server's
            )

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent to a process that is gone
                    pipe.close()
        self._process = None
