"""A counter of the stages of a command, on stderr: a spinner on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lindley.apps.console import PlainConsole
from lindley.apps.printing import print_message

EVERY = 500


@contextmanager
def count_stage(stage: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many there are so far, on stderr."""
    with count_stages() as count:
        count(stage, 0)
        yield partial(count, stage)


@contextmanager
def count_stages() -> Iterator[Callable[[str, int], None]]:
    """Yield a function that shows a stage, and how many there are in it so far, on stderr."""
    console = PlainConsole(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        last = ""

        def count(stage: str, done: int) -> None:
            nonlocal last
            if done % EVERY == 0 or stage != last:
                shown, last = f"{stage} {done:,}" if done else f"{stage} …", stage
                progress.update(task, description=shown)
                if not console.is_terminal and done and done % (100 * EVERY) == 0:
                    print_message(shown)

        yield count
