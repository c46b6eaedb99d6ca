"""A script: processes that label in one database, killed by SIGKILL at random moments, or side by side.

    python killed_writers.py kill FOLDER KILLS [URL]
    python killed_writers.py together FOLDER LABELS [URL]

The database is a file in the folder, or that of the address.

`kill` writes, as JSON, how many acknowledged answers are not there, or there twice, and whether all counters are right.
`together` runs two processes and writes how many answers they stored, for how many items. It forks from a process that
has imported everything and started no thread.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Thread

from small_projects import found, label, open_counts

from lindley.labelling.postgresql import PostgresqlDatabase
from lindley.labelling.store import ProjectStore

Place = Path | PostgresqlDatabase
ITEMS = 2000
THREADS = 2


def begin(folder: Path, url: str) -> Place:
    path = folder / "project.db"
    place = PostgresqlDatabase(url, path) if url else path
    with ProjectStore.create(place) as store:
        store.add_items(found(ITEMS))
        store.add_class("cat")
        for number in range(2 * THREADS):
            store.add_person(f"person {number}")
    return place


def work(place: Place, acknowledged: int, people: list[str], labels: int) -> None:
    """Label from several threads; the uuids go to a pipe once the store has returned."""
    with ProjectStore.open(place) as store:
        os.write(acknowledged, b"\n")  # it has begun

        def one(person: str) -> None:
            leases = store.claim(person, 2)
            for _ in range(labels):
                uuid = f"{person} {leases[0].item}"
                receipts, leases = store.append_and_claim(person, [label(uuid, leases[0].item)], 2)
                assert receipts == ["stored"]
                os.write(acknowledged, f"{uuid}\n".encode())

        threads = [Thread(target=one, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def start(place: Place, people: list[str], labels: int) -> tuple[int, int]:
    """The process id of a child that works, and the pipe in which it acknowledges."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            work(place, writing, people, labels)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def read(pipe: int) -> list[str]:
    with os.fdopen(pipe) as file:
        return [line.rstrip("\n") for line in file if line.endswith("\n") and line != "\n"]


def wait(pipe: int, moments: random.Random) -> list[str]:
    """Wait for some acknowledgements, and then for a part of the time that one takes; return them."""
    lines, began = b"", time.perf_counter()
    while lines.count(b"\n") < 3 or not lines.endswith(b"\n"):
        byte = os.read(pipe, 1)
        assert byte, "the child has failed"
        lines += byte
    time.sleep((time.perf_counter() - began) * moments.random())
    return lines.decode().split("\n")[1:-1]


def stored(place: Place) -> tuple[Counter[str], list[int], bool]:
    """How often each uuid of an answer is there, the items answered, and whether `open` is what it must be."""
    with ProjectStore.open(place) as store:
        labels = [each for each in store.events() if each.kind == "label"]
        right = all(is_now == must_be for is_now, must_be in open_counts(store).values())
    return Counter(each.uuid for each in labels), [each.item for each in labels if each.item is not None], right


def kill(place: Place, kills: int) -> dict[str, object]:
    moments = random.Random(0)
    acknowledged: list[str] = []
    right = True
    for _ in range(kills):
        child, pipe = start(place, [f"person {number}" for number in range(THREADS)], ITEMS)
        acknowledged += wait(pipe, moments)
        os.kill(child, signal.SIGKILL)
        acknowledged += read(pipe)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        counts, items, now_right = stored(place)
        right &= now_right and len(items) == len(set(items))
    lost = sum(counts[uuid] != 1 for uuid in acknowledged)
    return {"acknowledged": len(acknowledged), "lost": lost, "twice": len(counts) != counts.total(), "right": right}


def together(place: Place, labels: int) -> dict[str, object]:
    people = [[f"person {number}" for number in range(first, first + THREADS)] for first in (0, THREADS)]
    children = [start(place, each, labels // (2 * THREADS)) for each in people]
    acknowledged = [uuid for _, pipe in children for uuid in read(pipe)]
    statuses = [os.waitpid(child, 0)[1] for child, _ in children]
    counts, items, right = stored(place)
    lost = sum(counts[uuid] != 1 for uuid in acknowledged)
    return {"statuses": statuses, "labels": len(items), "items": len(set(items)), "lost": lost, "right": right}


if __name__ == "__main__":
    mode, where, number, url = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), "".join(sys.argv[4:])
    print(json.dumps((kill if mode == "kill" else together)(begin(where, url), number)))
