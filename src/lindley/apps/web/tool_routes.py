"""The routes of the tools beside the queue: thin, over a finder that does the work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from lindley.apps.web import bodies
from lindley.apps.web.security import get_visitor
from lindley.labelling.desk import Desk
from lindley.labelling.finder import Finder

_Limit = Annotated[int, Query(ge=1, le=200)]


def tool_routes(desk: Desk) -> APIRouter:
    """Return the routes of the grid, of search, of similar items, of picked ones and of disputes."""
    router, finder = APIRouter(), Finder(desk.project)

    @router.post("/api/grid")
    def grid(request: Request, body: bodies.GridBody) -> dict[str, Any]:
        found = finder.open_grid(get_visitor(request).person, body.class_id, body.n)
        items = [{**asdict(each), "probability": probability} for each, probability in found]
        return {"class_id": body.class_id, "items": items, "epoch": desk.store.epoch()}

    @router.get("/api/search")
    def search(
        request: Request, q: Annotated[str, Query(max_length=200)] = "", limit: _Limit = 50
    ) -> list[dict[str, Any]]:
        return finder.search(get_visitor(request).person, q, limit)

    @router.get("/api/items/{item:int}/similar")
    def similar(
        request: Request, item: Annotated[int, Path(ge=0, lt=2**53)], limit: _Limit = 24
    ) -> list[dict[str, Any]]:
        return finder.find_similar(get_visitor(request).person, item, limit)

    @router.get("/api/disputes")
    def disputes(request: Request, limit: _Limit = 50) -> list[dict[str, Any]]:
        return finder.disputes(get_visitor(request).person, limit)

    @router.post("/api/claim")
    def claim(request: Request, body: bodies.ClaimBody) -> dict[str, Any]:
        served = finder.claim(get_visitor(request).person, body.items, body.how)
        return {"items": [asdict(each) for each in served]}

    return router
