"""The server as a process: it listens on this machine only, prints a link for each person, and ends on a signal.

This is the one module that imports uvicorn (extra `label`).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn

from lindley.apps.web.app import build_app
from lindley.apps.web.security import LaunchLinks
from lindley.errors import InputError
from lindley.labelling.desk import Desk

HOST = "127.0.0.1"


def serve(
    desk: Desk,
    people: Sequence[str],
    *,
    port: int,
    on_ready: Callable[[dict[str, str], threading.Event], None] = lambda links, stop: None,
) -> None:
    """Serve a desk until a signal, or the event that `on_ready` gets, ends it.

    Args:
        desk: Hands out items and takes answers.
        people: The names of the people who may come in.
        port: The port; 0: a free one.
        on_ready: Called with the link of each person, and an event that ends the server, once it listens.

    Raises:
        InputError: If the port is taken.
    """
    listener = _listen(port)
    port = listener.getsockname()[1]
    links = LaunchLinks(people, f"http://{HOST}:{port}")
    config = uvicorn.Config(
        build_app(desk, links, port=port), log_level="warning", access_log=False, server_header=False, lifespan="off"
    )
    stop = threading.Event()
    server = _Server(config, lambda: on_ready(links.links(), stop))
    threading.Thread(target=server.end_on, args=(stop,), name="lindley-stop", daemon=True).start()
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def end_on(self, stop: threading.Event) -> None:
        """End the server once the event is set."""
        stop.wait()
        self.should_exit = True


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"Port {port} cannot be used: {error.strerror or error}. Name another one: --port 0 takes a free one.",
            argument="port",
            got=port,
        ) from None
    return listener
