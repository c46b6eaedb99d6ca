"""Chromium, and a server of a project in this process."""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager

import pytest

from lindley.apps.web.serving import listen, serve

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
def serve_desk():
    """Serve a desk while a block runs: `with serve_desk(desk) as link`, the link of a person named ann."""

    @contextmanager
    def serve_desk(desk):
        found, ready = [], threading.Event()

        def on_ready(links, stop):
            found.extend([links["ann"], stop])
            ready.set()

        serving = threading.Thread(target=serve, args=(desk, ["ann"], listen(0)), kwargs={"on_ready": on_ready})
        serving.start()
        assert ready.wait(60)
        yield found[0]
        found[1].set()
        serving.join()

    return serve_desk
