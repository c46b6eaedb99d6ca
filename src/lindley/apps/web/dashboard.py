"""The route of the dashboard: the status of the project as a page."""

from __future__ import annotations

import threading
from importlib import import_module

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from lindley.apps.web.status_page import render_status
from lindley.labelling.desk import Desk


def dashboard_routes(desk: Desk) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter()
    # The intervals need scipy.stats, whose import takes a second: the first visitor shall not wait for it.
    threading.Thread(target=import_module, args=("scipy.stats",), name="lindley-imports", daemon=True).start()

    @router.get("/status")
    def status() -> HTMLResponse:
        return HTMLResponse(render_status(desk.read_status(), desk.project.folder, desk.describe_trainer()))

    return router
