"""The route of the dashboard: the status of the project as a page."""

from __future__ import annotations

import threading
from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from lindley.apps.web.status_page import render_status
from lindley.errors import LindleyError
from lindley.labelling.desk import Desk


def dashboard_routes(desk: Desk) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter()
    # All items' streams are read, and modules imported, for the first status: its visitor shall not wait for that.
    threading.Thread(target=_read_ahead, args=(desk,), name="lindley-status", daemon=True).start()

    @router.get("/status")
    def status() -> HTMLResponse:
        return HTMLResponse(render_status(desk.read_status(), desk.project.folder, desk.describe_trainer()))

    return router


def _read_ahead(desk: Desk) -> None:
    """Read the status once; it is computed again where anything has happened, from what is new alone."""
    with suppress(LindleyError):  # the visitor is told
        desk.read_status()
