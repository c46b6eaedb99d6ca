"""The run of a study in worker processes: a trial that fails fails alone, and a stopped run is continued later."""

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
    """Run the trials of a study that are not finished; the same call continues a study that was stopped.

    Other processes may run the same study into the same folder. Each takes trials that no other holds. The call returns
    when no trial is left, and takes over the trials of a process that died.

    Args:
        study: The study, of `load_study` or built in Python.
        out: The output folder, made where it is missing.
        jobs: Workers at the same time; None means cores / threads, and 1 on a GPU. It changes no journal.
        threads: Threads of each worker. It may change the last bits, so the manifests record it.
        device: Where learners compute: cpu, cuda, cuda:0 ..., mps.
        data_dir: Where the files of data sets lie; None: where `lindley data` puts them.
        sinks: Programs that are shown all rounds that they have not seen, of this run and of those before.
        on_progress: Called with every event of `lindley.session.progress`, in order; "held", of a trial that another
            process holds, comes repeatedly.

    Returns:
        How many trials are complete, which failed, and whether the run was interrupted.

    Raises:
        ConfigurationError: If the study cannot be run.
        InputError: If this machine has no such device, if `out` cannot be written to or holds another study, or if
            another process runs a study into it that contradicts this one.
    """
    for name, count in (("threads", threads), ("jobs", jobs)):
        if count is not None and count < 1:
            raise InputError(argument=name, expected="at least 1", got=count)
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
    """Raise InputError where this machine has no such device."""
    try:
        kind = torch.device(device).type
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        there = ", ".join(_devices())
        raise InputError(argument="device", expected=f"on this machine, which has {there}", got=device) from None
    if kind not in ("cpu", "cuda", "mps"):
        raise InputError(argument="device", expected="cpu, cuda, cuda:0 ... or mps", got=device)


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
