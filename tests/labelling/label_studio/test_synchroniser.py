"""What is pushed to a Label Studio, and in which order; the real one is tried by test_real_server.py."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.labelling.epochs import Epoch, write_epoch
from lindley.labelling.initialise import make_project
from lindley.labelling.label_studio.annotations import AnnotationReader
from lindley.labelling.label_studio.client import LabelStudioError, check_url
from lindley.labelling.label_studio.connection import ConnectionFile
from lindley.labelling.label_studio.ranking import rank_items
from lindley.labelling.label_studio.synchroniser import Synchroniser
from lindley.labelling.project import Project
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

TOKEN = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"
COUNT = 60
FIRST_TASK = 500


class FakeLabelStudio:
    """The API that is used, with the tasks of a project (a context manager)."""

    def __init__(self, status=200, body=None):
        self.requests, self.predictions, self.version = [], {}, ""
        self.status, self.body = status, body
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fake.requests.append((self.command, self.path, self.headers.get("Authorization")))
                found = fake.answer(self.command, self.path, json.loads(content) if content else None)
                body = json.dumps(found).encode() if fake.body is None else fake.body
                self.send_response(fake.status)
                self.send_header("Location", f"{fake.url}/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method, path, body):
        if method == "GET":
            page = int(path.partition("page=")[2].partition("&")[0])
            size = 25  # a server may give fewer than it was asked for
            tasks = [{"id": FIRST_TASK + item, "data": {"text": f"text {item}"}} for item in range(COUNT)]
            return {"total": COUNT, "tasks": tasks[(page - 1) * size : page * size]}
        if path.endswith("/import/predictions"):
            self.predictions.setdefault(body[0]["model_version"], []).extend(body)
        if method == "DELETE":
            self.predictions.pop(body["model_version"], None)
        if method == "PATCH":
            assert body["model_version"] in self.predictions, "Label Studio refuses a version without predictions"
            self.version = body["model_version"]
        return {}

    def order(self):
        """Return the items as Label Studio serves them: the lowest score of the version of the project first."""
        found = sorted(self.predictions[self.version], key=lambda each: each["score"])
        return [each["task"] - FIRST_TASK for each in found]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()


def finish_round(project, seed):
    """An epoch without a trainer, whose queue is in an order of its own."""
    train = np.flatnonzero(project.store.streams() == "train")
    queue = tuple(QueueRow(int(item), "batchbald") for item in np.random.default_rng(seed).permutation(train)[:20])
    number = project.store.epoch() + 1
    upto = max((each.seq for each in project.store.events()), default=0)
    epoch = Epoch(number, upto, "batchbald", (0, 1), 0, queue, model_version=f"r{number}")
    write_epoch(project.folder, epoch, np.tile(np.float32([0.25, 0.75]), (COUNT, 1)))
    project.adopt(number)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "texts.csv").write_text("\n".join(["text", *(f"text {row}" for row in range(COUNT))]), encoding="utf-8")
    settings = ProjectSettings(kind="text", text="text", test_labels=9)
    make_project(tmp_path / "project", open_source(tmp_path / "texts.csv", text="text"), ["cat", "dog"], settings)
    with Project.open(tmp_path / "project") as project:
        finish_round(project, 1)
        yield project


@pytest.fixture
def connection(project):
    made = ConnectionFile(project.folder)
    made.connect("2.1795839723", TOKEN)
    return made


def synchroniser_of(project, connection, url):
    return Synchroniser(project, connection, url, AnnotationReader(project, lambda item: None).find_item)


@pytest.mark.parametrize("num_audited", [0, 4])
def test_the_order_is_that_in_which_one_person_is_served(project, num_audited):
    """By claims, which know the queue, the test stream and audits; the items that are left come at random in both."""
    streams = project.store.streams()
    fresh = np.flatnonzero(streams == "train").tolist()
    if num_audited:
        project.store.start_audit(fresh[-num_audited:])
    ranked = rank_items(project)
    served = []
    for _ in range(COUNT):
        for lease in project.ask(1, person="ann"):
            served.append((lease.item, lease.chosen_by))
            project.tell({lease.item: "cat"}, person="ann")
    assert [(each.item, each.chosen_by) for each in ranked.items] == served
    assert len(served) >= 40


def test_ranks_are_pushed_after_each_round_under_a_version_of_its_own(project, connection):
    with FakeLabelStudio() as fake:
        synchroniser = synchroniser_of(project, connection, fake.url)
        for number in (1, 2):
            assert synchroniser.push_if_due()
            assert fake.version == f"lindley-{number}"
            assert [*fake.predictions] == [f"lindley-{number}"], "those of the round before are deleted"
            assert fake.order() == [each.item for each in rank_items(project).items]
            assert not synchroniser.push_if_due()
            finish_round(project, number + 1)
    assert {token for _, _, token in fake.requests} == {f"Token {TOKEN}"}


def test_predictions_of_items_that_measure_are_empty(project, connection):
    with FakeLabelStudio() as fake:
        synchroniser_of(project, connection, fake.url).push_if_due()
    streams = project.store.streams()
    for each in fake.predictions["lindley-1"]:
        shown = [result["value"]["choices"] for result in each["result"]]
        assert shown == ([["dog"]] if streams[each["task"] - FIRST_TASK] == "train" else [])


def test_an_audit_has_the_order_pushed_again(project, connection):
    with FakeLabelStudio() as fake:
        synchroniser = synchroniser_of(project, connection, fake.url)
        synchroniser.push_if_due()
        audited = rank_items(project).items[0].item
        if project.store.start_audit([audited]):
            assert synchroniser.push_if_due()
            assert fake.order()[0] == audited
            first = next(each for each in fake.predictions[fake.version] if each["score"] == 0)
            assert first["result"] == []


def test_nothing_is_sent_before_label_studio_has_connected(project):
    with FakeLabelStudio() as fake:
        assert not synchroniser_of(project, ConnectionFile(project.folder), fake.url).push_if_due()
    assert fake.requests == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, None),
        (500, None),
        (302, None),
        (200, b"<html>"),
        (200, b"[" * 100_000),
        (200, b"\xff"),
        (200, b"[1]"),
        (200, b'{"total": "many", "tasks": []}'),
    ],
)
def test_an_answer_that_is_none_is_an_error_without_the_token_and_is_tried_again(project, connection, status, body):
    with FakeLabelStudio(status, body) as fake:
        synchroniser = synchroniser_of(project, connection, fake.url)
        with pytest.raises(LabelStudioError) as raised:
            synchroniser.push_if_due()
        assert TOKEN not in str(raised.value)
        assert raised.value.__cause__ is None
        assert connection.value.version == ""
        assert not [path for _, path, _ in fake.requests if "elsewhere" in path], "no redirection is followed"


def test_a_label_studio_that_is_down_is_an_error(project, connection):
    with FakeLabelStudio() as fake:
        pass
    with pytest.raises(LabelStudioError) as raised:
        synchroniser_of(project, connection, fake.url).push_if_due()
    assert TOKEN not in str(raised.value)


def test_the_thread_pushes_by_itself_and_ends(project, connection):
    pushed = threading.Event()
    with FakeLabelStudio() as fake:
        answer = fake.answer

        def note(method, path, body):
            found = answer(method, path, body)
            if method == "PATCH":
                pushed.set()
            return found

        fake.answer = note
        synchroniser = synchroniser_of(project, connection, fake.url)
        synchroniser.start()
        synchroniser.wake()
        assert pushed.wait(30)
        synchroniser.close()


def test_another_project_there_gets_the_order_too(project, connection):
    connection.set_version("lindley-1")
    connection.connect("2.1795839723", TOKEN)
    assert connection.value.version == "lindley-1"
    connection.connect("3.1795839723", TOKEN)
    assert connection.value.version == ""


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8080", "http://", "http://a:b@host", "http://h/?x=1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InputError):
        check_url(url)


def test_the_recorded_project_number_is_read(project):
    recorded = json.loads((Path(__file__).parent / "recorded" / "setup.json").read_text(encoding="utf-8"))
    made = ConnectionFile(project.folder)
    made.connect(recorded["project"], recorded["access_token"])
    assert (made.value.project, made.value.token) == (2, TOKEN)
