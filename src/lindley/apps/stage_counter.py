"""A counter of one stage of a command, on stderr: a spinner on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn

from lindley.apps.console import PlainConsole
from lindley.apps.printing import print_message

EVERY = 500


@contextmanager
def count_stage(stage: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many there are so far, on stderr."""
    console = PlainConsole(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(stage)

        def count(done: int) -> None:
            if done % EVERY == 0:
                progress.update(task, completed=done)
                if not console.is_terminal and done % (100 * EVERY) == 0:
                    print_message(f"{stage} {done:,}")

        yield count
