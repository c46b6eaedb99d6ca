"""The display of a run's progress: a live table in a terminal, else plain lines now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.run_progress import RunProgress, TrialProgress, format_duration
from lindley.session.progress import OnProgress, ProgressEvent

STATUS_EVERY = 30.0
"""Seconds between two status lines where there is no terminal."""
_STAGES = {
    "started": "loading",
    "fit": "training",
    "select": "selecting",
    "observe": "measuring",
    "round": "saved",
}


@contextmanager
def show_progress(progress: RunProgress, console: PlainConsole) -> Iterator[OnProgress]:
    """Yield a callback for the events of a run, and show its progress while the block lasts."""
    if not console.is_terminal:
        yield _line_printer(progress, console)
        return
    with Live(get_renderable=lambda: progress_table(progress), console=console, refresh_per_second=4, transient=True):
        yield _event_printer(progress, console)


def progress_table(progress: RunProgress) -> RenderableType:
    """Return the overall bar, and one line for each trial under way, here or in another process."""
    overall = Table.grid(padding=(0, 2))
    overall.add_row(ProgressBar(total=1.0, completed=progress.fraction_done, width=30), _overall_line(progress))
    running = Table.grid(padding=(0, 2))
    for trial in [*progress.trials_running, *progress.trials_held]:
        running.add_row(*_cells(trial))
    return Group(overall, running)


def _event_printer(progress: RunProgress, console: PlainConsole) -> OnProgress:
    """Return a callback that prints the lines of each event, above the live table."""
    printed: set[str] = set()

    def on_progress(event: ProgressEvent) -> None:
        for text in _describe_event(progress, event, printed):
            _print(console, text)

    return on_progress


def _line_printer(progress: RunProgress, console: PlainConsole) -> OnProgress:
    """Return a callback that prints the lines of each event, and every STATUS_EVERY seconds all trials under way."""
    printed: set[str] = set()
    last = progress.clock()

    def on_progress(event: ProgressEvent) -> None:
        nonlocal last
        lines = list(_describe_event(progress, event, printed))
        if not lines and progress.trials_running and progress.clock() - last >= STATUS_EVERY:
            lines = [
                _overall_line(progress),
                *(f"  {', '.join(_cells(trial))}" for trial in progress.trials_running),
            ]
        for text in lines:
            _print(console, text)
            last = progress.clock()

    return on_progress


def _describe_event(progress: RunProgress, event: ProgressEvent, printed: set[str]) -> Iterator[str]:
    """Take an event in and yield the lines to print: a trial that ended, and messages that are new."""
    trial = progress(event)
    if event["stage"] == "finished":
        yield f"{_counter(progress)} {trial.name}: {trial.labels} labels, {_accuracy(trial)}{_time_left(progress)}"
    elif event["stage"] == "failed":
        yield f"{_counter(progress)} {trial.name}: failed"
    elif event["stage"] == "held" and progress.waits_for_others:
        if (text := f"Waiting for {_describe_held(progress)}.") not in printed:
            printed.add(text)
            yield text
    elif event.get("message") and event["message"] not in printed:
        printed.add(event["message"])
        yield f"{trial.name}: {event['message']}"


def _counter(progress: RunProgress) -> str:
    ended, count = progress.num_done + progress.num_failed, len(progress.trials)
    return f"[{ended:{len(str(count))}d}/{count}]"


def _print(console: PlainConsole, text: str) -> None:
    console.print(text, soft_wrap=True)


def _cells(trial: TrialProgress) -> tuple[str, ...]:
    labels = f"{trial.labels} labels" if trial.labels else ""
    round = min(trial.finished_rounds + (trial.stage != "round"), trial.rounds)
    stage = f"in {trial.holder}" if trial.holder else _STAGES.get(trial.stage, trial.stage)
    cells = (trial.name, f"round {round}/{trial.rounds}", labels, _accuracy(trial), stage)
    return tuple(cell for cell in cells if cell)


def _overall_line(progress: RunProgress) -> str:
    failed = f", {progress.num_failed} failed" if progress.num_failed else ""
    held = f", {_describe_held(progress)}" if progress.trials_held else ""
    return f"{progress.num_done}/{len(progress.trials)} trials{failed}{held}{_time_left(progress)}"


def _describe_held(progress: RunProgress) -> str:
    trials = progress.trials_held
    holders = " and ".join(sorted({trial.holder for trial in trials}))
    return f"{len(trials)} {'trial' if len(trials) == 1 else 'trials'} held by {holders}"


def _accuracy(trial: TrialProgress) -> str:
    return "" if trial.accuracy is None else f"accuracy {100 * trial.accuracy:.1f} %"


def _time_left(progress: RunProgress) -> str:
    left = progress.stable_seconds_left
    return "" if left is None or not progress.fraction_done < 1 else f", about {format_duration(left)} left"
