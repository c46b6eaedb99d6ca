"""The labelling page in a notebook: a real JupyterLab in a browser, with a trainer that works beside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import nbformat
import numpy as np
import pytest
from page_actions import events, wait_for_item, wait_until_stored
from PIL import Image

from lindley.labelling.project import Project

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("jupyterlab") is None, reason="JupyterLab is not installed"),
    pytest.mark.skipif(find_spec("ipykernel") is None, reason="ipykernel is not installed"),
]

CLASSES = ["cat", "dog"]
CELLS = [
    "from lindley import Project\n\nproject = Project.open('p')\nproject.widget(person='ann')",
    "Project.open('pictures').widget()",
]
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.port=0",
    "--IdentityProvider.token=secret",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of the notebook and of the projects."""
    root = tmp_path_factory.mktemp("notebooks")
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), root / "label.ipynb")
    return root


@pytest.fixture(scope="module")
def jupyterlab(root, tmp_path_factory):
    """A JupyterLab as a process, which starts while projects are made."""
    home = tmp_path_factory.mktemp("home")
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **folders, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    command = [sys.executable, "-P", "-m", "jupyterlab", *OPTIONS, f"--ServerApp.root_dir={root}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=root) as server:
        yield server
        server.terminate()
        server.stderr.read()


@pytest.fixture(scope="module")
def project(jupyterlab, root):
    texts = [f"{CLASSES[row % 2]} number{row}" for row in range(200)]
    (root / "texts.csv").write_text("text\n" + "\n".join(texts) + "\n", encoding="utf-8")
    with Project.create(root / "p", root / "texts.csv", text="text", classes=CLASSES) as project:
        yield project


@pytest.fixture(scope="module")
def pictures(jupyterlab, root):
    """A project of twelve images."""
    (root / "images").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (12, 8, 8, 3), dtype=np.uint8)):
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
    with Project.create(root / "pictures", root / "images", classes=CLASSES) as pictures:
        yield pictures


@pytest.fixture(scope="module")
def page(browser, jupyterlab, project, pictures):
    """JupyterLab with its first cell run; there is no randomUUID, as over plain HTTP."""
    lines = iter(jupyterlab.stderr.readline, "")
    address = next(found[0] for line in lines if (found := re.search(r"http://127.0.0.1:\d+", line)))
    context = browser.new_context(viewport={"width": 1280, "height": 960})
    context.add_init_script("delete Crypto.prototype.randomUUID")
    page, said = context.new_page(), []
    page.set_default_timeout(40_000)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/lab/tree/label.ipynb?token=secret")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    run_cell(page, 0)
    yield page
    context.close()
    assert said == []


def run_cell(page, number):
    """Run a cell, and leave the notebook in command mode, where single keys are shortcuts."""
    page.locator(".jp-Notebook .cm-content").nth(number).click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Escape")


@pytest.fixture(scope="module")
def frame(page):
    """The frame of the first widget, with an item on it."""
    return find_frame(page, 0)


def find_frame(page, number):
    frame = page.locator("iframe[title='Label items']").nth(number).element_handle().content_frame()
    wait_for_item(frame)
    return frame


def label_some(page, frame, count):
    """Label items by their digits, and return them."""
    items = []
    for row in range(count):
        items.append(wait_for_item(frame, items[-1] if items else ""))
        page.keyboard.press("12"[row % 2])
    wait_for_item(frame, items[-1])
    return items


def ask(frame, path):
    return frame.evaluate("(path) => frameElement.send(path).then((answer) => answer.json())", path)


def test_ten_digits_label_ten_items_and_a_model_is_trained_meanwhile(page, frame, project, tmp_path, record_property):
    frame.locator("#item").click()
    items = label_some(page, frame, 10)
    wait_until_stored(frame)
    stored = events(project, "label")
    assert [(each.item, each.class_id, each.person) for each in stored] == [
        (item, row % 2, "ann") for row, item in enumerate(items)
    ]
    assert not any(each.prediction_shown for each in stored)
    frame.locator("#model", has_text="model r").wait_for()
    trainer = ask(frame, "/api/status")["trainer"]
    record_property("trainer", f"process {trainer['pid']}, epoch {project.store.epoch()}")
    assert trainer["pid"] != os.getpid()
    assert project.store.rounds()[-1].status == "done"
    page.screenshot(path=tmp_path / "notebook.png")


def test_undo_opens_the_last_item_again(page, frame, project):
    (item,) = label_some(page, frame, 1)
    page.keyboard.press("u")
    frame.locator(f'#item[data-item="{item}"]').wait_for()
    wait_until_stored(frame)
    assert events(project, "undo")[-1].target_uuid == events(project, "label")[-1].uuid


def test_keys_of_the_widget_are_not_those_of_the_notebook(page, frame):
    before = page.locator(".jp-Notebook .jp-Cell").count()
    for key in "abxyddm":
        page.keyboard.press(key)
    label_some(page, frame, 1)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == before


def test_no_request_leaves_the_frame(frame):
    for address in ("/api/me", "https://example.org/"):
        assert frame.evaluate("(address) => fetch(address).then(() => 'sent', () => 'refused')", address) == "refused"
    assert frame.evaluate("() => frameElement.send('/api/me').then((answer) => answer.status)") == 200


def test_the_status_opens_in_the_widget_and_leads_back(page, frame):
    frame.locator("a", has_text="Status").first.click()
    frame.locator("h1", has_text="p").wait_for()
    frame.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert frame.locator("main").is_visible()
    frame.locator("nav a", has_text="Label items").click()
    wait_for_item(frame)


def test_images_come_over_the_channel(page, frame, pictures):
    run_cell(page, 1)
    second = find_frame(page, 1)
    image = second.locator("#item img")
    assert image.evaluate("(image) => [image.naturalWidth, image.src.slice(0, 5)]") == [8, "blob:"]
    second.locator("#item").click()
    items = label_some(page, second, 2)
    wait_until_stored(second)
    assert [(each.item, each.person) for each in events(pictures, "label")] == [(item, "me") for item in items]
