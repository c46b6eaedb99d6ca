"""`lindley status DIR` and `lindley report DIR`, of a labelling project or a study.

No torch here: the status of a study needs none.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_result
from lindley.apps.run_progress import format_duration
from lindley.errors import InputError
from lindley.study.status import State, StudyStatus, TrialStatus, group_by_acquisition, study_status

_FULL_WIDTH = 1000
"""Columns of a table that does not go to a terminal: nothing is truncated."""
PROJECT_FILE = "project.toml"
"""The settings of a project; to import their module takes the time of importing torch."""
_COLUMNS: tuple[State, ...] = ("finished", "under way", "failed", "stopped", "not started")


def show_status(folder: Path, *, format: str = "text") -> None:
    """Print how far the project or the study in a folder is.

    Args:
        folder: The folder.
        format: "text" or "json".

    Raises:
        InputError: If the folder holds neither, or the format is another.
    """
    if format not in ("text", "json"):
        raise InputError(argument="format", expected="text or json", got=format)
    as_json = format == "json"
    if is_project(folder):
        from lindley.apps.project_status import show_project_status

        show_project_status(folder, as_json=as_json)
        return
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder. Name the folder of a labelling project, as in: {program_name()} status "
            f"questions-labels; or the output folder of a run, as in: {program_name()} status runs/demo",
            argument="folder",
            got=folder,
        )
    status = study_status(folder)
    if as_json:
        print_result(json.dumps(_as_json(status), indent=1))
        return
    console = PlainConsole()
    # Output that another program reads is not truncated.
    wide = console if console.is_terminal else PlainConsole(width=_FULL_WIDTH)
    wide.print(_table(status))
    for line in status_lines(status, folder):
        console.print(line, soft_wrap=True)


def write_report_of(folder: Path, *, beside: Path | None = None) -> None:
    """Write the report of the project or the study in a folder, and print its path.

    Args:
        folder: The folder.
        beside: The folder of a project whose learning curve is drawn too.

    Raises:
        InputError: If the folder holds neither, or a study is to be drawn beside another.
    """
    if is_project(folder):
        from lindley.apps.project_report import write_project_report

        print_result(write_project_report(folder, beside=beside))
        return
    if beside is not None:
        raise InputError(argument="beside", expected="left out where DIR is a study", got=beside)
    from lindley.apps.run_command import rewrite_report

    rewrite_report(folder)


def is_project(folder: Path) -> bool:
    """Return whether a folder holds a labelling project."""
    return (folder / PROJECT_FILE).is_file()


def status_lines(status: StudyStatus, folder: Path) -> Iterator[str]:
    """Yield the lines below the table: trials under way, trials that failed, and the time spent and left."""
    for trial in status.trials:
        if trial.state == "under way":
            yield f"{trial.name}: {', '.join(_progress_cells(trial))} ({trial.holder})"
    for trial in status.trials:
        if trial.state == "failed":
            yield f"{trial.name} failed: {trial.error}"
    spent = f"{format_duration(status.seconds)} spent"
    if all(trial.state == "finished" for trial in status.trials):
        yield f"Finished: {_count_trials(len(status.trials))}, {spent}."
        return
    yield f"{status.count('finished')} of {len(status.trials)} trials finished, {spent}, {_time_left(status)}."
    if not status.count("under way"):
        yield f"No trial is under way. To continue: {program_name()} run STUDY --out {shlex.quote(str(folder))}"


def _count_trials(trials: int) -> str:
    return "1 trial" if trials == 1 else f"all {trials} trials"


def _table(status: StudyStatus) -> Table:
    shown = [state for state in _COLUMNS if status.count(state) or state == "finished"]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    table.add_column("experiment", overflow="fold")
    table.add_column("acquisition", overflow="fold")
    for name in (*shown, "spent"):
        table.add_column(name, justify="right")
    for (experiment, acquisition), trials in group_by_acquisition(status.trials).items():
        counts = [sum(trial.state == state for trial in trials) for state in shown]
        spent = format_duration(sum(trial.seconds for trial in trials))
        table.add_row(experiment, acquisition, *(str(count or "–") for count in counts), spent)
    return table


def _progress_cells(trial: TrialStatus) -> Sequence[str]:
    """Return the round under way, and the labels and accuracy of the last finished one."""
    cells = [f"round {min(trial.rounds_done + 1, trial.rounds)}/{trial.rounds}"]
    if trial.labels:
        cells.append(f"{trial.labels} labels")
    if trial.accuracy is not None:
        cells.append(f"accuracy {100 * trial.accuracy:.1f} %")
    return cells


def _time_left(status: StudyStatus) -> str:
    left, running = status.seconds_left, status.count("under way")
    if left is None:
        return "time left unknown until a round has finished"
    return f"about {format_duration(left)} left" + ("" if running else " for one worker")


def _as_json(status: StudyStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "title": status.title,
        "trials": len(status.trials),
        **{state.replace(" ", "_"): status.count(state) for state in _COLUMNS},
        "seconds_spent": status.seconds,
        "seconds_of_work_left": status.work_left,
        "seconds_left": status.seconds_left,
        "experiments": _experiments(status),
    }


def _experiments(status: StudyStatus) -> dict[str, dict[str, list[dict[str, object]]]]:
    experiments: dict[str, dict[str, list[dict[str, object]]]] = {}
    for (experiment, acquisition), trials in group_by_acquisition(status.trials).items():
        listed = [{key: value for key, value in asdict(trial).items() if key not in _GROUP_KEYS} for trial in trials]
        experiments.setdefault(experiment, {})[acquisition] = listed
    return experiments


_GROUP_KEYS = ("experiment", "acquisition")
