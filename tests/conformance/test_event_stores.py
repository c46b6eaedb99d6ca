"""Every store of a session's events: what is appended is read, each answer is taken once, and all or none is stored."""

from __future__ import annotations

import math
from contextlib import ExitStack

import numpy as np
import pytest
import torch

from lindley.errors import JournalError
from lindley.labelling.postgresql import PostgresqlDatabase
from lindley.labelling.session_store import SessionStore
from lindley.labelling.store import ProjectStore
from lindley.session.event_store import EventStore, MemoryStore
from lindley.session.events import Answer, Answered, Fitted, Queried, Resumed, Started, Withdrawn
from lindley.session.files import load_arrays
from lindley.session.journal_file import JournalStore

EVENTS = [
    Started(key="a"),
    Queried(round=0, purpose="initial", rows=[3, 1]),
    Answered.from_answers([Answer(3, 0, uuid="x"), Answer(1, 1, uuid="y", annotator="Ünï\n\r\0😀")]),
    Fitted(round=0, labels=2, metrics={"accuracy": 0.1 + 0.2, "recall": [None, 1e-300]}, seconds={"fit": 1.5}),
    Fitted(round=0, labels=2, metrics={"nll": math.pi}),
    Withdrawn(rows=[3]),
]


def open_journal(folder, stack):
    return stack.enter_context(JournalStore(folder / "session"))


def open_database(folder, stack):
    return SessionStore(stack.enter_context(ProjectStore.create(folder / "project.db")), "one")


class PostgresOpener:
    """Makes a database in the schema of a folder, and opens it where it is there."""

    url = ""

    def __call__(self, folder, stack):
        database = PostgresqlDatabase(f"{self.url}?schema={folder.name[-50:]}", folder / "project.db")
        is_made = (folder / "made").exists()
        (folder / "made").touch()
        store = ProjectStore.open(database) if is_made else ProjectStore.create(database)
        return SessionStore(stack.enter_context(store), "one")


DURABLE = {"journal": open_journal, "database": open_database, "postgresql": PostgresOpener()}
ALL = {"memory": lambda folder, stack: MemoryStore(), **DURABLE}


def opener_of(request):
    """Return what opens a store; a database of PostgreSQL needs its server."""
    if isinstance(request.param, PostgresOpener):
        request.param.url = request.getfixturevalue("postgres")
    return request.param


@pytest.fixture(params=ALL.values(), ids=ALL)
def store(request, tmp_path):
    with ExitStack() as stack:
        yield opener_of(request)(tmp_path, stack)


@pytest.fixture(params=DURABLE.values(), ids=DURABLE)
def reopen(request, tmp_path):
    """Open the store, or close it and open it again."""
    opener = opener_of(request)
    with ExitStack() as stack:

        def open_again():
            stack.close()
            return opener(tmp_path, stack)

        yield open_again


def test_it_is_an_event_store_that_begins_empty(store):
    assert isinstance(store, EventStore)
    assert list(store.read()) == []


def test_events_come_back_exactly(store):
    assert store.append(EVENTS) == ["stored"] * len(EVENTS)
    assert list(store.read()) == EVENTS


def test_no_events_are_stored_as_none(store):
    assert store.append([]) == []
    assert list(store.read()) == []


def test_each_answer_is_taken_once(store):
    first = Answered.from_answers([Answer(0, 1, uuid="a"), Answer(1, 1, uuid="b")])
    assert store.append([Started(key="k"), first]) == ["stored", "stored"]
    again = Answered.from_answers([Answer(1, 1, uuid="b"), Answer(2, 0, uuid="c"), Answer(2, 0, uuid="c")])
    assert store.append([first, again, again]) == ["known", "stored", "known"]
    rows = [answer.row for event in store.read(1) for answer in event.answers]
    assert rows == [0, 1, 2]


def test_answers_without_a_uuid_are_never_repetitions(store):
    same = Answered.from_answers([Answer(0, 1, uuid="")])
    assert store.append([Started(key="k"), same, same]) == ["stored"] * 3


def test_events_are_read_from_any_place(store):
    store.append(EVENTS)
    for since in range(len(EVENTS) + 2):
        assert list(store.read(since)) == EVENTS[since:]


def test_many_events_keep_their_order(store):
    events = [Queried(round=0, purpose="test", rows=[row]) for row in range(2500)]
    for start in range(0, 2500, 500):
        store.append(events[start : start + 500])
    assert list(store.read()) == events


def test_a_store_continues_where_it_stopped(reopen):
    reopen().append(EVENTS)
    store = reopen()
    assert list(store.read()) == EVENTS
    more = Resumed(round=1, changes={"device": ["cpu", "cuda"]})
    assert store.append([EVENTS[2], more]) == ["known", "stored"]
    assert list(reopen().read(3)) == [*EVENTS[3:], more]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, torch.zeros(1)])
def test_what_is_no_json_value_is_refused_and_nothing_stored(reopen, value):
    store = reopen()
    with pytest.raises(JournalError) as caught:
        store.append([EVENTS[1], Fitted(round=1, labels=2, metrics={"nll": value})])
    assert caught.value.path is not None
    assert caught.value.entry == "fitted"
    assert list(reopen().read()) == []


def test_arrays_are_found_by_what_the_event_names(reopen, tmp_path):
    reference = reopen().save_arrays("grid", {"xs": np.arange(3)})
    (file,) = tmp_path.rglob("grid.npz")
    assert file.relative_to(file.parents[1]).as_posix() == reference.file
    assert load_arrays(file.parents[1], reference)["xs"].tolist() == [0, 1, 2]


def test_sessions_of_one_database_do_not_meet(tmp_path):
    with ProjectStore.create(tmp_path / "project.db") as database:
        first, second = SessionStore(database, "first"), SessionStore(database, "second")
        first.append(EVENTS)
        assert second.append(EVENTS[:3]) == ["stored"] * 3
        assert list(first.read()) == EVENTS
        assert list(second.read()) == EVENTS[:3]
