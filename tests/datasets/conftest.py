"""A small made-up IDX file, a loopback server of bad and good mirrors, and a cache folder of the test's own."""

import contextlib
import gzip
import hashlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pooch
import pytest

from lindley.datasets import catalogue
from lindley.datasets.data_file import DataFile

IMAGES = bytes(range(3 * 4 * 5))
CONTENT = struct.pack(">4B3I", 0, 0, 8, 3, 3, 4, 5) + IMAGES
GOOD = gzip.compress(CONTENT, mtime=0)
ALTERED = gzip.compress(CONTENT[:-1] + b"\xff", mtime=0)
WAIT_SECONDS = 5.0
BAD_LENGTHS = {"long": "1000000", "short": "3", "no-number": "a lot"}


@dataclass
class Mirrors:
    """The server: what it does depends on the first folder of the address asked for."""

    port: int
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def folder(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.port}/{behaviour}/"


def drip(handler: BaseHTTPRequestHandler, mirrors: Mirrors, behaviour: str) -> None:
    """A byte every 20 ms, faster than any silence that is given up, for two seconds; then the connection ends."""
    handler.send_response(200)
    if behaviour == "dripping":
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
    else:
        handler.flush_headers()
    with contextlib.suppress(OSError):
        for _ in range(100):
            if mirrors.released.wait(0.02):
                return
            handler.wfile.write(b"x")


def answer(handler: BaseHTTPRequestHandler, mirrors: Mirrors) -> None:
    behaviour = handler.path.split("/")[1]
    mirrors.asked.append(behaviour)
    bodies = {"good": GOOD, "recompressed": gzip.compress(CONTENT, 1, mtime=7), "altered": ALTERED}
    bodies |= {"truncated": GOOD[:-9], "page": b"<html>Sign in to this network</html>", "broken-off": GOOD[:-9]}
    bodies |= {"large": bytes(1 << 20), "bomb": gzip.compress(CONTENT + bytes(1 << 20)), "empty": b"", "silent": b""}
    bodies |= {"chunked": GOOD}
    if behaviour == "loop":
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.end_headers()
        return
    if behaviour in ("dripping-headers", "dripping"):
        drip(handler, mirrors, behaviour)
        return
    if behaviour in BAD_LENGTHS:
        handler.send_response(200)
        handler.send_header("Content-Length", BAD_LENGTHS[behaviour])
        handler.end_headers()
        handler.wfile.write(GOOD)
        return
    if behaviour not in bodies:
        handler.send_error(404)
        return
    body = bodies[behaviour]
    handler.send_response(200)
    if behaviour == "chunked":
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for byte in body:
            handler.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")
        return
    # a mirror that breaks off has announced the whole file, one that truncates has not
    handler.send_header("Content-Length", str(len(GOOD) if behaviour in ("broken-off", "silent") else len(body)))
    handler.end_headers()
    if behaviour == "silent":
        mirrors.released.wait(WAIT_SECONDS)
    handler.wfile.write(body)


@pytest.fixture
def no_proxy(monkeypatch):
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")


@pytest.fixture
def no_server(no_proxy):
    """The address of a folder at a port where nobody listens: it is held, so that nobody can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


@pytest.fixture
def mirrors(no_proxy):

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):  # the name that http.server calls
            self.close_connection = True
            answer(self, served)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Mirrors(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            served.released.set()
            server.shutdown()
            thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, empty, and no $LINDLEY_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda project: folder)
    monkeypatch.delenv("LINDLEY_DATA", raising=False)
    return folder


@pytest.fixture
def small_file():
    """The made-up file, to be fetched from the mirrors given."""

    def build(*folders: str) -> DataFile:
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        return DataFile("small/images-idx3-ubyte.gz", sha256=sha256, num_bytes=len(CONTENT), mirrors=folders)

    return build


@pytest.fixture
def content():
    return CONTENT


@pytest.fixture
def good():
    return GOOD


@pytest.fixture
def altered():
    return ALTERED


@pytest.fixture
def as_idx():
    """Packs an array of bytes as an uncompressed IDX file."""
    return lambda array: struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(scope="session")
def load_real():
    """Loads a data set of the catalogue from this machine; skips the test where its files are not here."""

    def load_or_skip(name, **arguments):
        missing = {each.name: each.missing for each in catalogue.status()}[name]
        if missing:
            pytest.skip(f"{name} needs {missing[0]} in $LINDLEY_DATA or in the cache folder")
        return catalogue.load(name, download=False, **arguments)

    return load_or_skip
