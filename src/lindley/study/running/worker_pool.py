"""The pool of workers of a run: each gets a trial that nobody holds, until none is left."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.session.failures import record_failure
from lindley.session.progress import OnProgress, ProgressEvent
from lindley.study.running.trial_queue import TrialQueue
from lindley.study.running.worker_process import Worker
from lindley.study.trials import Trial

_ATTEMPTS = 2
"""How often a trial is started when its worker dies."""
_POLL_SECONDS = 1.0
"""Seconds between looks at trials that another process holds, while a worker is idle."""


@dataclass
class Outcome:
    """How a study ended. `done` counts the trials that are complete, whoever ran them and whenever."""

    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """The folder of each trial that failed, and why."""
    interrupted: bool = False
    """True after Ctrl-C: the same call goes on where this one stopped."""
    sinks_failed: list[str] = field(default_factory=list)
    """One sentence for each sink that raised; the study itself went on."""


class WorkerPool:
    """Workers and the queue of trials for them. Everything here happens in the thread of the caller.

    Args:
        settings: What every worker is told first: out, device, threads, data_dir, folder, process.
        count: Workers at the same time.
        trials: All trials of the study.
        on_progress: Called with every event.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        count: int,
        trials: Sequence[Trial],
        on_progress: OnProgress,
    ) -> None:
        self._settings = settings
        self._count = count
        self._on_progress = on_progress
        self._inbox: queue.Queue[tuple[Worker, ProgressEvent | None]] = queue.Queue()
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []
        self._busy: dict[Worker, Trial] = {}
        self._deaths: dict[str, int] = {}
        self.outcome = Outcome()
        self._queue = TrialQueue(trials, Path(settings["out"]), self._report)

    def work(self) -> Outcome:
        """Run until every trial is finished or has failed, here or elsewhere, or Ctrl-C. No worker outlives it."""
        try:
            self._dispatch()
            while self._busy or self._queue.trials:
                self._receive()
                self._dispatch()
        except KeyboardInterrupt:
            self.outcome.interrupted = True
        finally:
            for worker in self._workers:
                worker.stop()
        return self.outcome

    def _dispatch(self) -> None:
        """Give a trial to every worker that has none, as far as there are free ones; start workers as needed."""
        while len(self._busy) < self._count and (trial := self._queue.take()) is not None:
            if not self._idle:
                self._workers.append(Worker(self._settings, self._inbox))
                self._idle.append(self._workers[-1])
            worker = self._idle.pop()
            self._busy[worker] = trial
            worker.send(_build_request(trial))

    def _receive(self) -> None:
        waits = self._queue.trials and len(self._busy) < self._count  # all that remains is held by others
        try:
            worker, event = self._inbox.get(timeout=_POLL_SECONDS if waits else None)
        except queue.Empty:
            return
        if event is None:
            self._handle_death(worker)
            return
        if event["stage"] in ("finished", "failed", "held"):
            trial = self._busy.pop(worker)
            self._idle.append(worker)
            if event["stage"] == "held":  # another process was faster
                self._queue.put_back(trial)
                return
        self._report(event)

    def _report(self, event: ProgressEvent) -> None:
        if event["stage"] in ("finished", "complete"):
            self.outcome.done += 1
        elif event["stage"] == "failed":
            self.outcome.failed.append((event["trial"], event["message"]))
        self._on_progress(event)

    def _handle_death(self, worker: Worker) -> None:
        """Put its trial back, for a new worker; a trial that kills twice has failed."""
        trial = self._busy.pop(worker, None)
        if trial is None:
            self._idle.remove(worker)
            return
        cause = worker.exit_reason()
        self._deaths[trial.folder] = self._deaths.get(trial.folder, 0) + 1
        if self._deaths[trial.folder] < _ATTEMPTS:
            self._queue.put_back(trial)
            self._report({"trial": trial.folder, "stage": "retried", "message": cause})
        else:
            record_failure(Path(self._settings["out"]) / trial.folder, cause)
            self._report({"trial": trial.folder, "stage": "failed", "message": cause})


def _build_request(trial: Trial) -> dict[str, Any]:
    return {
        "experiment": trial.experiment.model_dump(mode="json"),
        "acquisition": trial.acquisition,
        "options": trial.options,
        "seed": trial.seed,
    }
