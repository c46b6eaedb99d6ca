"""Event stores: the protocol that each follows, and one that keeps events in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, final, runtime_checkable

import numpy as np

from lindley.session.events import Answered, ArraysFile, Event


@dataclass(frozen=True)
class Refused:
    """The reason why a store did not take an event."""

    reason: str


Receipt = Literal["stored", "known"] | Refused
"""The outcome of an append: "known" means that all answers of the event were stored before, under the same uuids."""


@runtime_checkable
class EventStore(Protocol):
    """An append-only list of events. An event that it accepts is durable when the call returns."""

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """Add the events in this order, all or none of them, without answers whose uuid is known."""
        ...

    def read(self, since: int = 0) -> Iterator[Event]:
        """Yield the events from a position on, in the order stored."""
        ...

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """Store arrays, and return the reference by which an event names them."""
        ...


@final
class MemoryStore:
    """Events in memory: for a notebook, or a test. They are gone when the process ends."""

    def __init__(self) -> None:
        self.arrays: dict[str, dict[str, np.ndarray]] = {}
        self._events: list[Event] = []
        self._uuids: set[str] = set()

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """See EventStore."""
        new, receipts = drop_repeated_answers(events, self._uuids)
        self._events += new
        return receipts

    def read(self, since: int = 0) -> Iterator[Event]:
        """See EventStore."""
        return iter(self._events[since:])

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """See EventStore. The copy lies in `arrays`."""
        reference = ArraysFile(file=f"arrays/{name}.npz", sha256="")
        self.arrays[reference.file] = {key: np.array(value) for key, value in arrays.items()}
        return reference


def answer_uuids(events: Iterable[Event]) -> set[str]:
    """Return the uuids of all answers among the events."""
    return {each.uuid for event in events if isinstance(event, Answered) for each in event.answers if each.uuid}


def drop_repeated_answers(events: Iterable[Event], known: set[str]) -> tuple[list[Event], list[Receipt]]:
    """Return the events without known answers, and a receipt for each event. New uuids are added to `known`."""
    new: list[Event] = []
    receipts: list[Receipt] = []
    for event in events:
        if isinstance(event, Answered):
            fresh = []
            for answer in event.answers:
                if answer.uuid not in known:
                    fresh.append(answer)
                    known |= {answer.uuid} - {""}
            receipts.append("stored" if fresh or not event.answers else "known")
            new += [Answered.from_answers(fresh)] if fresh else []
        else:
            new.append(event)
            receipts.append("stored")
    return new, receipts
