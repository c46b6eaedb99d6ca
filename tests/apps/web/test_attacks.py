"""Known attacks on pages of this kind, each against every route that it could reach."""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest
import requests
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

sys.path.insert(0, str(Path(__file__).parent))

from servers import Server

from lindley.apps.web.app import build_app
from lindley.apps.web.security import HEADERS, MAX_BODY, LaunchLinks, refusal_page
from lindley.apps.web.serving import listen
from lindley.labelling.desk import Desk
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

ORIGIN = "http://127.0.0.1:8123"
OPEN = {("GET", "/healthz"), ("GET", "/launch")}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def routes(stranger):
    """Each method and address of the application, also those that are added later."""
    found = [
        (method.upper(), re.sub(r"{.*?}", "0", path))
        for path, methods in stranger.app._app.openapi()["paths"].items()
        for method in methods
    ]
    assert {("GET", "/api/search"), ("GET", "/status"), ("POST", "/api/claim"), *OPEN} <= {*found}
    return found


@pytest.fixture
def harmless(routes):
    """The routes that start no training."""
    return [each for each in routes if each[1] != "/api/train"]


@pytest.fixture
def unchanged(project):
    """The test stores nothing."""
    before = [each.seq for each in project.store.events()], project.store.items_on_lease()
    yield
    assert ([each.seq for each in project.store.events()], project.store.items_on_lease()) == before


def assert_refused(answer, status):
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.usefixtures("unchanged")
def test_no_route_but_the_door_is_open(stranger, routes):
    for method, path in routes:
        answer = stranger.request(method, path)
        assert_refused(answer, answer.status_code if (method, path) in OPEN else 401)


@pytest.mark.usefixtures("unchanged")
def test_no_route_answers_to_a_name_that_an_attacker_bound_to_this_machine(ann, routes):
    for method, path in routes:
        assert_refused(ann.request(method, path, headers={"Host": "rebound.example:8123"}), 421)


@pytest.mark.usefixtures("unchanged")
def test_no_route_answers_to_another_page(ann, routes):
    for method, path in routes:
        for origin in ("http://localhost:8123.evil.com", "http://127.0.0.1:9999", "null"):
            assert_refused(ann.request(method, path, headers={"Origin": origin}), 403)


@pytest.mark.usefixtures("unchanged")
def test_no_route_changes_anything_without_the_pages_token(ann, routes):
    del ann.headers["X-CSRF-Token"]
    for method, path in routes:
        if method != "GET":
            assert_refused(ann.request(method, path, json={}), 403)


@pytest.mark.usefixtures("unchanged")
def test_no_address_that_is_read_changes_anything(ann, routes):
    """Such a request needs no token, and an image of another page can send it."""
    for method, path in routes:
        if method == "GET" and path != "/launch":
            assert ann.get(path).status_code in (200, 404, 422)


def test_every_answer_forbids_what_is_not_of_this_server(ann, harmless):
    for method, path in [*harmless, ("GET", "/nothing")]:
        answer = ann.request(method, path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'"} <= {*policy}
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_websocket_is_closed_before_it_opens(ann):
    for path in ("/", "/api/events"):
        with pytest.raises(WebSocketDisconnect) as closed, ann.websocket_connect(path):
            pass
        assert closed.value.code == 1008


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/plain"]
)
def test_a_body_without_an_end_is_refused(ann, harmless, kind):
    """The length is not told, and what comes is what a form with many parts would be."""
    headers = {"Host": "127.0.0.1:8123", "Content-Type": kind, "Cookie": f"lindley-8123={ann.cookies['lindley-8123']}"}
    headers["X-CSRF-Token"] = ann.headers["X-CSRF-Token"]
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 60_000 + b"\r\n"
    for path in (path for method, path in harmless if method == "POST"):
        status, taken = asyncio.run(send_without_end(ann.app, path, headers, part))
        assert 400 <= status < 500
        assert taken <= MAX_BODY + len(part)


