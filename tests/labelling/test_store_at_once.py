"""Several threads and several processes on one store, and processes that are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from postgres_server import new_schema
from small_projects import found, label, open_counts

from lindley.labelling.store import ProjectStore

FUZZ = int(os.environ.get("LINDLEY_FUZZ", "0"))
KILLS = max(30, FUZZ // 10)
LABELS, ITEMS = (2000, 50_000) if FUZZ else (240, 1500)


def run_script(*arguments):
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_writers.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("need", [1, 2])
def test_eight_people_label_at_once_and_no_item_is_served_beyond_its_need(place, need):
    people, served, errors = [f"person {number}" for number in range(8)], [], []
    with ProjectStore.create(place) as store:
        store.add_items(found(ITEMS), need=need)
        store.add_class("cat")
        for name in people:
            store.add_person(name)

        def one(person):
            try:
                leases = store.claim(person, 3)
                for _ in range(LABELS // 8):
                    served.append((person, leases[0].item))
                    event = label(f"{person} {leases[0].item}", leases[0].item)
                    receipts, leases = store.append_and_claim(person, [event], 3)
                    assert receipts == ["stored"]
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=one, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        labels = [each for each in store.events() if each.kind == "label"]
        assert Counter((each.person, each.item) for each in labels) == Counter(served)
        assert len(labels) == len({*served}) == LABELS // 8 * 8
        assert max(Counter(each.item for each in labels).values()) <= need
        assert all(is_now == must_be for is_now, must_be in open_counts(store).values())
        assert min(is_now for is_now, _ in open_counts(store).values()) >= 0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """The address of the database; "" where it is a file."""
    return "" if request.param == "sqlite" else new_schema(request.getfixturevalue("postgres"))


def test_two_processes_label_in_one_database(tmp_path, url):
    counts = run_script("together", tmp_path, LABELS // 4, url)
    assert counts == {"statuses": [0, 0], "labels": LABELS // 4, "items": LABELS // 4, "lost": 0, "right": True}


def test_nothing_acknowledged_is_lost_by_kills_at_any_moment(tmp_path, url):
    kills = KILLS // 3 if url else KILLS  # a server of PostgreSQL takes its time for each connection
    counts = run_script("kill", tmp_path, kills, url)
    assert counts.pop("acknowledged") > kills
    assert counts == {"lost": 0, "twice": False, "right": True}
