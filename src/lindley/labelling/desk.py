"""The desk of a project that is being labelled: it hands items out, takes answers, and has models trained meanwhile.

It serves any number of threads. No request waits for a model: the queue of the last round serves until the next one is
there, and stays where a round fails. In lockstep, for simulations, nothing more is handed out while a round is due.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, get_args
from uuid import uuid4

from lindley.errors import InputError
from lindley.labelling import reads
from lindley.labelling.project import Project
from lindley.labelling.ranked_queue import read_epoch
from lindley.labelling.records import Lease, ProjectEvent, SkipReason
from lindley.labelling.served_items import ServedItem, reveal_event, serve_items
from lindley.labelling.similar_items import SimilarItems
from lindley.labelling.sql import Row, sa
from lindley.labelling.status import StatusReader
from lindley.labelling.status_records import ProjectStatus
from lindley.labelling.supervise import Supervisor
from lindley.session.event_store import Receipt

_SHOWN = ("label", "skip", "flag", "note", "adjudicate")
"""The kinds of events that a person's history shows."""


@dataclass(frozen=True)
class Served:
    """The items that a person holds."""

    items: tuple[ServedItem, ...]
    epoch: int
    finished: bool
    """Whether nothing is left to label; without an item, more come when the next round has ended."""
    progress: Mapping[str, Any]
    """The number of items that are `labelled`, of all `items`, and of `target_labels`, None where that is open;
    `audit`, None or how many of the `items` of the one under way are `labelled`."""
    model: Mapping[str, Any]
    """The newest model: its `epoch`, its `version`, the `state` of training, and `labels_behind`, which it does not
    know."""
    classes_version: int
    """The place of the newest change of the classes among the events: whoever knows an older one reads them again."""


