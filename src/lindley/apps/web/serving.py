"""The server as a process: it listens on this machine only, prints a link for each person, and ends on a signal.

This is the one module that imports uvicorn (extra `label`).
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from lindley.apps.web.app import build_app
from lindley.apps.web.label_studio import Backend
from lindley.apps.web.security import LaunchLinks
from lindley.errors import InputError
from lindley.labelling.desk import Desk

HOST = "127.0.0.1"
_IDLE_SECONDS = 60  # that a connection stays open for the next answer of a person
_FIRST_PORT, _NUM_PORTS = 20_000, 10_000  # few programs have these, and no system gives them to whoever asks for any
_SHUTDOWN_SECONDS = 5  # that a request which is under way may still take


def serve(
    desk: Desk,
    people: Sequence[str],
    listener: socket.socket,
    *,
    on_ready: Callable[[dict[str, str], threading.Event], None] = lambda links, stop: None,
    backend: Backend | None = None,
) -> None:
    """Serve a desk until a signal, or the event that `on_ready` gets, ends it.

    Args:
        desk: Hands out items and takes answers.
        people: The names of the people who may come in.
        listener: The socket, as `listen` opens it.
        on_ready: Called with the link of each person, and an event that ends the server, once it answers.
        backend: The project as the backend of a Label Studio; None: it is none.

    Raises:
        KeyboardInterrupt: If a signal ended it, and all that was under way has ended.
    """
    port = listener.getsockname()[1]
    links = LaunchLinks(people, f"http://{HOST}:{port}")
    config = uvicorn.Config(
        build_app(desk, links, port=port, backend=backend),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    stop = threading.Event()
    server = _Server(config, lambda: on_ready(links.links(), stop))
    threading.Thread(target=server.end_on, args=(stop,), name="lindley-stop", daemon=True).start()
    server.run(sockets=[listener])


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine only.

    Args:
        port: The port; 0: a free one.

    Raises:
        InputError: If the port is taken.
    """
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named: without it every answer to a request that
    # follows at once waits 40 ms for the client's delayed ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would share a port that is taken
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(
            f"Port {port} cannot be used: {error.strerror or error}. Name another one: --port 0 takes a free one.",
            argument="port",
            got=port,
        ) from None
    return listener


def listen_again(folder: Path) -> socket.socket:
    """Return a socket on the port that a project has each time, or on a free one where that is taken.

    A page that is open keeps answers which it could not send; it finds the server again at the same address only.

    Args:
        folder: The folder of the project.
    """
    number = int.from_bytes(hashlib.sha256(os.fsencode(folder.resolve())).digest()[:4], "big")
    with suppress(InputError):
        return listen(_FIRST_PORT + number % _NUM_PORTS)
    return listen(0)


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
