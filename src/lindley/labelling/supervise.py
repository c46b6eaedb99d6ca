"""The supervisor of the trainer: one process beside the server, started, watched, and started again where it dies.

They speak in lines of JSON over pipes. The trainer never writes into the database: it leaves an epoch in its files, and
the server takes it over in one transaction.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, Any

from lindley.labelling.project import Project

MAX_PAUSE = 60.0
"""The longest time, in seconds, between two tries after failures; it begins at 1 and doubles."""
_TICK = 0.2
_log = logging.getLogger(__name__)


class Supervisor:
    """Has rounds trained when they are due, one at a time (a thread).

    Args:
        project: The project.
        seconds: After an answer, the time until a round is due although its batch is not whole.
        lockstep: Whether rounds are trained on request only.
    """

    def __init__(self, project: Project, *, seconds: float, lockstep: bool) -> None:
        self._project, self._seconds, self._lockstep = project, seconds, lockstep
        self._wake = threading.Condition()
        self._requested = project.store.epoch() == 0
        self._closed = False
        self._process: subprocess.Popen[str] | None = None
        self._failures = 0
        self._state: dict[str, Any] = {"state": "idle", "error": ""}
        self._thread = threading.Thread(target=self._run, name="lindley-supervisor", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Have a round trained as soon as the one under way has ended."""
        with self._wake:
            self._requested = True
            self._wake.notify_all()

    def notice(self) -> None:
        """Look soon whether a round is due."""
        with self._wake:
            self._wake.notify_all()

    def describe(self) -> dict[str, Any]:
        """Return what the trainer does, its process and its last failure."""
        process = self._process
        return {**self._state, "pid": None if process is None else process.pid}

    def close(self) -> None:
        """End the trainer's process and the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._kill()
        self._thread.join()

    def _run(self) -> None:
        while self._wait_until_due():
            try:
                self._train()
                self._failures = 0
                self._state = {"state": "idle", "error": ""}
            except Exception as error:  # whatever happens to a round, labelling goes on
                if self._closed:
                    break
                self._failures += 1
                self._state = {"state": "failed", "error": str(error)}
                _log.warning("A round failed: %s", error)
                self._project.record_failure(str(error))
                self._pause(min(MAX_PAUSE, 2.0 ** (self._failures - 1)))
                with self._wake:
                    self._requested = True
        self._kill()

    def _wait_until_due(self) -> bool:
        since = time.monotonic()
        while True:
            with self._wake:
                if self._closed:
                    return False
                if self._requested:
                    self._requested = False
                    return True
                self._wake.wait(_TICK if not self._lockstep else 1.0)
            if self._lockstep:
                continue
            if self._project.is_round_due(whole_batches=True):
                return True
            if not self._project.is_round_due(whole_batches=False):
                since = time.monotonic()
            elif time.monotonic() - since >= self._seconds:
                return True

    def _train(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            self._process = process = self._start()
        self._state = {"state": "training", "error": ""}
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"epoch": self._project.store.epoch() + 1}) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            message = json.loads(line)
            if message.get("event") == "done":
                self._project.adopt(message["epoch"])
                return
            if message.get("event") == "failed":
                raise RuntimeError(message["error"])
            self._state = {"state": "training", "error": "", **message}
        raise RuntimeError(f"the trainer ended (exit code {process.wait()}); see {self._project.folder / 'logs'}")

    def _start(self) -> subprocess.Popen[str]:
        logs = self._project.folder / "logs"
        logs.mkdir(exist_ok=True)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        with (logs / "trainer.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "lindley.labelling.trainer", str(self._project.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **threads},
                start_new_session=True,  # Ctrl-C is the server's
            )

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        for pipe in () if process is None else (process.stdin, process.stdout):
            _close(pipe)
        self._process = None

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._wake:
            while not self._closed and time.monotonic() < deadline:
                self._wake.wait(deadline - time.monotonic())


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        with suppress(OSError):  # what was not sent to a process that is gone
            pipe.close()
