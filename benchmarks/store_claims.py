"""Milliseconds of an answer with the next claim in one transaction, from several threads on one store of a project.

    python benchmarks/store_claims.py [--items N ...] [--threads T] [--labels L] [--out DIR]

Each thread is a person who holds three items, answers the first, and gets the next with the same call; a queue of 500
items is swapped in on the way. "p50", "p95" and "max" are over all calls, "per second" counts the calls of all threads.
"fsync" is the median of writing 4 KiB durably beside the database in the same minute: a commit waits for several.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from records import DEFAULT_FOLDER, append, machine, markdown, now

from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import Entry, Item, ProjectEvent
from lindley.labelling.store import ProjectStore

COLUMNS = ("p50", "p95", "max", "per second", "fsync", "cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[50_000, 100_000])
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--labels", type=int, default=2000)
    parser.add_argument("--out", type=Path, help=f"a folder for store_claims.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, {options.threads} threads, {options.labels} labels, {machine(1)}\n")
    rows = []
    for items in options.items:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(Path(folder), items, options.threads, options.labels)
        rows.append([items, *(f"{measured[name]:.1f}" for name in COLUMNS)])
        if options.out:
            case = {"N": items, "threads": options.threads, "labels": options.labels, **measured}
            append(options.out / "store_claims.csv", {**case, "machine": machine(1), "time": now()})
    print(markdown(["N", *COLUMNS], rows))


def measure(folder: Path, items: int, threads: int, labels: int) -> dict[str, float]:
    """Return the milliseconds of one call, the calls per second, and the CPU milliseconds of a call."""
    people = [f"person {number}" for number in range(threads)]
    with ProjectStore.create(folder / "project.db") as store:
        store.add_items(found(items))
        store.add_class("cat")
        for name in people:
            store.add_person(name)
        taken: list[float] = []
        workers = [threading.Thread(target=label, args=(store, name, labels // threads, taken)) for name in people]
        began, cpu = time.perf_counter(), time.process_time()
        for worker in workers:
            worker.start()
        store.swap_queue(1, [QueueRow(row, "batchbald", 1.0) for row in range(min(500, items))])
        for worker in workers:
            worker.join()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert len({each.item for each in store.events() if each.kind == "label"}) == len(taken)
    p50, p95, most = np.quantile(taken, [0.5, 0.95, 1.0]) * 1000
    result = {"p50": p50, "p95": p95, "max": most, "per second": len(taken) / seconds}
    return {**result, "fsync": fsync_ms(folder), "cpu": 1000 * cpu / len(taken)}


def found(count: int) -> list[tuple[Entry, Item]]:
    streams = ("test", "train", "train", "train", "train")
    items = [Item(row, f"{row:064d}", f"question {row}", "a.csv", row, streams[row % 5]) for row in range(count)]
    return [(Entry(f"line {each.id}", each.id), each) for each in items]


def label(store: ProjectStore, person: str, labels: int, taken: list[float]) -> None:
    leases = store.claim(person, 3)
    for number in range(labels):
        event = ProjectEvent(f"{person} {number}", "label", item=leases[0].item, class_id=0)
        began = time.perf_counter()
        _, leases = store.append_and_claim(person, [event], 3, want_test=lambda counts: counts.test * 3 <= counts.train)
        taken.append(time.perf_counter() - began)


def fsync_ms(folder: Path) -> float:
    taken = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return 1000 * float(np.median(taken))


if __name__ == "__main__":
    main()
