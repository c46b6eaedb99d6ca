"""The state of a session and the store of its events, kept in step: to append an event changes both."""

from __future__ import annotations

import threading

from lindley.errors import InputError, JournalError
from lindley.session.consensus import Consensus, consensus_name
from lindley.session.event_store import EventStore, Refused
from lindley.session.events import Answer, Event, Started
from lindley.session.journal_file import JournalStore
from lindley.session.journal_ranges import check_ranges
from lindley.session.state import SessionState, StateBuilder


class StoredState:
    """The state of one session, from the events in its store: each is folded once.

    Several threads, and several of these on one store, may append.

    Args:
        store: Keeps the events; an empty one gets the first event.
        key: The key of the session.
        consensus: Makes one answer of several to a row.
        num_rows: The number of rows of the pool, N.
        num_classes: The number of classes of the task, C.

    Raises:
        JournalError: If the store is damaged, holds another session, or was written with another consensus.
    """

    def __init__(self, store: EventStore, key: str, consensus: Consensus, *, num_rows: int, num_classes: int) -> None:
        self.lock = threading.RLock()
        self._store, self._key, self._consensus = store, key, consensus
        path = store.path if isinstance(store, JournalStore) else None
        self._num_events = 0
        self._builder = StateBuilder((), consensus, path=path)
        self._state: SessionState | None = None
        self._sync()
        if self.state.key is None:
            self.restart()
        elif self.state.key != key:
            raise JournalError(
                f"{path or 'The store'} holds another session (key {self.state.key[:8]}, expected {key[:8]}): it has "
                "other classes, another pool or another seed. Name another store.",
                path=path,
            )
        check_ranges(self.state, num_rows=num_rows, num_classes=num_classes, path=path)

    @property
    def state(self) -> SessionState:
        """The state after the events that were read so far."""
        if self._state is None:
            self._state = self._builder.state
        return self._state

    def append(self, *events: Event) -> list[Event]:
        """Store events, and return what is new in the store by then.

        Raises:
            InputError: If an event cannot follow those before it, or if the store refuses it.
        """
        with self.lock:
            self._sync()
            self._builder.check_can_follow(events)
            refused = [each for each in self._store.append(events) or () if isinstance(each, Refused)]
            new = self._sync()
            if refused:
                raise InputError(f"The store refused it: {refused[0].reason}.", argument="store", got=refused[0].reason)
            return new

    def restart(self) -> None:
        """Begin anew in the same store: what happened before counts no more."""
        self.append(Started(key=self._key, consensus=consensus_name(self._consensus)))

    def read_new(self) -> SessionState:
        """Return the state after all events of the store, others' too."""
        with self.lock:
            self._sync()
            return self.state

    def latest_answers(self, annotator: str) -> dict[int, Answer]:
        """Return by row the last answer of one annotator."""
        return self._builder.latest_answers(annotator)

    def _sync(self) -> list[Event]:
        """Read the events that are new in the store, and return them."""
        new = list(self._store.read(self._num_events))
        for event in new:
            self._builder.add(event)
            self._num_events += 1
            self._state = None
        return new
