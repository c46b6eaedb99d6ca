"""Who may come in, and what every answer carries.

The server listens on this machine only, but every page that a browser on it shows may send requests. So each request is
checked: its Host and Origin are this server's, its cookie is a person's, and a request that changes something carries a
token that only our own page knows.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lindley.errors import LindleyError
from lindley.labelling.store import ProjectStore

MAX_BODY = 1 << 20
"""The largest body of a request, in bytes."""
MAX_BACKEND_BODY = 32 << 20
"""The largest body of a request of Label Studio, which sends whole tasks."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of every response, unless a route sets others."""
_SAFE = {"GET", "HEAD"}
_OPEN = {"/healthz", "/launch"}


@dataclass(frozen=True)
class Visitor:
    """A person who has come in, and the token that their page sends."""

    person: str
    csrf: str


def get_visitor(request: Request) -> Visitor:
    """Return who sends a request that the guard let through."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


class LaunchLinks:
    """Links that let a person in once, for threads; a new server makes new ones.

    Args:
        people: The names of the people.
        origin: The server's, such as "http://127.0.0.1:8000".
    """

    def __init__(self, people: Iterable[str], origin: str) -> None:
        self._origin = origin
        self._people = {secrets.token_urlsafe(32): person for person in people}
        self._mutex = threading.Lock()

    def links(self) -> dict[str, str]:
        """Return by person the link that was not used yet."""
        with self._mutex:
            return {person: f"{self._origin}/launch?token={token}" for token, person in self._people.items()}

    def redeem(self, token: str) -> str | None:
        """Return the person of a token, which is used up by it; None where there is none."""
        with self._mutex:
            return self._people.pop(token, None)


class Cookies:
    """The cookies of people, of which the database keeps hashes; it is asked once for each (safe for threads).

    A project has one server at a time, so nobody else replaces a cookie meanwhile.

    Args:
        store: The project's database.
    """

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._found: dict[str, str] = {}

    def recall(self, cookie: str) -> str | None:
        """Return whose cookie it is, where that was found before; the database is not asked."""
        return self._found.get(hash_cookie(cookie))

    def find_person(self, cookie: str) -> str | None:
        """Return whose cookie it is; None where it is nobody's."""
        found = self._found  # a cookie that is given meanwhile leaves this dict to us alone
        person = self._store.find_person(hash_cookie(cookie))
        if person is not None:
            found[hash_cookie(cookie)] = person
        return person

    def give(self, person: str) -> str:
        """Give a person a new cookie in the place of the one before, and return it."""
        cookie = secrets.token_urlsafe(32)
        self._store.add_person(person, hash_cookie(cookie))
        self._found = {}
        return cookie


def hash_cookie(cookie: str) -> str:
    """Return what is stored of a cookie, from which it cannot be made."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def csrf_token(cookie: str) -> str:
    """Return the token that the page of this cookie sends along with what it changes."""
    return hmac.new(cookie.encode(), b"csrf", "sha256").hexdigest()


class Guard:
    """The check before every route, and the headers after it (ASGI).

    Args:
        app: The routes.
        hosts: The values of Host that are this server's, such as "127.0.0.1:8000".
        cookie_name: The name of the cookie; ports of one machine share cookies, so it holds the port.
        cookies: Whose cookie it is.
        backend_path: The path below which Label Studio may come in, since it ends in a secret; "": nowhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        cookie_name: str,
        cookies: Cookies,
        backend_path: str = "",
    ) -> None:
        self._app, self._hosts, self._cookie_name, self._cookies = app, hosts, cookie_name, cookies
        self._backend_path = backend_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _add_headers(send)
        refusal = self._refuse_address(scope) or await self._refuse_visitor(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _limit_body(receive, self._max_body(scope)), send)

    def _refuse_address(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not meant for this server, comes from another page, or is too long."""
        headers, refuse = Headers(scope=scope), _refuser(scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return refuse(421, "This server answers to its own address only.")
        if len(origins) > 1 or not {*origins} <= {f"http://{host}" for host in self._hosts}:
            return refuse(403, "The request comes from another page.")
        if _changes(scope) and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return refuse(403, "The request comes from another page.")
        if _length(headers) > (most := self._max_body(scope)):
            return refuse(413, f"A request has at most {most} bytes.")
        return None

    def _is_backend(self, scope: Scope) -> bool:
        """Return whether the path of a request holds the secret of Label Studio."""
        wanted = f"{self._backend_path}/".encode()
        found = scope["path"].encode("utf-8", "surrogateescape")[: len(wanted)]
        return self._backend_path != "" and hmac.compare_digest(found, wanted)

    def _max_body(self, scope: Scope) -> int:
        return MAX_BACKEND_BODY if self._is_backend(scope) else MAX_BODY

    async def _refuse_visitor(self, scope: Scope) -> Response | None:
        """Return the answer to a request of nobody, or without the page's token; else its state gets the visitor."""
        if (scope["path"] in _OPEN and not _changes(scope)) or self._is_backend(scope):
            return None
        headers, refuse = Headers(scope=scope), _refuser(scope)
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie_name, "")
        try:
            person = self._cookies.recall(cookie)
            if person is None and cookie:
                person = await run_in_threadpool(self._cookies.find_person, cookie)
        except LindleyError as error:
            return refuse(503, str(error))
        if person is None:
            return refuse(401, "Open the link that `lindley label` printed: it lets you in once.")
        visitor = Visitor(person, csrf_token(cookie))
        token = headers.get("x-csrf-token", "")
        if _changes(scope) and not hmac.compare_digest(token.encode(), visitor.csrf.encode()):
            return refuse(403, "The request lacks the page's token: reload the page.")
        scope.setdefault("state", {})["visitor"] = visitor
        return None


class PlainJSON(JSONResponse):
    """JSON in ASCII, so that it also holds what no encoding does, as half of a character that a request named."""

    def render(self, content: object) -> bytes:
        """Return the bytes of a value."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def refusal(status: int, reason: object) -> PlainJSON:
    """Return an answer that says why a request is refused, as JSON values."""
    return PlainJSON({"detail": reason}, status)


def refusal_page(status: int, reason: str) -> HTMLResponse:
    """Return a page that says why a request is refused, for people."""
    text = html.escape(reason)
    return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>lindley</title><p>{text}</p>", status)


def _refuser(scope: Scope) -> Callable[[int, str], Response]:
    """Return what answers a refused request: a program gets JSON, a person a page."""
    return refusal if scope["path"].startswith("/api/") else refusal_page


def _changes(scope: Scope) -> bool:
    return scope["method"] not in _SAFE


def _length(headers: Headers) -> int:
    """Return the length that a request names; one that is no number is too long."""
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 20 else MAX_BACKEND_BODY + 1


def _limit_body(receive: Receive, most: int) -> Receive:
    """Return a receiver that ends a body which grows beyond what it may have, as one without a length can."""
    total = 0

    async def receive_part() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            raise HTTPException(413, f"A request has at most {most} bytes.")
        return message

    return receive_part


def _add_headers(send: Send) -> Send:
    async def send_part(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_part
