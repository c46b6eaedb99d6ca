"""The events of a session in the database of a project: an EventStore beside the journal's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lindley.errors import JournalError
from lindley.labelling.sql import parameter, sa, select_in
from lindley.labelling.store import ProjectStore
from lindley.labelling.tables import session_answer, session_event
from lindley.session.event_store import Receipt, answer_uuids, drop_repeated_answers
from lindley.session.events import ArraysFile, Event, from_json, to_json
from lindley.session.files import save_arrays

_PAGE = 1000


class SessionStore:
    """The events of one session as an EventStore; several may lie in one project, and several processes may append.

    Args:
        store: The store of the project.
        session: The name of the session within the project.
    """

    def __init__(self, store: ProjectStore, session: str = "") -> None:
        self._store, self._session = store, session
        self._folder = store.path.parent / "sessions" / session

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """See EventStore.

        Raises:
            JournalError: If an event holds NaN, an infinity or no JSON value, such as a tensor. Then nothing is stored.
        """
        for each in events:
            self._check(each)
        return self._store.write(lambda connection: self._append(connection, events))

    def read(self, since: int = 0) -> Iterator[Event]:
        """See EventStore."""
        while page := self._page(since):
            yield from map(from_json, page)
            since += len(page)

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> ArraysFile:
        """See EventStore. The arrays lie beside the database, and are durable."""
        return save_arrays(self._folder, name, arrays)

    def _append(self, connection: sa.Connection, events: Sequence[Event]) -> list[Receipt]:
        here = {"in_session": self._session}
        known = select_in(connection, _KNOWN, answer_uuids(events), here)
        new, receipts = drop_repeated_answers(events, set(known))
        first = connection.scalar(_COUNT, here) or 0
        for position, each in enumerate(new, first):
            row = {"session": self._session, "position": position, "event": to_json(each)}
            connection.execute(session_event.insert(), row)
            for uuid in sorted(answer_uuids([each])):
                connection.execute(session_answer.insert(), {"session": self._session, "uuid": uuid})
        return receipts

    def _page(self, since: int) -> Sequence[Mapping[str, Any]]:
        which = {"in_session": self._session, "since": since}
        return self._store.read(lambda connection: connection.scalars(_EVENTS, which).all())

    def _check(self, each: Event) -> None:
        try:
            json.dumps(to_json(each), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise JournalError(
                f"An event must hold JSON values and finite numbers only ({error}): event {each.event!r} for "
                f"{self._store.path}.",
                path=self._store.path,
                entry=each.event,
            ) from None


_here = session_event.c.session == parameter("in_session")
_EVENTS = (
    sa.select(session_event.c.event)
    .where(_here, session_event.c.position >= parameter("since"))
    .order_by(session_event.c.position)
    .limit(_PAGE)
)
_COUNT = sa.select(sa.func.count()).select_from(session_event).where(_here)
_KNOWN = sa.select(session_answer.c.uuid).where(
    session_answer.c.session == parameter("in_session"), session_answer.c.uuid.in_(parameter("values", many=True))
)
