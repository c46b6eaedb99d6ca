"""The routes of the server: thin, over a desk that does the work.

This is the one module that imports FastAPI (extra `label`).
"""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse

from lindley.apps.web import bodies
from lindley.apps.web.dashboard import dashboard_routes
from lindley.apps.web.media import find_item, read_media
from lindley.apps.web.security import (
    Guard,
    LaunchLinks,
    PlainJSON,
    Visitor,
    hash_cookie,
    new_cookie,
    refusal,
    refusal_page,
)
from lindley.errors import DataError, InputError, JournalError, LindleyError
from lindley.labelling.desk import Desk, Served
from lindley.labelling.records import ProjectEvent
from lindley.labelling.store import ProjectStore
from lindley.session.event_store import Receipt, Refused

STATIC = {
    "app.js": "text/javascript",
    "style.css": "text/css",
    "dashboard.css": "text/css",
    "icon.svg": "image/svg+xml",
}


def build_app(desk: Desk, links: LaunchLinks, *, port: int) -> Guard:
    """Return the server's application.

    Args:
        desk: Hands out items and takes answers.
        links: Let people in.
        port: The port on which the server listens.
    """
    app = FastAPI(title="lindley", docs_url=None, redoc_url=None, openapi_url=None, default_response_class=PlainJSON)
    cookie_name = f"lindley-{port}"
    app.add_exception_handler(LindleyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.include_router(_page(desk.store, links, cookie_name))
    for routes in (_visits, _items, _classes, _project, dashboard_routes):
        app.include_router(routes(desk))
    return Guard(
        app,
        hosts=frozenset({f"127.0.0.1:{port}", f"localhost:{port}"}),
        cookie_name=cookie_name,
        find_person=desk.store.find_person,
    )


def _page(store: ProjectStore, links: LaunchLinks, cookie_name: str) -> APIRouter:
    """The page, and how a person comes to it."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "UP"}

    @router.get("/launch")
    def launch(request: Request, token: str = "") -> Response:
        person = links.redeem(token)
        if person is None:
            known = request.cookies.get(cookie_name, "")
            if known and store.find_person(hash_cookie(known)) is not None:  # the browser that the link let in
                return RedirectResponse("/", status_code=303)
            return refusal_page(
                403,
                "This link was used already, or is of an earlier start. Stop `lindley label` and start it again for a "
                "new link.",
            )
        cookie = new_cookie()
        store.add_person(person, hash_cookie(cookie))
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(cookie_name, cookie, httponly=True, samesite="strict", max_age=30 * 24 * 3600)
        return response

    @router.get("/")
    def page() -> Response:
        return HTMLResponse(_static("index.html"))

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            return refusal(404, "There is no such file.")
        return Response(_static(name), media_type=STATIC[name])

    return router


def _items(desk: Desk) -> APIRouter:
    """Items to label, and the answers."""
    router = APIRouter()

    @router.post("/api/next")
    def next_items(request: Request, body: bodies.NextBody) -> dict[str, Any]:
        return _list_served(desk.hand_out(_visitor(request).person, body.n))

    @router.post("/api/events")
    def events(request: Request, body: bodies.EventsBody) -> dict[str, Any]:
        given = [ProjectEvent(**each.model_dump(exclude={"lease"})) for each in body.events]
        receipts, served = desk.take(_visitor(request).person, given, body.next)
        results = [_result(each.uuid, receipt) for each, receipt in zip(given, receipts, strict=True)]
        return {"results": results, **_list_served(served)}

    @router.post("/api/reveal")
    def reveal(request: Request, body: bodies.ItemBody) -> dict[str, Any]:
        return desk.reveal(_visitor(request).person, body.item)

    @router.get("/api/items/{item}/content")
    def content(request: Request, item: int) -> Response:
        found = find_item(desk.project, item)
        if found is None:
            return refusal(404, f"There is no item {item}.")
        tag = f'"{found.hash}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}  # another project may come to this port
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        content, kind = read_media(desk.project, found)
        return Response(content, media_type=kind, headers=headers)

    return router


def _visits(desk: Desk) -> APIRouter:
    """Who the visitor is, what they did before, and what they give back."""
    router = APIRouter()

    @router.get("/api/me")
    def me(request: Request) -> dict[str, Any]:
        visitor = _visitor(request)
        num_labels = desk.count_labels(visitor.person)
        return {"person": visitor.person, "csrf": visitor.csrf, "num_labels": num_labels, **desk.describe()}

    @router.get("/api/history")
    def history(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> list[dict[str, Any]]:
        return desk.history(_visitor(request).person, q, limit)

    @router.post("/api/release")
    def release(request: Request, body: bodies.ReleaseBody) -> dict[str, int]:
        return {"released": desk.store.release(_visitor(request).person, body.leases)}

    return router


def _classes(desk: Desk) -> APIRouter:
    """The classes, and changes of them."""
    router = APIRouter()

    @router.get("/api/classes")
    def classes(q: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, Any]]:
        return [each for each in desk.classes() if q.casefold() in each["name"].casefold()]

    @router.post("/api/classes")
    def post_classes(request: Request, body: bodies.ClassBody) -> list[dict[str, Any]]:
        _change_classes(desk.store, body, _visitor(request).person)
        return desk.classes()

    return router


def _project(desk: Desk) -> APIRouter:
    """The routes of the project's status, and of a round on request."""
    router = APIRouter()

    @router.get("/api/status")
    def status() -> dict[str, Any]:
        return desk.status()

    @router.post("/api/train")
    def train() -> dict[str, Any]:
        desk.request_round()
        return {"epoch": desk.store.epoch()}

    return router


def _refuse(request: Request, error: Exception) -> Response:
    """Answer an error: 422 for the request's own, 404 for a file that cannot be read, 503 where the database cannot."""
    statuses = {InputError: 422, DataError: 404, JournalError: 503}
    status = next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)
    return refusal(status, str(error))


def _refuse_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(422, [{"where": list(each["loc"]), "fault": each["msg"]} for each in error.errors()])


def _change_classes(store: ProjectStore, body: bodies.ClassBody, person: str) -> None:
    if body.action == "add":
        if not isinstance(body.value, str):
            raise InputError(argument="value", expected="the name of the new class", got=body.value)
        store.add_class(body.value, hotkey=body.hotkey, description=body.description, by=person)
    elif body.class_id is None:
        raise InputError(argument="class_id", expected="the id of a class", got=None)
    else:
        store.change_class(body.class_id, body.action, body.value, by=person)


def _visitor(request: Request) -> Visitor:
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def _list_served(served: Served) -> dict[str, Any]:
    return {"items": [asdict(each) for each in served.items], "epoch": served.epoch, "finished": served.finished}


def _result(uuid: str, receipt: Receipt) -> dict[str, str]:
    if isinstance(receipt, Refused):
        return {"uuid": uuid, "outcome": "refused", "reason": receipt.reason}
    return {"uuid": uuid, "outcome": receipt}


def _static(name: str) -> str:
    return resources.files("lindley.apps.web").joinpath("static", name).read_text(encoding="utf-8")
