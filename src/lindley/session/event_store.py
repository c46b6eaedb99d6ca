"""Where events are kept: what a store must do, and one that keeps them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, final, runtime_checkable

import numpy as np

from lindley.session.events import Answered, ArraysFile, Event


@dataclass(frozen=True)
class Refused:
    """Why a store did not take an event."""

    reason: str


Receipt = Literal["stored", "known"] | Refused
"""What became of an event: "known" is one whose answers all came before, under the same uuids."""


@runtime_checkable
class EventStore(Protocol):
    """An append-only list of events. What it accepted is durable when the call returns."""

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """Add the events in this order, all or none of them; answers whose uuid is known are left out."""
        ...

    def read(self, since: int = 0) -> Iterator[Event]:
        """The events from that place on, in the order stored."""
        ...

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """Keep arrays, and return how an event refers to them."""
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
        new, receipts = split_known(events, self._uuids)
        self._events += new
        return receipts

    def read(self, since: int = 0) -> Iterator[Event]:
        """See EventStore."""
        return iter(self._events[since:])

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """See EventStore; the copy lies in `arrays`."""
        reference = ArraysFile(file=f"arrays/{name}.npz", sha256="")
        self.arrays[reference.file] = {key: np.array(value) for key, value in arrays.items()}
        return reference


def known_uuids(events: Iterable[Event]) -> set[str]:
    """Return the uuids of all answers among the events."""
    return {each.uuid for event in events if isinstance(event, Answered) for each in event.answers if each.uuid}


def split_known(events: Iterable[Event], known: set[str]) -> tuple[list[Event], list[Receipt]]:
    """Return the events without the answers that are known, and a receipt for each event given. Adds to `known`."""
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
            new += [Answered.of(fresh)] if fresh else []
        else:
            new.append(event)
            receipts.append("stored")
    return new, receipts
