"""What a run tells of its trials while it goes. What a journal keeps are events; notices are kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Required, TypedDict

Stage = Literal[
    "waiting",
    "started",
    "resumed",
    "fit",
    "select",
    "observe",
    "round",
    "finished",
    "failed",
    "retried",
    "complete",
    "held",
    "sink-failed",
]
"""A trial was begun before and waits to be continued; it is begun, or continued under other conditions; what a round
is doing, and that it is in the journal; how the trial ended; its worker died under it; it was finished before or
elsewhere; another process holds it; it goes on, but a sink does not."""


class ProgressEvent(TypedDict, total=False):
    """One thing that happened to a trial; which keys there are depends on the stage."""

    stage: Required[Stage]
    trial: str
    """The trial's folder below the output folder; not there in one trial run by itself."""
    round: int
    """The index of the round under way; where the trial waits or is held elsewhere, how many rounds it has finished."""
    rounds: int
    """All that the trial will have."""
    labels: int
    """That the model of that round, or of the last finished one, is fitted on."""
    accuracy: float | None
    message: str
    """In words: what failed, what changed."""
    changes: Mapping[str, list[Any]]
    holder: str
    """Which process, where it is another one."""


OnProgress = Callable[[ProgressEvent], None]


def ignore_progress(notice: ProgressEvent) -> None:
    """For those who need not know."""
