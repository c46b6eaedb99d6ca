"""The supervisor of the trainer: it has a round trained when one is due, and tries again where that fails.

The trainer never writes into the database: it leaves an epoch in its files, and the server takes it over in one
transaction. Until then, and where a round fails, the old queue serves.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any, Literal

from lindley.errors import LindleyError
from lindley.labelling.project import Project
from lindley.labelling.trainer_process import TrainerProcess

MAX_PAUSE = 60.0
"""The longest time, in seconds, between two tries after failures; it begins at 1 and doubles."""
_TICK = 0.5  # seconds after which it looks whether a round is due
_log = logging.getLogger(__name__)


class Supervisor:
    """Runs rounds of training, one at a time (a thread).

    Args:
        project: The project.
        seconds: After an answer, the time until a round is due although its batch is not whole.
        lockstep: Whether rounds are trained on request only.
    """

    def __init__(self, project: Project, *, seconds: float, lockstep: bool) -> None:
        self._project, self._seconds, self._lockstep = project, seconds, lockstep
        self._trainer = TrainerProcess(project.folder)
        self._wake = threading.Condition()
        self._request: Literal["", "if due", "now"] = "now" if project.store.epoch() == 0 else ""
        self._closed = False
        self._failures = 0
        self._not_before = self._pending_since = time.monotonic()
        self._state: dict[str, Any] = {"state": "idle", "error": ""}
        self._thread = threading.Thread(target=self._run, name="lindley-supervisor", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Have a round trained as soon as the one under way has ended, also where there is nothing new."""
        self._set_request("now")

    def request_if_due(self) -> None:
        """Have a round trained after the one under way, where there is an answer that it does not know."""
        self._set_request("if due")

    def describe(self) -> dict[str, Any]:
        """Return what the trainer does, its process and its last failure."""
        return {**self._state, "pid": self._trainer.pid}

    def close(self) -> None:
        """End the trainer's process and the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._trainer.kill()
        self._thread.join()
        self._trainer.close()

    def _set_request(self, request: Literal["if due", "now"]) -> None:
        with self._wake:
            if self._request != "now":
                self._request = request
            self._wake.notify_all()

    def _run(self) -> None:
        while not self._closed:
            try:
                if self._is_round_wanted():
                    self._train()
                else:
                    self._wait()
            except Exception as error:  # whatever happens to a round, labelling goes on
                if not self._closed:
                    self._remember(error)

    def _train(self) -> None:
        number = self._project.store.epoch() + 1
        self._pending_since = time.monotonic()
        self._state = {"state": "training", "error": self._state["error"]}
        self._trainer.train(number, self._show_progress)
        self._project.adopt(number)
        self._failures = 0
        self._state = {"state": "idle", "error": ""}

    def _show_progress(self, message: dict[str, Any]) -> None:
        self._state = {"state": "training", "error": self._state["error"], **message}

    def _remember(self, error: Exception) -> None:
        """Show a failure, and plan the next try."""
        _log.warning("A round failed: %s", error)
        with suppress(LindleyError):  # a disk that is full may be why the round failed
            self._project.record_failure(str(error))
        self._failures += 1
        self._state = {"state": "failed", "error": str(error)}
        with self._wake:
            self._request = "now"
            self._not_before = time.monotonic() + min(MAX_PAUSE, 2.0 ** (self._failures - 1))

    def _wait(self) -> None:
        with self._wake:
            if not self._closed and (not self._request or time.monotonic() < self._not_before):
                self._wake.wait(_TICK)

    def _is_round_wanted(self) -> bool:
        """Return whether a round was requested, or is due; a request is used up by it."""
        with self._wake:
            if time.monotonic() < self._not_before:
                return False
            request, self._request = self._request, ""
        if request == "if due":
            return self._project.is_round_due(whole_batches=False)
        return request == "now" or (not self._lockstep and self._is_due())

    def _is_due(self) -> bool:
        """Return whether a batch of answers is there that the newest model does not know, or one for long enough."""
        if self._project.is_round_due(whole_batches=True):
            return True
        if not self._project.is_round_due(whole_batches=False):
            self._pending_since = time.monotonic()
            return False
        return time.monotonic() - self._pending_since >= self._seconds
