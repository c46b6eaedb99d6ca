"""The routes of the page, and how a person comes to it."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePath

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from lindley.apps.web.security import Cookies, LaunchLinks, refusal, refusal_page

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOLDER = resources.files("lindley.apps.web").joinpath("static")
STATIC = {file.name: _TYPES[end] for file in _FOLDER.iterdir() if (end := PurePath(file.name).suffix) in _TYPES}
"""The files that the page may ask for, by name, and their types."""


def page_routes() -> APIRouter:
    """Return the routes of the page and of its files."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "UP"}

    @router.head("/", include_in_schema=False)
    @router.get("/")
    def page() -> Response:
        return HTMLResponse(read_static("index.html"))

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            return refusal(404, "There is no such file.")
        return Response(read_static(name), media_type=STATIC[name])

    return router


def launch_routes(cookies: Cookies, links: LaunchLinks, cookie_name: str) -> APIRouter:
    """Return the route by which people come in.

    Args:
        cookies: Those of the people who came in.
        links: Let people in.
        cookie_name: The name of the cookie.
    """
    router = APIRouter()

    @router.get("/launch")
    def launch(request: Request, token: str = "") -> Response:
        person = links.redeem(token)
        if person is None:
            known = request.cookies.get(cookie_name, "")
            if known and cookies.find_person(known) is not None:  # the browser that the link let in
                return RedirectResponse("/", status_code=303)
            return refusal_page(
                403,
                "This link was used already, or is of an earlier start. Stop `lindley label` and start it again for a "
                "new link.",
            )
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(cookie_name, cookies.give(person), httponly=True, samesite="strict", max_age=30 * 24 * 3600)
        return response

    return router


def read_static(name: str) -> str:
    """Return a file of the page."""
    return _FOLDER.joinpath(name).read_text(encoding="utf-8")
