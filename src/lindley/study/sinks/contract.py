"""The contract of a sink, and the numbers that it is shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, Protocol, runtime_checkable

from lindley.session.events import Fitted
from lindley.study.trials import Trial

Ending = Literal["finished", "failed", "stopped"]
"""How a trial ended in this run: "stopped" is Ctrl-C, and a later run may continue it."""


@runtime_checkable
class Sink(Protocol):
    """A program that is shown every round of every trial once, also over several runs.

    All calls come from one thread, and for a trial in the order of the methods here. A trial is known by its `key`,
    a round by its number of labels. An exception of a method ends the sink for this run, not the study.
    """

    @property
    def name(self) -> str:
        """The name of the program, for messages."""
        ...

    def start_trial(self, trial: Trial) -> Collection[int]:
        """Start a trial, and return the numbers of labels of the rounds that the sink has been shown already."""
        ...

    def log_round(self, trial: Trial, fit: Fitted) -> None:
        """Show a round as the journal has it: its index, labels, metrics, seconds."""
        ...

    def end_trial(self, trial: Trial, ending: Ending) -> None:
        """End a trial: no further round of it comes in this run."""
        ...


ROUND_METRIC = "round"
"""The name of the last number of `scalars`: a sink that has it has the whole round."""


def scalars(fit: Fitted) -> dict[str, float]:
    """Return what can be plotted of a round: metrics that are single numbers, seconds by part, and last its index."""
    metrics = {name: value for name, value in fit.metrics.items() if isinstance(value, (int, float))}
    seconds = {f"seconds/{part}": value for part, value in fit.seconds.items()}
    return {name: float(value) for name, value in {**metrics, **seconds, ROUND_METRIC: fit.round}.items()}
