"""A project of a few items, made or opened again."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import pytest

from lindley.labelling.postgresql import PostgresqlDatabase
from lindley.labelling.store import ProjectStore

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "databases"))

from postgres_server import new_schema
from small_projects import FakeClock, found


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "project.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request, tmp_path):
    """Return a place for a database that no test has used: each test that takes it runs on both kinds."""
    numbers = count()
    if request.param == "sqlite":
        return lambda: tmp_path / f"{next(numbers)}.db"
    url = request.getfixturevalue("postgres")
    return lambda: PostgresqlDatabase(new_schema(url), tmp_path / f"{next(numbers)}.db")


@pytest.fixture
def place(new_place):
    return new_place()


@pytest.fixture
def begin(new_place, clock):
    """Make a project, or open it again."""
    opened, made = [], []

    def begin(items=20, *, need=1, test_every=5, people=("ann", "bob", "cem"), anew=False, **options):
        for each in opened:
            each.close()
        options = {"clock": clock.monotonic, "utc": clock.utc, "lease_seconds": 60.0, **options}
        if made and not anew:
            store = ProjectStore.open(made[-1], **options)
        else:
            made.append(new_place())
            store = ProjectStore.create(made[-1], seed=3, **options)
            store.add_items(found(items, test_every=test_every), need=need)
            for name in people:
                store.add_person(name)
            for name in ("cat", "dog"):
                store.add_class(name)
        opened.append(store)
        return store

    yield begin
    for each in opened:
        each.close()


@pytest.fixture
def store(begin):
    """Twenty items, of which every fifth is for tests, three people and two classes."""
    return begin()
