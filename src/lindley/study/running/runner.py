"""Run the trials of a study in worker processes: one that fails fails alone, and what is stopped goes on later."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from lindley.errors import InputError
from lindley.session.progress import OnProgress, ignore_progress
from lindley.study.config.schema import Study
from lindley.study.config.study_files import check_settings
from lindley.study.running.start_run import check_folder, start_run
from lindley.study.running.worker_pool import Outcome, WorkerPool
from lindley.study.sinks.contract import Sink
from lindley.study.sinks.feed import Feed
from lindley.study.trials import trials_of


def run_study(
    study: Study,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    threads: int = 1,
    device: str = "cpu",
    data_dir: str | os.PathLike[str] | None = None,
    sinks: Iterable[Sink] = (),
    on_progress: OnProgress = ignore_progress,
) -> Outcome:
    """Run what is not yet run of a study, into `out`; the same call continues a study that was stopped.

    Other processes may run the same study into the same folder: each takes trials that no other holds, and this call
    returns when none is left anywhere, having taken over those whose holder died.

    jobs: workers at the same time; None means cores / threads (1 on a GPU). It does not change any journal.
    threads: of each worker. It may change the last bits, so the manifests record it.
    sinks: are shown the rounds of all trials that they have not seen, from this run and from those before.
    on_progress: told what happens in each trial, in the order it comes, as `lindley.session.progress` has it; "held" of
        one that another process holds comes again and again.

    Raises ConfigurationError for a study that cannot be run; InputError when this machine has no such device, when
    `out` cannot be written to or holds another study, or when a process is running into it one that does not go
    together with this one.
    """
    if threads < 1 or (jobs is not None and jobs < 1):
        raise InputError(f"jobs and threads must be at least 1; got jobs={jobs}, threads={threads}")
    check_device(device)
    out = Path(out)
    check_settings(study)
    check_folder(out, study)
    with start_run(study, out, device=device) as study:
        settings = {
            "out": str(out.resolve()),
            "device": device,
            "threads": threads,
            "data_dir": None if data_dir is None else str(Path(data_dir).resolve()),
            "folder": None if study.folder is None else str(study.folder),
            "process": os.getpid(),
        }
        trials = trials_of(study)
        feed = Feed(sinks, trials, out, on_progress)
        outcome = WorkerPool(settings, jobs or _default_jobs(threads, device), trials, feed).work()
        feed.stop()
        outcome.sinks_failed = feed.failures
        return outcome


def check_device(device: str) -> None:
    """Before anything is computed: InputError where this machine has no such device."""
    try:
        kind = torch.device(device).type
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        there = ", ".join(_devices())
        raise InputError(f'device is "{device}", which is not on this machine; there is {there}.') from None
    if kind not in ("cpu", "cuda", "mps"):
        raise InputError(f'device is "{device}"; allowed: cpu, cuda, cuda:0 ..., mps.')


def _devices() -> Iterator[str]:
    yield "cpu"
    yield from (f"cuda:{index}" for index in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        yield "mps"


def _default_jobs(threads: int, device: str) -> int:
    if not device.startswith("cpu"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // threads)
