"""The widget without a browser: messages in, JSON out, and one trainer that ends with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import comm
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "labelling"))
sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

from servers import is_running
from vector_projects import CLASSES, make_vectors

from lindley.apps.notebook.widget import LabelWidget
from lindley.errors import HeldError, InputError
from lindley.labelling.desk import Desk
from lindley.labelling.project import Project


class Channel(comm.DummyComm):
    """A channel to no notebook: it keeps what is sent, and hands in what a page would send."""

    def __init__(self, **options):
        self.sent = []
        super().__init__(**options)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **more):
        self.sent.append((msg_type, data, buffers))

    def ask(self, path, body=None):
        """Return the status, the type and the text of the answer to a request."""
        asked = {"id": uuid4().hex, "path": path, "method": "GET" if body is None else "POST"}
        content = {**asked, "body": "" if body is None else json.dumps(body)}
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        _, data, (answer,) = self.sent[-1]
        assert data["content"]["id"] == asked["id"]
        return data["content"]["status"], data["content"]["type"], answer.decode()

    def ask_json(self, path, body=None):
        status, kind, text = self.ask(path, body)
        assert (status, kind) == (200, "application/json")
        return json.loads(text)


@pytest.fixture
def channel(monkeypatch):
    """Where a kernel would put its own channel."""
    monkeypatch.setattr(comm, "create_comm", lambda **options: Channel(**options))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Sixty vectors, with a model of four labels."""
    folder = make_vectors(tmp_path_factory.mktemp("template"), rows=60, batch_size=100)
    with Project.open(folder) as project:
        project.store.add_person("ann")
        project.tell({row: CLASSES[row % 2] for row in range(4)}, person="bob")
        project.train()
    return folder


@pytest.fixture
def project(template, tmp_path):
    shutil.copytree(template, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        yield project


@pytest.fixture
def page(channel, project):
    """The page's end of the channel of a widget, in lockstep, so that no trainer is started."""
    widget = LabelWidget(Desk(project, lockstep=True), "ann")
    yield widget.comm
    widget.close()


def label(item, **more):
    return {"uuid": uuid4().hex, "kind": "label", "item": item, "class_id": 0, **more}


def test_items_come_and_answers_are_stored_as_the_persons(page, project):
    assert page.ask_json("/api/me")["person"] == "ann"
    items = [each["item"] for each in page.ask_json("/api/next", {"n": 3})["items"]]
    sent = [label(item) for item in items]
    answer = page.ask_json("/api/events", {"events": sent, "next": 1})
    assert answer["results"] == [{"uuid": each["uuid"], "outcome": "stored"} for each in sent]
    assert answer["items"][0]["item"] not in items
    stored = [each for each in project.store.events() if each.person == "ann" and each.kind == "label"]
    assert [(each.item, each.uuid) for each in stored] == [(each["item"], each["uuid"]) for each in sent]


def test_a_query_is_read(page):
    assert [each["name"] for each in page.ask_json("/api/classes?q=LEF")] == ["left"]
    assert page.ask_json("/api/classes?q=%6cef")[0]["name"] == "left"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/events", {"events": [label(0, prediction=1)]}, 422),
        ("/api/events", {"events": [label(10**6)]}, 200),
        ("/api/next", {"n": "3"}, 422),
        ("/api/items/1000000/content", None, 404),
        ("/api/nothing", None, 404),
        ("/launch?token=a", None, 404),
    ],
)
def test_what_the_server_refuses_is_refused(page, project, path, body, status):
    before = len([*project.store.events()])
    found, _, text = page.ask(path, body)
    assert found == status
    assert status != 200 or json.loads(text)["results"][0]["outcome"] == "refused"
    assert len([*project.store.events()]) == before


def test_no_message_holds_a_prediction_until_it_is_asked_for(page, project):
    answers = [page.ask("/")[2], page.ask("/api/me")[2]]
    served = page.ask_json("/api/next", {"n": 10})["items"]
    for each in served:
        answers += [page.ask(each["url"])[2], page.ask("/api/events", {"events": [label(each["item"])], "next": 30})[2]]
    answers += [page.ask("/api/history")[2], page.ask("/api/search?q=a")[2]]
    answers = [text.casefold() for text in answers[1:]]
    assert not [word for text in answers for word in ("predicted", "probab", "score") if word in text]
    seen = page.ask_json("/api/reveal", {"item": served[0]["item"]})
    assert seen["class_id"] in (0, 1)
    assert 0.5 <= seen["probability"] <= 1
    labels = [each for each in project.store.events() if each.person == "ann"]
    assert [each.prediction_shown for each in labels] == [False] * 10 + [True]


def test_the_pages_come_as_whole_documents(page):
    for path in ("/", "/status"):
        status, kind, text = page.ask(path)
        assert (status, kind.split(";")[0]) == (200, "text/html")
        assert "/static/" not in text


def test_a_widget_takes_the_place_of_the_one_before(channel, project):
    first = project.widget(person="ann")
    second = project.widget(person="cleo")
    assert first.comm is None  # its page is taken away
    assert second.comm.ask_json("/api/me")["person"] == "cleo"
    second.close()
    second.close()
    project.hold().release()


def test_a_widget_beside_another_server_is_refused_by_its_name(channel, project):
    with Project.open(project.folder) as other, other.hold():
        with pytest.raises(HeldError) as error:
            project.widget()
        assert error.value.holder
    project.widget().close()


def test_a_person_without_a_name_is_refused(channel, project):
    with pytest.raises(InputError) as error:
        project.widget(person=" ")
    assert error.value.argument == "name"


@pytest.mark.parametrize("package", ["anywidget", "fastapi"])
def test_a_missing_package_is_named_with_the_extra(project, monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("lindley.apps.notebook", "lindley.apps.web"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as error:
        project.widget()
    assert error.value.argument == package
    assert "lindley[notebook]" in str(error.value)


def test_the_trainer_ends_with_the_process(project):
    script = f"""
from lindley import Project
from lindley.apps.notebook.widget import LabelWidget
from lindley.labelling.desk import Desk

desk = Desk(Project.open({str(project.folder)!r}))
widget = LabelWidget(desk, "ann")
desk.request_round()
while (pid := desk.describe_trainer()["pid"]) is None:
    pass
print(pid)
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not is_running(int(done.stdout))
    project.hold().release()


@pytest.mark.usefixtures("channel")
def test_closing_the_project_closes_its_widget(project):
    project.widget(person="ann")
    with pytest.raises(HeldError), Project.open(project.folder) as other:
        other.hold()
    project.close()
    with Project.open(project.folder) as other:
        other.hold().release()
