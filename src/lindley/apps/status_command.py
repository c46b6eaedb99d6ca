"""`lindley status DIR`: what a study's folder tells, as a table and lines, or as JSON. No torch here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.printing import print_result
from lindley.apps.tally import in_words
from lindley.errors import InputError
from lindley.study.status import State, StudyStatus, TrialStatus, group_by_acquisition, study_status

_UNCUT = 1000
_COLUMNS: tuple[State, ...] = ("finished", "under way", "failed", "stopped", "not begun")


def show_status(folder: Path, *, as_json: bool) -> None:
    """Print it. Raises InputError where the folder holds no study."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Name the output folder of a run, as in: lindley status runs/demo")
    status = study_status(folder)
    if as_json:
        print_result(json.dumps(_as_json(status), indent=1))
        return
    console = PlainConsole()
    # What is read by a program is not cut: lines are as long as they need to be.
    drawn = console if console.is_terminal else PlainConsole(width=_UNCUT)
    drawn.print(_table(status))
    for line in lines_of(status, folder):
        console.print(line, soft_wrap=True)


def lines_of(status: StudyStatus, folder: Path) -> Iterator[str]:
    """Below the table: each trial under way, each that failed, and the time."""
    for trial in status.trials:
        if trial.state == "under way":
            yield f"{trial.name}: {', '.join(_progress(trial))} ({trial.holder})"
    for trial in status.trials:
        if trial.state == "failed":
            yield f"{trial.name} failed: {trial.error}"
    spent = f"{in_words(status.seconds)} spent"
    if all(trial.state == "finished" for trial in status.trials):
        yield f"Finished: {_number(len(status.trials))}, {spent}."
        return
    yield f"{status.count('finished')} of {len(status.trials)} trials finished, {spent}, {_left(status)}."
    if not status.count("under way"):
        yield f"No trial is under way. To go on: lindley run STUDY --out {shlex.quote(str(folder))}"


def _number(trials: int) -> str:
    return "1 trial" if trials == 1 else f"all {trials} trials"


def _table(status: StudyStatus) -> Table:
    shown = [state for state in _COLUMNS if status.count(state) or state == "finished"]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    table.add_column("panel", overflow="fold")
    table.add_column("acquisition", overflow="fold")
    for name in (*shown, "spent"):
        table.add_column(name, justify="right")
    for (panel, acquisition), trials in group_by_acquisition(status.trials).items():
        counts = [sum(trial.state == state for trial in trials) for state in shown]
        spent = in_words(sum(trial.seconds for trial in trials))
        table.add_row(panel, acquisition, *(str(count or "–") for count in counts), spent)
    return table


def _progress(trial: TrialStatus) -> Sequence[str]:
    """The round under way, and what the last finished one gave."""
    cells = [f"round {min(trial.rounds_done + 1, trial.rounds)}/{trial.rounds}"]
    if trial.labels:
        cells.append(f"{trial.labels} labels")
    if trial.accuracy is not None:
        cells.append(f"accuracy {100 * trial.accuracy:.1f} %")
    return cells


def _left(status: StudyStatus) -> str:
    left, running = status.seconds_left, status.count("under way")
    if left is None:
        return "time left not known before a round has finished"
    return f"about {in_words(left)} left" + ("" if running else " for one worker")


def _as_json(status: StudyStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "title": status.title,
        "trials": len(status.trials),
        **{state.replace(" ", "_"): status.count(state) for state in _COLUMNS},
        "seconds_spent": status.seconds,
        "seconds_of_work_left": status.work_left,
        "seconds_left": status.seconds_left,
        "panels": _panels(status),
    }


def _panels(status: StudyStatus) -> dict[str, dict[str, list[dict[str, object]]]]:
    panels: dict[str, dict[str, list[dict[str, object]]]] = {}
    for (panel, acquisition), trials in group_by_acquisition(status.trials).items():
        listed = [{key: value for key, value in asdict(trial).items() if key not in _IN_PATH} for trial in trials]
        panels.setdefault(panel, {})[acquisition] = listed
    return panels


_IN_PATH = ("panel", "acquisition")