class Desk:
    """Hands out items and takes answers (a context manager); a trainer works beside it.

    Args:
        project: The project; its owner closes it after the desk.
        lockstep: Whether a person waits for a round that is due.
        seconds: After an answer, the time until a round is due although its batch is not whole.

    Raises:
        HeldError: If another process trains models of the project, such as a second server; it names the process.
    """

    def __init__(self, project: Project, *, lockstep: bool = False, seconds: float = 30.0) -> None:
        self.project, self.store = project, project.store
        self._lockstep = lockstep
        self._status = StatusReader(project)
        self._seconds = seconds
        self._lock = project.hold()
        self._supervisor = Supervisor(project, seconds=seconds, lockstep=lockstep)

    def describe(self) -> dict[str, Any]:
        """Return what a page must know of the project; its `id` tells it from others of the same name."""
        version, text = self.store.read(reads.read_guideline)
        progress = self.store.read(reads.read_progress)  # before the classes, which are of its version or newer
        return {
            "name": self.project.folder.name,
            "id": hashlib.sha256(os.fsencode(self.project.folder.resolve())).hexdigest()[:16],
            "kind": self.project.settings.kind,
            "columns": self.project.settings.columns,
            "classes": self.classes(),
            "guideline": {"version": version, "text": text},
            "features": {"similar": SimilarItems(self.project).is_ready()},
            "reasons": [*get_args(SkipReason)],
            "round": {"labels": self.project.settings.batch_size, "seconds": self._seconds},
            **self._describe_progress(progress),
        }

    def set_guideline(self, person: str, text: str) -> dict[str, Any]:
        """Store another guideline, and return it with its version."""
        self.store.append(person, [ProjectEvent(uuid4().hex, "guideline", payload={"text": text})])
        version, text = self.store.read(reads.read_guideline)
        return {"version": version, "text": text}

    def classes(self) -> list[dict[str, Any]]:
        """Return the classes that are offered."""
        return [
            {"id": each.id, "name": each.name, "hotkey": each.hotkey, "description": each.description}
            for each in self.store.classes()
            if not each.retired
        ]

    def count_labels(self, person: str) -> int:
        """Return the number of items that a person has labelled here."""
        return self.store.read(lambda connection: reads.count_labels(connection, person))

    def hand_out(self, person: str, count: int) -> Served:
        """Return `count` items that the person holds now, the oldest first."""
        return self.take(person, (), count)[1]

    def take(self, person: str, events: Sequence[ProjectEvent], count: int) -> tuple[list[Receipt], Served]:
        """Store events, and return what the person holds then.

        Args:
            person: The name of the person.
            events: What they did, oldest first.
            count: The number of items that the person shall hold.
        """
        if self._lockstep and count:
            return self._take_in_lockstep(person, events, count)
        receipts, leases, progress, rows = self.store.write(lambda c: self._take_within(c, person, events, count))
        return receipts, self._serve(leases, count, progress, rows)

    def reveal(self, person: str, item: int) -> dict[str, Any]:
        """Record that the person has seen the prediction of an item, then return it.

        Raises:
            InputError: If there is no such item, or it or a near-duplicate is of an audit, which is labelled blind.
        """
        if next(self.store.items([item])).stream in ("audit", "excluded"):
            raise InputError(f"The item {item} is of an audit, which is labelled without the model's prediction.")
        predicted = self.project.prediction(item)
        if predicted is None:
            return {"item": item, "class_id": None, "probability": None}
        class_id, probability, version = predicted
        event = reveal_event(item, class_id, probability, version)
        self.store.append(person, [event])
        return {"item": item, "class_id": class_id, "probability": probability}

    def history(self, person: str, text: str, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """Return what a person did last, newest first.

        Args:
            person: The name of the person.
            text: Part of the content, the place or the class that is searched for; "" is everything.
            limit: The largest number of lines.
            before: The `seq` of the line before which to begin; None: the newest.
        """
        wanted = text.casefold()
        lines = (
            line
            for line in self._past(person, 1 << 62 if before is None else before)
            if wanted in " ".join(str(line[name]) for name in ("place", "content", "class")).casefold()
        )
        return list(islice(lines, limit))

    def status(self) -> dict[str, Any]:
        """Return how far the project is, as JSON values."""
        return {**self.read_status().to_json(), "trainer": self.describe_trainer()}

    def read_status(self) -> ProjectStatus:
        """Return how far the project is."""
        return self._status.read()

    def describe_trainer(self) -> dict[str, Any]:
        """Return what the trainer does."""
        return self._supervisor.describe()

    def request_round(self) -> None:
        """Have a model trained on what is there, also where no round is due."""
        self._supervisor.request()

    def close(self) -> None:
        """End the trainer."""
        self._supervisor.close()
        self._lock.release()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _take_in_lockstep(
        self, person: str, events: Sequence[ProjectEvent], count: int
    ) -> tuple[list[Receipt], Served]:
        """Store events first: whether they make a round due decides whether anything is handed out."""
        receipts, _, progress, _ = self.store.write(lambda c: self._take_within(c, person, events, 0))
        if self.project.is_round_due(whole_batches=True):
            self._supervisor.request_if_due()
            return receipts, Served((), progress.epoch, finished=False, **self._describe_progress(progress))
        _, leases, progress, rows = self.store.write(lambda c: self._take_within(c, person, (), count))
        return receipts, self._serve(leases, count, progress, rows)

    def _take_within(
        self, connection: sa.Connection, person: str, events: Sequence[ProjectEvent], count: int
    ) -> tuple[list[Receipt], list[Lease], reads.Progress, dict[int, Row]]:
        """Store events, claim items, and read all that the answer says in the same transaction of the writer.

        A reader of its own would meet the next writer, and each would wait for the other's lock.
        """
        if any(each.kind == "label" for each in events):
            number = read_epoch(connection)
            events = [self.project.add_prediction(each, number) if each.kind == "label" else each for each in events]
        want_test = self.project.wants_test
        receipts, leases = self.store.claim_within(connection, person, events, count, want_test=want_test)
        rows = reads.read_served(connection, [lease.item for lease in leases])
        return receipts, leases, reads.read_progress(connection), rows

    def _serve(self, leases: Sequence[Lease], count: int, progress: reads.Progress, rows: Mapping[int, Row]) -> Served:
        """Return what a person sees of their leases; without any, a round that brings more may be due."""
        waiting = not leases and count > 0 and self.project.is_round_due(whole_batches=False)
        if waiting:
            self._supervisor.request_if_due()
        served = serve_items(self.project.settings.kind, leases, rows)
        finished = count > 0 and not leases and not waiting
        return Served(served, progress.epoch, finished, **self._describe_progress(progress))

    def _describe_progress(self, progress: reads.Progress) -> dict[str, Any]:
        """Return what a page shows of how far the labelling is, the newest model, and the version of the classes."""
        return {
            "progress": {
                "labelled": progress.labelled,
                "items": progress.items,
                "target_labels": self.project.settings.target_labels,
                "audit": None
                if progress.audit is None
                else dict(zip(("labelled", "items"), progress.audit, strict=True)),
            },
            "model": {
                "epoch": progress.epoch,
                "version": progress.version,
                "state": self._supervisor.describe()["state"],
                "labels_behind": progress.labels_behind,
            },
            "classes_version": progress.classes_version,
        }

    def _past(self, person: str, before: int) -> Iterator[dict[str, Any]]:
        """Yield what a person did before a place in the order of events, newest first."""
        names = {each.id: each.name for each in self.store.classes()}
        while page := self._read_past(person, before):
            places = self.project.places([row.item for row in page])
            for row in page:
                yield {
                    "seq": row.seq,
                    "uuid": row.uuid,
                    "kind": row.kind,
                    "item": row.item,
                    "place": places[row.item],
                    "content": row.content,
                    "class_id": row.class_id,
                    "class": names.get(row.class_id),
                    "note": row.note,
                    "reason": row.payload.get("reason"),
                    "undone": row.undone,
                    "time": row.server_time,
                }
            before = page[-1].seq

    def _read_past(self, person: str, before: int) -> list[Any]:
        return self.store.read(lambda connection: reads.read_history(connection, person, before, _SHOWN))
