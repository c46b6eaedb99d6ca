"""Run the trials of a study in worker processes: one that fails fails alone, and what is stopped goes on later."""

from __future__ import annotations

import os
import queue
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.errors import InputError
from lindley.loop.files import write_json
from lindley.loop.locks import FileLock
from lindley.loop.state import trial_is_complete
from lindley.study.processes import Worker
from lindley.study.resolved import resolved
from lindley.study.schema import Study
from lindley.study.trials import Trial, trials_of

Event = dict[str, Any]
_ATTEMPTS = 2
"""How often a trial is begun when its worker dies under it."""


@dataclass
class Outcome:
    """How a study ended. `done` counts the trials that are complete, also those that were so before."""

    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """The folder of each trial that failed, and why."""
    interrupted: bool = False
    """True after Ctrl-C: the same call goes on where this one stopped."""


def run_study(
    study: Study,
    out: Path,
    *,
    jobs: int | None = None,
    threads: int = 1,
    device: str = "cpu",
    data_dir: Path | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Run what is not yet run of a study, into `out`; the same call continues a study that was stopped.

    jobs: workers at the same time; None means cores / threads (1 on a GPU). It does not change any journal.
    threads: of each worker. It may change the last bits, so the manifests record it.
    on_event: told what happens in each trial, in the order it comes: {"trial": folder, "stage": "started" | "fit" |
        "select" | "observe" | "round" | "resumed" | "retried" | "finished" | "failed", ...}.

    Raises InputError when `out` cannot be written to, JournalError when another process is running into it.
    """
    if threads < 1 or (jobs is not None and jobs < 1):
        raise InputError(f"jobs and threads must be at least 1; got jobs={jobs}, threads={threads}")
    check_writable(out)
    with FileLock(out / "study.lock"):
        study = resolved(study, out, device=device)
        write_json(out / "study.json", study.model_dump(mode="json"))
        outcome = Outcome()
        waiting = _incomplete(study, out, outcome, on_event)
        settings = {
            "out": str(out.resolve()),
            "device": device,
            "threads": threads,
            "data_dir": None if data_dir is None else str(data_dir.resolve()),
            "folder": None if study.folder is None else str(study.folder),
        }
        count = min(jobs or _default_jobs(threads, device), len(waiting))
        _Crew(settings, count, waiting, outcome, on_event).work()
        return outcome


def check_writable(out: Path) -> None:
    """Make the folder where it is missing, before anything is computed; InputError where it cannot be written to."""
    other = "Name another folder (on the command line: --out)."
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"the output folder {out} is a file, or lies in one. {other}") from None
    except OSError as error:
        raise InputError(f"the output folder {out} cannot be written to: {error.strerror}. {other}") from None


class _Crew:
    """Workers and what is left for them. Everything here happens in the thread of the caller."""

    def __init__(
        self,
        settings: dict[str, Any],
        count: int,
        waiting: deque[Trial],
        outcome: Outcome,
        on_event: Callable[[Event], None],
    ) -> None:
        self._settings = settings
        self._count = count
        self._waiting = waiting
        self._outcome = outcome
        self._on_event = on_event
        self._inbox: queue.Queue[tuple[Worker, Event | None]] = queue.Queue()
        self._busy: dict[Worker, Trial] = {}
        self._deaths: dict[str, int] = {}

    def work(self) -> None:
        """Until nothing is left, or Ctrl-C. No worker outlives this call."""
        workers: list[Worker] = []
        try:
            for _ in range(self._count):
                workers.append(Worker(self._settings, self._inbox))
                self._give(workers[-1])
            while self._busy:
                worker, event = self._inbox.get()
                if event is None:
                    replacement = self._died(worker)
                    workers += [replacement] if replacement else []
                else:
                    self._heard(worker, event)
        except KeyboardInterrupt:
            self._outcome.interrupted = True
        finally:
            for worker in workers:
                worker.stop()

    def _give(self, worker: Worker) -> None:
        """Hand the worker the next trial, if there is one."""
        if self._waiting:
            self._busy[worker] = self._waiting.popleft()
            worker.send(_request(self._busy[worker]))

    def _heard(self, worker: Worker, event: Event) -> None:
        if event["stage"] == "finished":
            self._outcome.done += 1
        elif event["stage"] == "failed":
            self._outcome.failed.append((event["trial"], event["message"]))
        self._on_event(event)
        if event["stage"] in ("finished", "failed"):
            del self._busy[worker]
            self._give(worker)

    def _died(self, worker: Worker) -> Worker | None:
        """Begin the worker's trial once more, in a new worker; a trial that kills twice has failed."""
        trial = self._busy.pop(worker, None)
        if trial is None:
            return None
        cause = worker.last_words()
        self._deaths[trial.folder] = self._deaths.get(trial.folder, 0) + 1
        if self._deaths[trial.folder] < _ATTEMPTS:
            self._waiting.appendleft(trial)
            self._on_event({"trial": trial.folder, "stage": "retried", "message": cause})
        else:
            self._outcome.failed.append((trial.folder, cause))
            self._on_event({"trial": trial.folder, "stage": "failed", "message": cause})
        if not self._waiting:
            return None
        replacement = Worker(self._settings, self._inbox)
        self._give(replacement)
        return replacement


def _incomplete(study: Study, out: Path, outcome: Outcome, on_event: Callable[[Event], None]) -> deque[Trial]:
    """The trials that have something left to run; a damaged journal fails its trial alone."""
    waiting: deque[Trial] = deque()
    for trial in trials_of(study):
        try:
            complete = trial_is_complete(out / trial.folder, trial.panel.schedule.max_labels)
        except Exception as error:
            outcome.failed.append((trial.folder, str(error)))
            on_event({"trial": trial.folder, "stage": "failed", "message": str(error)})
            continue
        if complete:
            outcome.done += 1
        else:
            waiting.append(trial)
    return waiting


def _request(trial: Trial) -> dict[str, Any]:
    return {
        "panel": trial.panel.model_dump(mode="json"),
        "acquisition": trial.acquisition,
        "options": trial.options,
        "seed": trial.seed,
    }


def _default_jobs(threads: int, device: str) -> int:
    if not device.startswith("cpu"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // threads)
