"""The server's application: the routes of each group, behind the guard."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from lindley.apps.web.dashboard import dashboard_routes
from lindley.apps.web.item_routes import item_routes, visit_routes
from lindley.apps.web.label_studio import Backend, backend_routes
from lindley.apps.web.pages import launch_routes, page_routes
from lindley.apps.web.project_routes import class_routes, project_routes
from lindley.apps.web.security import Cookies, Guard, LaunchLinks, PlainJSON, refusal
from lindley.apps.web.tool_routes import tool_routes
from lindley.errors import DataError, InputError, JournalError, LindleyError
from lindley.labelling.desk import Desk


def build_app(desk: Desk, links: LaunchLinks, *, port: int, backend: Backend | None = None) -> Guard:
    """Return the server's application.

    Args:
        desk: Hands out items and takes answers.
        links: Let people in.
        port: The port on which the server listens.
        backend: The project as the backend of a Label Studio; None: it is none.
    """
    app, cookies, cookie_name = build_routes(desk), Cookies(desk.store), f"lindley-{port}"
    app.include_router(launch_routes(cookies, links, cookie_name))
    if backend is not None:
        app.include_router(backend_routes(desk, backend))
    return Guard(
        app,
        hosts=frozenset({f"127.0.0.1:{port}", f"localhost:{port}"}),
        cookie_name=cookie_name,
        cookies=cookies,
        backend_path="" if backend is None else backend.path,
    )


def build_routes(desk: Desk) -> FastAPI:
    """Return the routes of a desk, for whoever lets people in: each request's state has its visitor."""
    app = FastAPI(title="lindley", docs_url=None, redoc_url=None, openapi_url=None, default_response_class=PlainJSON)
    app.add_exception_handler(LindleyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.include_router(page_routes())
    for routes in (visit_routes, item_routes, tool_routes, class_routes, project_routes, dashboard_routes):
        app.include_router(routes(desk))
    return app


def _refuse(request: Request, error: Exception) -> Response:
    """Answer an error: 422 for the request's own, 404 for a file that cannot be read, 503 where the database cannot."""
    statuses = {InputError: 422, DataError: 404, JournalError: 503}
    status = next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)
    return refusal(status, str(error))


def _refuse_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(422, [{"where": list(each["loc"]), "fault": each["msg"]} for each in error.errors()])
