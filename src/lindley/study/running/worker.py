"""The worker process, which runs trials: requests are JSON lines on stdin, events are JSON lines on stdout.

It is no fork, so that its thread count is fixed before numpy and torch are imported: the bits of a trial depend on it.
It ends when stdin does, so a parent that is killed leaves no workers behind.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import torch

from lindley.errors import HeldError, LindleyError
from lindley.session.failures import clear_failure, record_failure
from lindley.session.journal_file import JournalStore
from lindley.session.progress import ProgressEvent
from lindley.session.trial import continue_trial
from lindley.study.config.schema import Experiment
from lindley.study.running.assembler import Assembler
from lindley.study.trials import Trial
from lindley.text import escape_controls


def main() -> None:
    """Answer requests until the parent closes stdin. The first line holds the settings, each later one a trial."""
    out = _reserve_stdout()
    requests: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    settings = requests.get()
    torch.set_num_threads(settings["threads"])
    if settings["folder"] is not None:
        # For what a user's code imports only when it is called; after all that is installed, to hide nothing of that.
        sys.path.append(settings["folder"])
    assembler = Assembler(
        device=settings["device"],
        threads=settings["threads"],
        data_dir=_as_path(settings["data_dir"]),
        folder=_as_path(settings["folder"]),
    )
    while True:
        request = requests.get()
        _run_trial(request, assembler, settings, out)


def _run_trial(request: dict[str, Any], assembler: Assembler, settings: dict[str, Any], out: TextIO) -> None:
    """Run one trial; the last event is "finished", "failed", or "held" when another process took it first."""
    experiment = Experiment.model_validate_json(json.dumps(request["experiment"]))
    trial = Trial(experiment, request["acquisition"], request["options"], request["seed"])
    folder = Path(settings["out"]) / trial.folder
    last: ProgressEvent

    def send(event: ProgressEvent) -> None:
        if event["stage"] == "round":
            clear_failure(folder)
        try:
            out.write(json.dumps({"trial": trial.folder, **event}) + "\n")
            out.flush()
        except BrokenPipeError:  # the parent is gone: no failure of the trial
            os._exit(0)

    try:
        with JournalStore(folder, timeout=0.0, process=settings["process"]) as store:
            send({"stage": "started"})
            last = _attempt(lambda: continue_trial(assembler.setup(trial), store, on_progress=send), folder)
    except HeldError:
        last = {"stage": "held"}
    except Exception as error:  # the journal is damaged, or cannot be opened
        last = {"stage": "failed", "message": _describe_error(error)}
        record_failure(folder, _describe_error(error))
    send(last)


def _attempt(run: Callable[[], None], folder: Path) -> ProgressEvent:
    """Run a trial and return its last event; a failure is recorded while this process still holds the trial."""
    try:
        run()
    except Exception as error:
        record_failure(folder, _describe_error(error))
        return {"stage": "failed", "message": _describe_error(error)}
    clear_failure(folder)
    return {"stage": "finished"}


def _describe_error(error: Exception) -> str:
    """Return the message of an error; for an error of other code with the place where it happened.

    Control characters are written out, since they would act on every terminal that shows them.
    """
    text = str(error)
    if not isinstance(error, LindleyError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
    return escape_controls(text)


def _read_requests(requests: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)  # the parent is gone or wants no more; what is on the disk is whole at every moment


def _reserve_stdout() -> TextIO:
    """Return the pipe to the parent, out of reach of anything that prints; what is printed goes to stderr."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private


def _as_path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
