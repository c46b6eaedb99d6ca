"""The labelling page in a notebook: a real JupyterLab in a browser, with a trainer that works beside it."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

import nbformat
import pytest

from lindley.labelling.project import Project

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytest.importorskip("anywidget", reason="anywidget is not installed")
pytestmark = pytest.mark.browser

CLASSES = ["cat", "dog"]
CELL = "from lindley import Project\n\nProject.open('p').widget(person='ann')"
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.port=0",
    "--IdentityProvider.token=secret",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
]
_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("notebooks")
    texts = [f"{CLASSES[row % 2]} number{row}" for row in range(200)]
    (home / "texts.csv").write_text("text\n" + "\n".join(texts) + "\n", encoding="utf-8")
    with Project.create(home / "p", home / "texts.csv", text="text", classes=CLASSES) as project:
        yield project


@contextmanager
def jupyterlab(root, home):
    """A JupyterLab as a process; yields its address."""
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **folders, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    command = [sys.executable, "-P", "-m", "jupyterlab", *OPTIONS, f"--ServerApp.root_dir={root}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=root) as server:
        try:
            yield next(found[0] for line in server.stderr if (found := re.search(r"http://127.0.0.1:\d+", line)))
        finally:
            server.terminate()
            server.stderr.read()


@pytest.fixture(scope="module")
def page(browser, project, tmp_path_factory):
    """JupyterLab with a notebook whose one cell shows the widget, as over plain HTTP: there is no randomUUID."""
    root = project.folder.parent
    cells = [nbformat.v4.new_code_cell(CELL)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), root / "label.ipynb")
    with jupyterlab(root, tmp_path_factory.mktemp("home")) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 960})
        context.add_init_script("delete Crypto.prototype.randomUUID")
        page = context.new_page()
        page.set_default_timeout(40_000)
        page.goto(f"{address}/lab/tree/label.ipynb?token=secret")
        page.locator(".jp-Notebook .cm-content").click()
        page.keyboard.press("Shift+Enter")
        yield page
        context.close()


@pytest.fixture(scope="module")
def frame(page):
    """The widget with an item on it."""
    frame = page.frame_locator("iframe[title='Label items']")
    shown(frame)
    return frame


def shown(frame, other_than=""):
    """Wait for an item, and return it."""
    item = frame.locator(f'#item[data-item]:not([data-item="{other_than}"]):not([data-item=""])')
    return int(item.get_attribute("data-item"))


def test_ten_digits_label_ten_items(frame, page, project):
    frame.locator("#item").click()
    items = []
    for _ in range(10):
        items.append(shown(frame, items[-1] if items else ""))
        page.keyboard.press("1")
    shown(frame, items[-1])
    page.screenshot(path="/tmp/nb3-a.png")
