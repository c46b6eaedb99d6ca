"""Calls an application (ASGI) in this process, without a server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What an application answers."""

    status: int
    type: str
    body: bytes


def call_application(
    app: ASGIApp, path: str, *, method: str = "GET", body: str = "", state: Mapping[str, Any] | None = None
) -> Answer:
    """Return the answer to a request, also where the caller's thread runs an event loop, as that of a notebook does.

    Args:
        app: The application.
        path: The path, with its query.
        method: The method.
        body: The body, as JSON; "": none.
        state: The state of the request.
    """
    place, _, query = path.partition("?")
    content = body.encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(place),
        "query_string": query.encode(),
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))],
        "state": {**(state or {})},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(asyncio.run, run()).result()
        except Exception:
            if not sent:
                raise
            _log.exception("%s %s failed", method, place)  # the application has said so: status 500
    first, *parts = sent
    return Answer(
        first["status"],
        Headers(raw=first["headers"]).get("content-type", ""),
        b"".join(each.get("body", b"") for each in parts),
    )
