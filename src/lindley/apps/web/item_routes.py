"""The routes of items and answers: thin, over a desk that does the work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lindley.apps.web import bodies
from lindley.apps.web.media import find_item, read_media
from lindley.apps.web.security import PlainJSON, get_visitor, refusal
from lindley.labelling.desk import Desk
from lindley.session.event_store import Receipt, Refused


def item_routes(desk: Desk) -> APIRouter:
    """Return the routes of items to label, and of the answers."""
    router = APIRouter()

    @router.post("/api/next")
    def next_items(request: Request, body: bodies.NextBody) -> Response:
        return PlainJSON(asdict(desk.hand_out(get_visitor(request).person, body.n)))

    @router.post("/api/events")
    def events(request: Request, body: bodies.EventsBody) -> Response:
        given = [each.to_event() for each in body.events]
        receipts, served = desk.take(get_visitor(request).person, given, body.next)
        results = [_result(each.uuid, receipt) for each, receipt in zip(given, receipts, strict=True)]
        return PlainJSON({"results": results, **asdict(served)})

    @router.post("/api/reveal")
    def reveal(request: Request, body: bodies.ItemBody) -> dict[str, Any]:
        return desk.reveal(get_visitor(request).person, body.item)

    @router.get("/api/items/{item:int}/content")
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


def visit_routes(desk: Desk) -> APIRouter:
    """Return the routes of who the visitor is, what they did before, and what they give back."""
    router = APIRouter()

    @router.get("/api/me")
    def me(request: Request) -> dict[str, Any]:
        visitor = get_visitor(request)
        num_labels = desk.count_labels(visitor.person)
        return {"person": visitor.person, "csrf": visitor.csrf, "num_labels": num_labels, **desk.describe()}

    @router.get("/api/history")
    def history(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    ) -> list[dict[str, Any]]:
        return desk.history(get_visitor(request).person, q, limit, before)

    @router.post("/api/release")
    def release(request: Request, body: bodies.ReleaseBody) -> dict[str, int]:
        return {"released": desk.store.release(get_visitor(request).person, body.leases)}

    return router


def _result(uuid: str, receipt: Receipt) -> dict[str, str]:
    if isinstance(receipt, Refused):
        return {"uuid": uuid, "outcome": "refused", "reason": receipt.reason}
    return {"uuid": uuid, "outcome": receipt}
