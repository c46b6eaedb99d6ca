"""The routes of Label Studio's ML backend protocol, below a secret of their own: thin, over labelling.label_studio."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from lindley.apps.web.security import PlainJSON, refusal
from lindley.errors import InputError
from lindley.labelling.desk import Desk
from lindley.labelling.label_studio.annotations import AnnotationReader
from lindley.labelling.label_studio.connection import ConnectionFile
from lindley.labelling.label_studio.synchroniser import Synchroniser

PREFIX = "/label-studio/"
"""The beginning of the path; the secret follows."""
MAX_TASKS = 10_000
_log = logging.getLogger(__name__)
_Object = Annotated[dict[str, Any], Body()]


@dataclass(frozen=True)
class Backend:
    """A project as the backend of a Label Studio (a context manager)."""

    connection: ConnectionFile
    reader: AnnotationReader
    synchroniser: Synchroniser

    @classmethod
    def open(cls, desk: Desk, url: str) -> Backend:
        """Return the backend of a desk.

        Args:
            desk: The desk.
            url: The address of Label Studio.
        """
        connection = ConnectionFile(desk.project.folder)
        reader = AnnotationReader(desk.project, lambda item: synchroniser.ranking().find(item))
        synchroniser = Synchroniser(desk.project, connection, url, reader.find_item)
        return cls(connection, reader, synchroniser)

    @property
    def path(self) -> str:
        """The path of its routes, which ends in the secret."""
        return PREFIX + self.connection.value.secret

    def __enter__(self) -> Backend:
        self.synchroniser.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.synchroniser.close()


def backend_routes(desk: Desk, backend: Backend) -> APIRouter:
    """Return the routes of the protocol.

    Args:
        desk: Takes requests for a round.
        backend: The project as a backend.
    """
    router = APIRouter(prefix=backend.path)

    @router.get("/health")
    def health() -> dict[str, str]:
        return {"status": "UP", "model_class": "lindley"}

    @router.get("/versions")
    def versions() -> dict[str, list[str]]:
        return {"versions": [backend.synchroniser.ranking().version]}

    @router.post("/setup")
    def setup(body: _Object) -> dict[str, str]:
        backend.connection.connect(body.get("project"), body.get("access_token"))
        backend.synchroniser.wake()
        return {"model_version": backend.synchroniser.ranking().version}

    @router.post("/predict")
    def predict(body: _Object) -> dict[str, Any]:
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or len(tasks) > MAX_TASKS:
            raise InputError(argument="tasks", expected=f"a list of at most {MAX_TASKS:,} tasks")
        items = [backend.reader.find_item(task) for task in tasks]
        return {"results": [backend.synchroniser.predict(item) for item in items]}

    @router.post("/webhook")
    def webhook(body: _Object) -> Response:
        try:
            return PlainJSON({}, _take(desk, backend, body))
        except InputError as error:
            _log.warning("From Label Studio: %s", error)
            return refusal(422, str(error))

    return router


def _take(desk: Desk, backend: Backend, body: dict[str, Any]) -> int:
    """Do what a webhook says, and return the status of the answer; an action that is not ours is none of an error."""
    action, annotation = body.get("action"), body.get("annotation")
    if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        backend.reader.store(body.get("task"), annotation)
        return 201
    if action == "ANNOTATIONS_DELETED":
        backend.reader.delete(body.get("annotations"))
        return 201
    if action == "START_TRAINING":
        desk.request_round()
    if action == "TASKS_CREATED":
        backend.synchroniser.wake(again=True)
    return 200
