"""The desk of a project that is being labelled: it hands items out, takes answers, and has models trained meanwhile.

It serves any number of threads. No request waits for a model: the queue of the last round serves until the next one is
there, and stays where a round fails. In lockstep, for simulations, nothing more is handed out while a round is due.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from lindley.labelling.project import Project
from lindley.labelling.records import Lease, ProjectEvent
from lindley.labelling.status import project_status
from lindley.labelling.supervise import Supervisor
from lindley.session.event_store import Receipt


@dataclass(frozen=True)
class ServedItem:
    """An item as a person sees it; nothing here says what the model thinks of it."""

    item: int
    lease: str
    kind: str
    content: str
    place: str
    url: str
    epoch: int | None


@dataclass(frozen=True)
class Served:
    """What a person holds now."""

    items: tuple[ServedItem, ...]
    epoch: int
    finished: bool
    """Whether nothing is left to label; without an item, more come when the next round has ended."""


class Desk:
    """Hands out items and takes answers (a context manager); a trainer works beside it.

    Args:
        project: The project, which the desk closes.
        lockstep: Whether a person waits for a round that is due.
        seconds: After an answer, the time until a round is due although its batch is not whole.
    """

    def __init__(self, project: Project, *, lockstep: bool = False, seconds: float = 30.0) -> None:
        self.project, self.store = project, project.store
        self._lockstep = lockstep
        self._adopted = threading.Condition()
        self._supervisor = Supervisor(project, seconds=seconds, lockstep=lockstep)

    def describe(self) -> dict[str, Any]:
        """Return what a page must know of the project."""
        return {"name": self.project.folder.name, "kind": self.project.settings.kind, "classes": self.classes()}

    def classes(self) -> list[dict[str, Any]]:
        """Return the classes that are offered."""
        return [
            {"id": each.id, "name": each.name, "hotkey": each.hotkey, "description": each.description}
            for each in self.store.classes()
            if not each.retired
        ]

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
        events = [self._with_prediction(person, each) for each in events]
        receipts: list[Receipt] = []
        if self._lockstep:
            receipts = self.store.append(person, events)
            if self.project.is_round_due(whole_batches=True):
                self._supervisor.request()
                return receipts, Served((), self.store.epoch(), finished=False)
            events = []
        stored, leases = self.store.append_and_claim(person, events, count, want_test=self.project.wants_test)
        if not self._lockstep:
            receipts = stored
            self._supervisor.notice()
        waiting = not leases and count > 0 and self.project.is_round_due(whole_batches=False)
        if waiting:
            self._supervisor.request()
        return receipts, self._served(leases, finished=count > 0 and not leases and not waiting)

    def reveal(self, person: str, item: int) -> dict[str, Any]:
        """Record that the person has seen the prediction of an item, then return it."""
        predicted = self.project.predicted(item)
        if predicted is None:
            return {"item": item, "class_id": None, "probability": None}
        class_id, probability, version = predicted
        event = ProjectEvent(
            uuid4().hex,
            "reveal",
            item=item,
            predicted=class_id,
            predicted_prob=probability,
            prediction_shown=True,
            model_version=version,
        )
        self.store.append(person, [event])
        return {"item": item, "class_id": class_id, "probability": probability}

    def history(self, person: str, text: str, limit: int) -> list[dict[str, Any]]:
        """Return what a person did last, newest first.

        Args:
            person: The name of the person.
            text: Part of the content, the place or the class that is searched for; "" is everything.
            limit: The largest number of lines.
        """
        names = {each.id: each.name for each in self.store.classes()}
        found: list[dict[str, Any]] = []
        for event in reversed([each for each in self.store.events() if each.person == person]):
            if event.item is None or event.kind not in ("label", "skip", "flag", "note"):
                continue
            line = {
                "uuid": event.uuid,
                "kind": event.kind,
                "item": event.item,
                "place": self.project.place(event.item),
                "content": self.store.content(event.item),
                "class": names.get(event.class_id) if event.class_id is not None else None,
                "time": event.server_time,
            }
            if text.casefold() in " ".join(str(line[name]) for name in ("place", "content", "class")).casefold():
                found.append(line)
            if len(found) == limit:
                break
        return found

    def status(self) -> dict[str, Any]:
        """Return how far the project is, as JSON values."""
        return {**project_status(self.project).to_json(), "trainer": self._supervisor.describe()}

    def request_round(self) -> None:
        """Have a model trained on what is there, also where no round is due."""
        self._supervisor.request()

    def close(self) -> None:
        """End the trainer, and close the project."""
        self._supervisor.close()
        self.project.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _with_prediction(self, person: str, event: ProjectEvent) -> ProjectEvent:
        """Return a label with what the model predicts of its item: whether it was shown is in the events."""
        if event.kind != "label" or event.item is None:
            return event
        predicted = self.project.predicted(event.item)
        if predicted is None:
            return event
        class_id, probability, version = predicted
        return replace(event, predicted=class_id, predicted_prob=probability, model_version=version)

    def _served(self, leases: Sequence[Lease], *, finished: bool) -> Served:
        items = {each.id: each for each in self.store.items([lease.item for lease in leases])}
        kind = self.project.settings.kind
        served = tuple(
            ServedItem(
                lease.item,
                lease.token,
                kind,
                "" if kind == "images" else items[lease.item].content,
                self.project.place(lease.item),
                f"/api/items/{lease.item}/content",
                lease.epoch,
            )
            for lease in leases
        )
        return Served(served, self.store.epoch(), finished)
