"""Chromium, and a server of a project in this process."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from lindley.apps.web.serving import listen, serve

sys.path.insert(0, str(Path(__file__).parent))

from page_actions import wait_for_item

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """Chromium; what needs it is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no program chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def serve_people():
    """Serve a desk while a block runs: `with serve_people(desk, ["ann", "bob"]) as links`, the link of each person."""

    @contextmanager
    def serve_people(desk, people):
        found, ready = [], threading.Event()

        def on_ready(links, stop):
            found.extend([links, stop])
            ready.set()

        serving = threading.Thread(target=serve, args=(desk, people, listen(0)), kwargs={"on_ready": on_ready})
        serving.start()
        assert ready.wait(60)
        try:
            yield found[0]
        finally:
            found[1].set()
            serving.join()

    return serve_people


@pytest.fixture(scope="module")
def serve_desk(serve_people):
    """Serve a desk while a block runs: `with serve_desk(desk) as link`, the link of a person named ann."""

    @contextmanager
    def serve_desk(desk):
        with serve_people(desk, ["ann"]) as links:
            yield links["ann"]

    return serve_desk


@pytest.fixture
def enter(browser):
    """Come in with a link, in a browser of one's own, and return the page with an item on it; no error may come up."""
    contexts, said = [], []

    def enter(link, size=(1280, 800), **options):
        viewport = dict(zip(("width", "height"), size, strict=True))
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(link)
        wait_for_item(page)
        return page

    yield enter
    for context in contexts:
        context.close()
    assert said == []
