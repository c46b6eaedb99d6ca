"""The routes of the classes, of the project's status, and of a round on request."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from lindley.apps.web import bodies
from lindley.apps.web.security import get_visitor
from lindley.errors import InputError
from lindley.labelling.desk import Desk
from lindley.labelling.store import ProjectStore


def class_routes(desk: Desk) -> APIRouter:
    """Return the routes of the classes, and of changes of them."""
    router = APIRouter()

    @router.get("/api/classes")
    def classes(q: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, Any]]:
        return [each for each in desk.classes() if q.casefold() in each["name"].casefold()]

    @router.post("/api/classes")
    def post_classes(request: Request, body: bodies.ClassBody) -> list[dict[str, Any]]:
        _change_classes(desk.store, body, get_visitor(request).person)
        return desk.classes()

    return router


def project_routes(desk: Desk) -> APIRouter:
    """Return the routes of the project's status, and of a round on request."""
    router = APIRouter()

    @router.get("/api/status")
    def status() -> dict[str, Any]:
        return desk.status()

    @router.post("/api/guideline")
    def set_guideline(request: Request, body: bodies.GuidelineBody) -> dict[str, Any]:
        return desk.set_guideline(get_visitor(request).person, body.text)

    @router.post("/api/train")
    def train() -> dict[str, Any]:
        desk.request_round()
        return {"epoch": desk.store.epoch()}

    return router


def _change_classes(store: ProjectStore, body: bodies.ClassBody, person: str) -> None:
    if body.action == "add":
        if not isinstance(body.value, str):
            raise InputError(argument="value", expected="the name of the new class", got=body.value)
        store.add_class(body.value, hotkey=body.hotkey, description=body.description, by=person)
    elif body.class_id is None:
        raise InputError(argument="class_id", expected="the id of a class", got=None)
    else:
        store.change_class(body.class_id, body.action, body.value, by=person)
