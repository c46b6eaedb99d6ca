"""A project of a few items, made or opened again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lindley.labelling.store import ProjectStore

sys.path.insert(0, str(Path(__file__).parent))

from small_projects import FakeClock, found


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "project.db"


@pytest.fixture
def begin(path, clock):
    """Make a project, or open it again."""
    opened = []

    def begin(items=20, *, need=1, test_every=5, people=("ann", "bob", "cem"), **options):
        for each in opened:
            each.close()
        options = {"clock": clock.monotonic, "utc": clock.utc, "lease_seconds": 60.0, **options}
        if path.exists():
            store = ProjectStore.open(path, **options)
        else:
            store = ProjectStore.create(path, seed=3, **options)
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
