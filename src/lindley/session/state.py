"""What a trial's journal says: the fold of its events. No torch here, so that asking costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import JournalError
from lindley.session.files import REMEDY
from lindley.session.journal import Event, read_events
from lindley.session.manifest import manifest_beside
from lindley.session.records import EVENTS, fault_of


@dataclass(frozen=True)
class TrialState:
    """The initial labels, and one event per round."""

    start: Event | None
    rounds: tuple[Event, ...]

    def reaches(self, max_labels: int) -> bool:
        """True when a model was fitted on max_labels labels or more: then nothing is left to run."""
        return any(event["labels"] >= max_labels for event in self.rounds)


def fold(events: Iterable[Event]) -> TrialState:
    """Return the state after these events. One of round r supersedes what was said of r and of later rounds before.

    Raises JournalError when an event is not what this version writes, or is missing before another.
    """
    start: Event | None = None
    rounds: list[Event] = []
    for number, event in enumerate(events, 1):
        _check_types(event, number)
        if event["event"] == "start":
            start = event
        elif event["event"] == "round":
            if start is None or event["round"] > len(rounds):
                missing = "the start" if start is None else f"round {len(rounds)}"
                raise JournalError(f"a journal tells of round {event['round']}, but {missing} is missing. {REMEDY}")
            rounds = [*rounds[: event["round"]], event]
    if start is not None:
        _check_labels(start, rounds)
    return TrialState(start, tuple(rounds))


def _check_types(event: Event, number: int) -> None:
    kind = event.get("event")
    fault = "its kind must be a string" if not isinstance(kind, str) else ""
    if isinstance(kind, str) and kind in EVENTS:
        fault = fault_of(EVENTS[kind], event)
    if fault:
        raise JournalError(f"line {number} of a journal is damaged, though its check fits: {fault}. {REMEDY}")


def _check_labels(start: Event, rounds: Iterable[Event]) -> None:
    """Refuse rounds that count other labels than were given before them, and a row that was labelled twice."""
    labelled = [*start["rows"], *start.get("validation", {"rows": ()})["rows"]]
    for event in rounds:
        if event["labels"] != len(labelled):
            raise JournalError(
                f"round {event['round']} of a journal counts {event['labels']} labels, but {len(labelled)} were given "
                f"before it. {REMEDY}"
            )
        labelled += event["selection"]["rows"] if event["selection"] else ()
    if len(set(labelled)) != len(labelled):
        raise JournalError(f"a journal tells of a row that was labelled twice. {REMEDY}")


def trial_is_complete(folder: Path, max_labels: int) -> bool:
    """True when the trial in this folder, which need not exist, has nothing left to run up to max_labels.

    Raises JournalError when its journal or its manifest is damaged, or the manifest is missing.
    """
    return read_state(folder).reaches(max_labels)


def read_state(folder: Path) -> TrialState:
    """What the journal of a folder, which need not exist, says. Raises JournalError as `trial_is_complete` does."""
    events = read_events(folder)
    manifest_beside(folder, events)
    return fold(events)