async def send_without_end(app, path, headers, part):
    """Return the status of the answer to a body that never ends, and the bytes that were taken of it."""
    taken, statuses = 0, []

    async def receive():
        nonlocal taken
        assert taken < 4 * MAX_BODY, "it would read for ever"
        taken += len(part)
        return {"type": "http.request", "body": part, "more_body": True}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {}}
    scope |= {"headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8123)}
    await app(scope, receive, send)
    return statuses[0], taken


def test_a_huge_range_makes_no_huge_answer(ann, routes):
    ranges = {"Range": "bytes=" + ",".join("0-" for _ in range(5000))}
    for method, path in routes:
        if method == "GET" and path != "/launch":
            assert ann.get(path, headers=ranges).content == ann.get(path).content


def test_a_refusal_shows_markup_as_text():
    assert SCRIPT not in refusal_page(403, SCRIPT).body.decode()


def test_no_page_holds_the_script_of_a_text_a_class_or_a_file(ann, harmless):
    """Its class and its texts are scripts: they come in JSON and as plain text alone."""
    assert SCRIPT in ann.get("/api/items/0/content").text
    for method, path in harmless:
        answer = ann.request(method, path)
        if SCRIPT in answer.text:
            assert answer.headers["Content-Type"].partition(";")[0] in ("application/json", "text/plain")


def test_no_address_in_a_text_a_class_or_the_guideline_is_fetched(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as victim:
        address = f"http://127.0.0.1:{victim.getsockname()[1]}/secret"
        lines = [address, f'<img src="{address}">', f"![a]({address})", f"file://{tmp_path}/secret"]
        (tmp_path / "texts.csv").write_text("text\n" + "".join('"' + each.replace('"', '""') + '"\n' for each in lines))
        settings = ProjectSettings(kind="text", text="text", batch_size=1000)
        make_project(tmp_path / "project", open_source(tmp_path / "texts.csv", text="text"), [address, "b"], settings)
        (tmp_path / "secret").write_text("the secret")
        with Project.open(tmp_path / "project") as project, Desk(project, lockstep=True) as desk:
            links = LaunchLinks(["ann"], ORIGIN)
            client = TestClient(build_app(desk, links, port=8123), base_url=ORIGIN, follow_redirects=False)
            client.get(links.links()["ann"])
            client.headers["X-CSRF-Token"] = client.get("/api/me").json()["csrf"]
            client.post("/api/guideline", json={"text": address})
            client.post("/api/classes", json={"action": "describe", "class_id": 1, "value": address})
            seen = [client.get(f"/api/items/{item}/content").text for item in range(4)]
            seen += [client.get(each).text for each in ("/", "/status", "/api/me", f"/api/search?q={address}")]
            assert seen[:4] == lines
        assert "the secret" not in "".join(seen)
        victim.setblocking(False)
        with pytest.raises(BlockingIOError):
            victim.accept()


@pytest.fixture
def image(tmp_path):
    """A client of a project of one image, the address of its content, and its file."""
    np, pillow = pytest.importorskip("numpy"), pytest.importorskip("PIL.Image")
    folder = tmp_path / "data"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    for number, each in enumerate(noise):
        pillow.fromarray(each).save(folder / f"{number}.png")
    make_project(tmp_path / "project", open_source(folder), ["cat", "dog"], ProjectSettings(kind="images"))
    with Project.open(tmp_path / "project") as project, Desk(project, lockstep=True) as desk:
        links = LaunchLinks(["ann"], ORIGIN)
        client = TestClient(build_app(desk, links, port=8123), base_url=ORIGIN, raise_server_exceptions=False)
        client.get(links.links()["ann"])
        item = next(each for each in range(2) if project.place(each) == "0.png")
        yield client, f"/api/items/{item}/content", folder / "0.png"


@pytest.mark.skipif(os.name == "nt", reason="no links and pipes of this kind")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_takes_the_place_of_an_image_is_not_served_and_holds_nothing_up(image, tmp_path, kind):
    client, address, file = image
    assert client.get(address).status_code == 200
    file.unlink()
    (tmp_path / "data2").mkdir()
    shutil.copy(file.with_name("1.png"), tmp_path / "data2" / "secret.png")
    make = {
        "link": lambda: file.symlink_to(tmp_path / "data2" / "secret.png"),
        "pipe": lambda: os.mkfifo(file),
        "folder": file.mkdir,
    }
    make[kind]()
    answer = client.get(address)
    assert_refused(answer, 404)


def test_the_server_listens_on_this_machine_alone():
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_no_secret_is_written_anywhere(template, tmp_path):
    """Neither a link that was used, nor a cookie, nor the page's token, in what the server prints and keeps."""
    folder = shutil.copytree(template, tmp_path / "project")
    with Server(folder, ["ann"]) as server:
        (link,) = server.links.values()
        session = requests.Session()
        session.get(link, timeout=60)
        (cookie,) = session.cookies.values()
        origin = link.partition("/launch")[0]
        csrf = session.get(f"{origin}/api/me", timeout=60).json()["csrf"]
        for path in ("/api/next", "/api/nothing"):
            session.post(f"{origin}{path}", json={"n": 1}, headers={"X-CSRF-Token": csrf}, timeout=60)
            session.post(f"{origin}{path}", data="{", headers={"X-CSRF-Token": csrf}, timeout=60)
        session.get(link, timeout=60)
        printed = server.end(signal.SIGTERM)[1] + "".join(iter(server.lines.get_nowait, ""))
    kept = b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())
    for secret in (link.rpartition("=")[2], cookie, csrf):
        assert secret not in printed
        assert secret.encode() not in kept
