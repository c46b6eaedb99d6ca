"""Showing a tally: a live table in a terminal, else plain lines now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.tally import Line, Tally, in_words
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
def showing(tally: Tally, console: PlainConsole) -> Iterator[OnProgress]:
    """A callable for the notices of a run; what they amount to is shown while the block lasts."""
    if not console.is_terminal:
        yield _plain(tally, console)
        return
    with Live(get_renderable=lambda: table_of(tally), console=console, refresh_per_second=4, transient=True):
        yield _live(tally, console)


def table_of(tally: Tally) -> RenderableType:
    """The overall bar, and one line for each trial under way, here or in another process."""
    overall = Table.grid(padding=(0, 2))
    overall.add_row(ProgressBar(total=1.0, completed=tally.share, width=30), _overall(tally))
    running = Table.grid(padding=(0, 2))
    for line in [*tally.running, *tally.held]:
        running.add_row(*_cells(line))
    return Group(overall, running)


def _live(tally: Tally, console: PlainConsole) -> OnProgress:
    told: set[str] = set()

    def show(notice: ProgressEvent) -> None:
        for text in _news(tally, notice, told):
            _print(console, text)

    return show


def _plain(tally: Tally, console: PlainConsole) -> OnProgress:
    """One line for each trial that ends; every STATUS_EVERY seconds or more the overall state and the trials' lines."""
    told: set[str] = set()
    last = tally.clock()

    def show(notice: ProgressEvent) -> None:
        nonlocal last
        news = list(_news(tally, notice, told))
        if not news and tally.running and tally.clock() - last >= STATUS_EVERY:
            news = [_overall(tally), *(f"  {', '.join(_cells(line))}" for line in tally.running)]
        for text in news:
            _print(console, text)
            last = tally.clock()

    return show


def _news(tally: Tally, notice: ProgressEvent, told: set[str]) -> Iterator[str]:
    """Take the notice in; what is worth a line of its own: a trial that ended, and what was never said before."""
    line = tally(notice)
    if notice["stage"] == "finished":
        yield f"{_count(tally)} {line.name}: {line.labels} labels, {_accuracy(line)}{_left(tally)}"
    elif notice["stage"] == "failed":
        yield f"{_count(tally)} {line.name}: failed"
    elif notice["stage"] == "held" and tally.only_held:
        if (text := f"Waiting for {_held(tally)}.") not in told:
            told.add(text)
            yield text
    elif notice.get("message") and notice["message"] not in told:
        told.add(notice["message"])
        yield f"{line.name}: {notice['message']}"


def _count(tally: Tally) -> str:
    return f"[{tally.done + tally.failed:{len(str(len(tally.lines)))}d}/{len(tally.lines)}]"


def _print(console: PlainConsole, text: str) -> None:
    console.print(text, soft_wrap=True)


def _cells(line: Line) -> tuple[str, ...]:
    labels = f"{line.labels} labels" if line.labels else ""
    round = min(line.finished_rounds + (line.stage != "round"), line.rounds)
    doing = f"in {line.holder}" if line.holder else _STAGES.get(line.stage, line.stage)
    cells = (line.name, f"round {round}/{line.rounds}", labels, _accuracy(line), doing)
    return tuple(cell for cell in cells if cell)


def _overall(tally: Tally) -> str:
    failed = f", {tally.failed} failed" if tally.failed else ""
    held = f", {_held(tally)}" if tally.held else ""
    return f"{tally.done}/{len(tally.lines)} trials{failed}{held}{_left(tally)}"


def _held(tally: Tally) -> str:
    holders = " and ".join(sorted({line.holder for line in tally.held}))
    return f"{len(tally.held)} {'trial' if len(tally.held) == 1 else 'trials'} held by {holders}"


def _accuracy(line: Line) -> str:
    return "" if line.accuracy is None else f"accuracy {100 * line.accuracy:.1f} %"


def _left(tally: Tally) -> str:
    left = tally.seconds_left
    return "" if left is None or not tally.share < 1 else f", about {in_words(left)} left"
