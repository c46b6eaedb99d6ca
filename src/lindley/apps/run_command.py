"""`lindley run` and `lindley report`: check before computing, run, report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.console import PlainConsole
from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_message, print_result
from lindley.apps.progress_display import show_progress
from lindley.apps.run_progress import RunProgress
from lindley.datasets import catalogue
from lindley.errors import InputError, LindleyError
from lindley.session.manifest import read_trial_manifest
from lindley.session.state import read_state
from lindley.study.config.resolution import resolve_study
from lindley.study.config.schema import Study
from lindley.study.config.study_files import load_study
from lindley.study.read_results import load_results
from lindley.study.report.run_details import describe_excluded
from lindley.study.report.writer import write_report
from lindley.study.running.runner import check_device, run_study
from lindley.study.running.start_run import check_folder
from lindley.study.running.worker_pool import Outcome
from lindley.study.sinks.catalogue import open_sink
from lindley.study.sinks.contract import Sink
from lindley.study.trials import Trial, trials_of
from lindley.training.precision import has_bfloat16


@dataclass(frozen=True)
class RunOptions:
    """The arguments and options of `lindley run`."""

    study: str
    out: Path | None = None
    seeds: int | None = None
    max_labels: int | None = None
    acquisitions: Sequence[str] | None = None
    jobs: int | None = None
    threads: int = 1
    device: str = "cpu"
    data_dir: Path | None = None
    sinks: Sequence[str] = ()


def run_study_and_report(options: RunOptions) -> bool:
    """Run the unfinished trials, write the report and print its path. Return False where a trial failed.

    Raises KeyboardInterrupt after Ctrl-C, when all workers have stopped.
    """
    study = load_study(
        options.study, seeds=options.seeds, max_labels=options.max_labels, acquisitions=options.acquisitions
    )
    check_device(options.device)
    out = options.out or Path("runs") / study.name
    check_folder(out, study)
    study = _resolve_precision(study, out, options.device)
    sinks = [open_sink(text, study, out) for text in options.sinks]
    pending = [trial for trial in trials_of(study) if not _is_complete(trial, out)]
    _fetch_data(pending, options.data_dir)
    _warn_left_out(study, out)
    outcome = _run(study, out, pending, sinks, options)
    if outcome.interrupted:
        raise KeyboardInterrupt
    _print_failures(outcome)
    if outcome.done == 0:
        return False
    _print_report(write_report(out), out)
    return not (outcome.failed or outcome.sinks_failed)


def _fetch_data(pending: Sequence[Trial], data_dir: Path | None) -> None:
    """Fetch the data of all trials first, so that missing data are one message; raise where no trial can do without."""
    broken: dict[str, LindleyError] = {}
    for name in dict.fromkeys(name for trial in pending for name in trial.experiment.data_sets):
        if name in catalogue.DATASETS:
            try:
                catalogue.fetch(name, data_dir)
            except LindleyError as error:
                broken[name] = error
    if broken and all(broken.keys() & set(trial.experiment.data_sets) for trial in pending):
        raise next(iter(broken.values()))
    for name, cause in broken.items():
        print_message(f"lindley: {cause} The trials that need {name} will fail; the others run.")


def _warn_left_out(study: Study, out: Path) -> None:
    """Print a warning where the folder holds trials of other settings, which the report leaves out."""
    if excluded := describe_excluded(load_results(out, study)):
        print_message(
            f"{out} holds what the report will leave out ({len(excluded)}). The first: {excluded[0]} To have trials of "
            "other settings too, name another folder with --out."
        )


def _resolve_precision(study: Study, out: Path, device: str) -> Study:
    """Return the study with its precision resolved. Print the result of "auto", and whether bfloat16 will be slow."""
    decided = resolve_study(study, out, device=device)
    precisions = {experiment.model.precision for experiment in decided.experiments}
    if decided != study:
        print_result(f"precision: {' and '.join(sorted(precisions))} (auto)")
    if "bfloat16" in precisions and not has_bfloat16(device):
        print_result(f"bfloat16 is emulated by this {device}, and much slower than float32.")
    return decided


def rewrite_report(folder: Path) -> None:
    """Write the figures and report.html from the journals of a folder, and print the path."""
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder. Name the output folder of a run, as in: {program_name()} report runs/demo",
            argument="folder",
            got=folder,
        )
    print_result(write_report(folder))


def _run(study: Study, out: Path, pending: Sequence[Trial], sinks: Sequence[Sink], options: RunOptions) -> Outcome:
    """Run the trials and show progress; also when none is left, so that study.json is that of the last call."""
    console = PlainConsole()
    trials = trials_of(study)
    if not pending:
        console.print(f"All {len(trials)} trials in {out} are finished: nothing to run.", soft_wrap=True)
    elif len(pending) < len(trials):
        known = len(trials) - len(pending)
        console.print(f"{known} of {len(trials)} trials in {out} are finished; running the others.", soft_wrap=True)
    with show_progress(RunProgress.from_trials(trials), console) as on_progress:
        return run_study(
            study,
            out,
            jobs=options.jobs,
            threads=options.threads,
            device=options.device,
            data_dir=options.data_dir,
            sinks=sinks,
            on_progress=on_progress,
        )


def _print_failures(outcome: Outcome) -> None:
    """Print one message for each cause, with the trials that it stopped."""
    causes: dict[str, list[str]] = {}
    for trial, message in outcome.failed:
        causes.setdefault(message, []).append(trial)
    for message, trials in causes.items():
        listed = "\n".join(f"  {trial}" for trial in trials)
        print_message(f"lindley: {message}\nThis stopped {_count_trials(trials)}:\n{listed}")
    if causes:
        print_message("The same command tries them again.")
    for message in outcome.sinks_failed:
        print_message(f"lindley: {message}. The same command shows it what it missed.")


def _print_report(path: Path, out: Path) -> None:
    print_result(
        f"The report, one file for any browser (to make it again: {shlex.join([program_name(), 'report', str(out)])}):"
    )
    print_result(path)


def _count_trials(trials: Sequence[str]) -> str:
    return "1 trial" if len(trials) == 1 else f"{len(trials)} trials"


def _is_complete(trial: Trial, out: Path) -> bool:
    try:
        state = read_state(out / trial.folder)
        read_trial_manifest(out / trial.folder, state, key=trial.key)
        return state.is_complete(trial.experiment.schedule.max_labels)
    except (LindleyError, OSError):  # damaged or unreadable: the runner names the file, and fails this trial alone
        return False
