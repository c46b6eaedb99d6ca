"""Progress events: what a run reports of its trials while it runs. They are kept nowhere, unlike a journal's events."""

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
"""waiting: a trial was begun before and waits to be continued. started, resumed: it is begun, or continued under other
conditions. fit, select, observe, round: what a round does, and that it is in the journal. finished, failed: how the
trial ended. retried: its worker died. complete: it was finished before or elsewhere. held: another process holds it.
sink-failed: the trial continues, and a sink does not."""


class ProgressEvent(TypedDict, total=False):
    """One report on a trial; its keys depend on the stage."""

    stage: Required[Stage]
    trial: str
    """The trial's folder below the output folder; missing where a session or one trial runs by itself."""
    round: int
    """The index of the round under way; where the trial waits or is held elsewhere, its number of finished rounds."""
    rounds: int
    """The number of rounds that the trial will have."""
    labels: int
    """The number of labels of that round's model, or of the last finished round's."""
    accuracy: float | None
    message: str
    """What failed or changed, in words."""
    changes: Mapping[str, list[Any]]
    holder: str
    """The process that holds the trial, where it is another one."""


OnProgress = Callable[[ProgressEvent], None]


def ignore_progress(event: ProgressEvent) -> None:
    """Do nothing with a progress event."""
