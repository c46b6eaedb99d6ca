"""Milliseconds until the next item is there, at a server of a project of 100,000 items while models are trained.

    python benchmarks/label_server.py [--items N] [--people P] [--labels L] [--seconds S] [--features D] [--out DIR]

The project is made of generated vectors in ten heaps. People label at once over HTTP, each every S seconds: an answer
and the next item in one request ("events"), and every fifth time the next item alone ("next"). Their answers make a
round of training due all the time. A time is from the request to the last byte of its answer, at the client. "CPU" is
what the server takes for a request, which other jobs of the machine do not change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from records import DEFAULT_FOLDER, append, machine, markdown, now

from lindley.labelling.item_features import VECTORS
from lindley.labelling.project import Project
from lindley.labelling.records import Entry, Item
from lindley.labelling.settings import ProjectSettings, write_settings
from lindley.labelling.storages import DATABASE
from lindley.labelling.store import ProjectStore

CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--labels", type=int, default=400, help="of all people together")
    parser.add_argument("--seconds", type=float, default=0.25, help="between two answers of a person")
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1, help="not used: the trainer has one")
    parser.add_argument("--out", type=Path, help=f"a folder for label_server.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder), options.items, options.features)
        times, cpu, rounds = measure(Path(folder), options.people, options.labels, options.seconds)
    print(f"{options.items} items, {options.people} people, {rounds} rounds of training; {machine(1)}\n")
    rows = [summarise(name, values) for name, values in times.items()]
    print(markdown([*rows[0]], [[*row.values()] for row in rows]))
    print(f"\nCPU of the server for a request: {1000 * cpu:.1f} ms")
    for row in rows if options.out else ():
        case = {"items": options.items, "people": options.people, "features": options.features, **row}
        run = {"cpu_ms": 1000 * cpu, "rounds": rounds, "machine": machine(1), "measured": now()}
        append(options.out / "label_server.csv", {**case, **run})


def make_project(folder: Path, items: int, features: int) -> None:
    """A project of vectors, whose every fifth item is of the test stream."""
    generator = np.random.default_rng(0)
    heaps = 2 * generator.normal(size=(CLASSES, features))
    vectors = heaps[np.arange(items) % CLASSES] + generator.normal(size=(items, features))
    np.save(folder / VECTORS, vectors.astype(np.float32))
    with ProjectStore.create(folder / DATABASE) as store:
        store.add_items(found(items))
        for number in range(CLASSES):
            store.add_class(f"heap {number}")
    write_settings(folder, ProjectSettings(kind="vectors"))


def found(items: int) -> Iterator[tuple[Entry, Item | None]]:
    for row in range(items):
        stream = "test" if row % 5 == 0 else "train"
        yield Entry(f"row {row}", row), Item(row, f"{row:064x}", "", "", row, stream)  # type: ignore[arg-type]


def measure(folder: Path, people: int, labels: int, seconds: float) -> tuple[dict[str, list[float]], float, int]:
    """Seconds of each request by its kind, CPU seconds of the server for one, and the rounds that ended meanwhile."""
    names = [f"person{number}" for number in range(people)]
    command = [sys.executable, "-m", "lindley", "label", str(folder), "--people", ",".join(names)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            links = [server.stdout.readline().split()[-1] for _ in names]
            with Project.open(folder) as project:
                while project.store.epoch() == 0:
                    time.sleep(0.1)
                clients = [Client(link) for link in links]
                before, used = project.store.epoch(), cpu_seconds(server.pid)
                times = label_at_once(clients, labels // people, seconds)
                rounds = project.store.epoch() - before
            used = cpu_seconds(server.pid) - used
        finally:
            server.terminate()
    return times, used / sum(map(len, times.values())), rounds


def label_at_once(clients: Sequence[Client], labels: int, seconds: float) -> dict[str, list[float]]:
    threads = [threading.Thread(target=client.label, args=(labels, seconds)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {kind: [taken for client in clients for taken in client.times[kind]] for kind in ("events", "next")}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def summarise(kind: str, seconds: Sequence[float]) -> dict[str, object]:
    points = {f"p{point} ms": f"{1000 * np.percentile(seconds, point):.1f}" for point in (50, 95, 99, 100)}
    return {"request": kind, "requests": len(seconds), **points}


class Client:
    """The requests of one person over one connection."""

    def __init__(self, link: str) -> None:
        self.times: dict[str, list[float]] = {"events": [], "next": []}
        address, _, path = link.removeprefix("http://").partition("/")
        self._address = address
        self._connection = HTTPConnection(address)
        self._headers = {"Content-Type": "application/json"}
        self._connection.request("GET", f"/{path}")
        answer = self._connection.getresponse()
        answer.read()
        self._headers["Cookie"] = str(answer.getheader("Set-Cookie")).partition(";")[0]
        self._connection.request("GET", "/api/me", headers=self._headers)
        self._headers["X-CSRF-Token"] = json.loads(self._connection.getresponse().read())["csrf"]

    def label(self, labels: int, seconds: float) -> None:
        """Label so many items, and have models trained all the time."""
        items = self._post("next", {"n": 3})
        for count in range(labels):
            time.sleep(seconds)
            item = items[0]["item"]
            event = {"uuid": uuid4().hex, "kind": "label", "item": item, "class_id": item % CLASSES}
            items = self._post("events", {"events": [event], "next": 3})
            if count % 5 == 0:
                items = self._post("next", {"n": 3})

    def _post(self, kind: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        content, since = json.dumps(body), time.perf_counter()
        self._connection.request("POST", f"/api/{kind}", content, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self.times[kind].append(time.perf_counter() - since)
        assert answer.status == 200, content
        return list(json.loads(content)["items"])


if __name__ == "__main__":
    main()
