"""A simulated person, who labels over HTTP as a browser does: `python -m lindley.labelling.simulated_person --help`.

It knows the true classes from a file, errs at a given rate, and imports nothing of lindley: what it can do, a person
can. In lockstep it waits for the new queue when the server says so, and the same seed gives the same labels, under the
same uuids. Asynchronously it labels on at its own pace, as people do.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import requests

_WAIT = 0.1  # seconds between two looks at a queue that is being made
_PATIENCE = 600.0  # seconds without anything to label after which it gives up
_TRIES = 60  # of a request while the server restarts
_GONE = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a simulated person."""

    truth: Mapping[str, str]
    """The name of the true class, by the text or the name of an item."""
    noise: float = 0.0
    """The share of items that it labels with another class, at random."""
    seconds: float = 2.0
    """The seconds per label."""
    seed: int = 0
    asynchronous: bool = False
    """Whether it takes that time for real and never waits for the model; else the time is only reported."""

    def answer(self, item: Mapping[str, Any], class_names: Sequence[str]) -> str:
        """Return its label for an item; the noise is keyed by the item, so that the order plays no part."""
        key = next((key for key in (item["content"], item["place"]) if key in self.truth), None)
        if key is None:
            raise SystemExit(f"The truth has no class for {item['place']!r}; give a file with a line for every item.")
        truth = self.truth[key]
        if self._uniform(key, "err") >= self.noise or len(class_names) < 2:
            return truth
        others = [name for name in class_names if name != truth]
        return others[int(self._uniform(key, "other") * len(others))]

    def uuid(self, person: str, item: int, count: int) -> str:
        """Return the uuid of a label: in lockstep the same one for the same seed.

        Args:
            person: The name of the person.
            item: The item.
            count: The number of labels that they gave before.
        """
        if self.asynchronous:
            return uuid4().hex
        return uuid5(NAMESPACE_OID, f"{person} {self.seed} {item} {count}").hex

    def _uniform(self, *key: str) -> float:
        digest = hashlib.sha256("\0".join([str(self.seed), *key]).encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56


class Client:
    """The requests of one person. Each event is sent until the server has acknowledged it, under one uuid."""

    def __init__(self, launch_link: str) -> None:
        self._origin = "/".join(launch_link.split("/")[:3])
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between here and here
        self._get(launch_link)
        self.me = self.get("/api/me")
        self._session.headers.update({"X-CSRF-Token": self.me["csrf"], "Origin": self._origin})

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET."""
        return self._get(self._origin + path).json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON answer to a POST, which is repeated while the server is away or busy."""
        for attempt in range(_TRIES):
            try:
                response = self._session.post(self._origin + path, json=body, timeout=60)
                if response.status_code != 503:
                    break
            except _GONE:
                if attempt == _TRIES - 1:
                    raise
            time.sleep(min(2.0, 0.1 * 2**attempt))
        if response.status_code >= 400:
            raise SystemExit(f"{path}: {response.status_code} {response.text[:500]}")
        return response.json()

    def _get(self, url: str) -> requests.Response:
        response = self._session.get(url, timeout=60)
        response.raise_for_status()
        return response


def label(client: Client, behaviour: Behaviour, max_labels: int) -> Iterator[int]:
    """Label until the person has `max_labels` labels in the project, or nothing is left; yield the number after each.

    Args:
        client: The requests.
        behaviour: How it labels.
        max_labels: The number of labels; those that the person gave before count.

    Yields:
        The number of labels that are acknowledged.
    """
    classes = _index_classes(client.me["classes"])
    count, since = client.me["num_labels"], time.monotonic()
    if count >= max_labels:
        return
    answer = client.post("/api/next", {"n": 1})
    while count < max_labels:
        if not answer["items"]:
            if answer["finished"]:
                return
            if time.monotonic() - since > _PATIENCE:
                raise SystemExit(f"Nothing to label came in {_PATIENCE:.0f} seconds: is the trainer running?")
            time.sleep(_WAIT)
            answer = client.post("/api/next", {"n": 1})
            continue
        item = answer["items"][0]
        if behaviour.asynchronous:
            time.sleep(behaviour.seconds)
        name = behaviour.answer(item, [*classes])
        if name not in classes:  # classes are added while people label
            classes = _index_classes(client.get("/api/classes"))
        if name not in classes:
            raise SystemExit(f"The project has no class {name!r}; it has {', '.join(classes)}.")
        event = {
            "uuid": behaviour.uuid(client.me["person"], item["item"], count),
            "kind": "label",
            "item": item["item"],
            "class_id": classes[name],
            "lease": item["lease"],
            "shown_ms": int(1000 * behaviour.seconds),
        }
        last = count + 1 >= max_labels
        answer = client.post("/api/events", {"events": [event], "next": 0 if last else 1})
        if answer["results"][0]["outcome"] not in ("stored", "known"):
            raise SystemExit(f"The label of item {item['item']} was refused: {answer['results'][0]}")
        count, since = count + 1, time.monotonic()
        yield count


def _index_classes(classes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {each["name"]: each["id"] for each in classes}


def read_truth(path: Path, key: str, label: str) -> dict[str, str]:
    """Return by item, as a person sees it, the name of its class, from a CSV file.

    Args:
        path: The file.
        key: The column of the text, or of the image's name; "" is the first.
        label: The column of the class; "" is the last.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        dialect = csv.excel_tab if path.suffix == ".tsv" else csv.excel
        reader = csv.DictReader(file, dialect=dialect)
        columns = list(reader.fieldnames or [])
        key, label = key or columns[0], label or columns[-1]
        if missing := [name for name in (key, label) if name not in columns]:
            raise SystemExit(f"{path} has no column {missing[0]!r}; it has {', '.join(columns)}.")
        return {line[key]: line[label] for line in reader}


def main(arguments: Sequence[str] | None = None) -> None:
    """Label a project that is being served."""
    parser = argparse.ArgumentParser(prog="python -m lindley.labelling.simulated_person", description=__doc__)
    parser.add_argument("link", help='the launch link that `lindley label` printed; "-" reads it from stdin')
    parser.add_argument("truth", type=Path, help="a CSV or TSV file with the true class of every item")
    parser.add_argument("--key", default="", help="its column of the text or the image's name; default: the first")
    parser.add_argument("--label", default="", help="its column of the class; default: the last")
    parser.add_argument(
        "--labels", type=int, default=300, help="label until the person has this many labels in the project (300)"
    )
    parser.add_argument("--noise", type=float, default=0.0, help="the share of wrong labels (0)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds for a label (2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (0)")
    parser.add_argument(
        "--asynchronous", action="store_true", help="take that time for real, and never wait for the model"
    )
    given = parser.parse_args(arguments)
    truth = read_truth(given.truth, given.key, given.label)
    behaviour = Behaviour(truth, given.noise, given.seconds, given.seed, given.asynchronous)
    link = sys.stdin.readline().strip() if given.link == "-" else given.link
    for count in label(Client(link), behaviour, given.labels):
        print(count, file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
