"""A project of a few hostile texts behind a server in this process, and a client that was let in."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from starlette.testclient import TestClient

from lindley.apps.web.app import build_app
from lindley.apps.web.security import LaunchLinks
from lindley.labelling.desk import Desk
from lindley.labelling.epochs import Epoch, write_epoch
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

PORT = 8123
ORIGIN = f"http://127.0.0.1:{PORT}"
SCRIPT = "<script>alert(1)</script>"
TEXTS = [f"{SCRIPT} number {'x' * row}" for row in range(40)]


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Forty texts, with a model that says the second class of all; no round is due for long."""
    folder = tmp_path_factory.mktemp("template")
    source = folder / "texts<b>.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in TEXTS)])
    settings = ProjectSettings(kind="text", text="text", batch_size=1000)
    make_project(folder / "project", open_source(source, text="text"), ["cat", f"<i>{SCRIPT}"], settings)
    with Project.open(folder / "project") as project:
        adopt_by_hand(project)
    return folder / "project"


@pytest.fixture
def project(template, tmp_path):
    shutil.copytree(template, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        yield project


def adopt_by_hand(project):
    """An epoch without a trainer: what it predicts is known, and its queue holds all training items."""
    items = project.num_items
    train = np.flatnonzero(project.store.streams() == "train").tolist()
    upto = max((each.seq for each in project.store.events()), default=0)
    number = project.store.epoch() + 1
    queue = tuple(QueueRow(item, "batchbald", score=0.5) for item in train)
    epoch = Epoch(number, upto, "batchbald", (0, 1), 0, queue, model_version=f"r{number}")
    write_epoch(project.folder, epoch, np.tile(np.float32([0.25, 0.75]), (items, 1)))
    project.adopt(number)


@pytest.fixture(name="adopt_by_hand")
def adopt_by_hand_fixture():
    return adopt_by_hand


@pytest.fixture
def desk(project):
    """In lockstep, so that no trainer is started before a round is due."""
    with Desk(project, lockstep=True) as desk:
        yield desk


@pytest.fixture
def links(desk):
    return LaunchLinks(["ann", "bob"], ORIGIN)


@pytest.fixture
def stranger(desk, links):
    """A client that was not let in."""
    app = build_app(desk, links, port=PORT)
    return TestClient(app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def ann(stranger, links):
    """A client with ann's cookie, which sends what the page sends."""
    return let_in(stranger, links, "ann")


def let_in(client, links, person):
    assert client.get(links.links()[person]).status_code == 303
    client.headers.update({"X-CSRF-Token": client.get("/api/me").json()["csrf"], "Origin": ORIGIN})
    return client
