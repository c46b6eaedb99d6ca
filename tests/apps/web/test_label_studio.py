"""The ML backend protocol, against what Label Studio 1.23.2 sent (tests/labelling/label_studio/recorded)."""

from __future__ import annotations

import copy
import json
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from lindley.apps.web.app import build_app
from lindley.apps.web.label_studio import PREFIX, Backend
from lindley.apps.web.security import MAX_BODY, LaunchLinks
from lindley.labelling.backup import back_up_project
from lindley.labelling.consensus import item_label
from lindley.labelling.desk import Desk
from lindley.labelling.fold import fold
from lindley.labelling.initialise import make_project
from lindley.labelling.label_studio.connection import FILE_NAME, ConnectionFile
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

PORT = 8123
ORIGIN = f"http://127.0.0.1:{PORT}"
FUZZ = settings(
    max_examples=int(os.environ.get("LINDLEY_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RECORDED = Path(__file__).parents[2] / "labelling" / "label_studio" / "recorded"
TOKEN = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"
ROUTES = {"health": "GET", "versions": "GET", "setup": "POST", "predict": "POST", "webhook": "POST"}


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


class CountingDesk(Desk):
    """A desk that counts the rounds that were requested, and trains none."""

    requests = 0

    def request_round(self):
        self.requests += 1


@pytest.fixture
def project(tmp_path, adopt_by_hand):
    """The texts that Label Studio had, with a model that says "dog" of all."""
    (tmp_path / "texts.csv").write_text("\n".join(["text", *(f"text {row}" for row in range(40))]), encoding="utf-8")
    given = ProjectSettings(kind="text", text="text", batch_size=1000)
    make_project(tmp_path / "project", open_source(tmp_path / "texts.csv", text="text"), ["cat", "dog"], given)
    with Project.open(tmp_path / "project") as project:
        adopt_by_hand(project)
        yield project


@pytest.fixture
def desk(project):
    with CountingDesk(project, lockstep=True) as desk:
        yield desk


@pytest.fixture
def backend(desk):
    """Its thread is not started: nothing is pushed."""
    return Backend.open(desk, "http://localhost:8080")


@pytest.fixture
def client(desk, backend):
    app = build_app(desk, LaunchLinks(["ann"], ORIGIN), port=PORT, backend=backend)
    return TestClient(app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def send(client, backend):
    def send(name, body=None, **more):
        method = ROUTES[name]
        return client.request(method, f"{backend.path}/{name}", **({} if body is None else {"json": body}), **more)

    return send


def label_of(project, item):
    label = item_label(fold(project.store.events()), item)
    return None if label is None else label.class_id


def answers(project):
    """Return the kinds and people of the events of items."""
    return [(each.kind, each.item, each.person) for each in project.store.events() if each.kind not in ("class",)]


def test_health_and_versions(send):
    assert send("health").json() == {"status": "UP", "model_class": "lindley"}
    assert send("versions").json() == {"versions": ["lindley-1"]}


def test_the_token_is_in_a_file_of_its_owner_and_nowhere_else(send, project, backend, caplog, capfd, tmp_path):
    caplog.set_level(0)
    answer = send("setup", recorded("setup"))
    assert answer.status_code == 200
    assert answer.json() == {"model_version": "lindley-1"}
    path = project.folder / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ConnectionFile(project.folder).value.token == TOKEN
    assert ConnectionFile(project.folder).value.project == 2
    back_up_project(project, tmp_path / "backup.zip")
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        stored = b"".join(archive.read(name) for name in archive.namelist())
    shown = caplog.text + "".join(capfd.readouterr()) + repr(backend.connection.value) + answer.text
    assert TOKEN not in shown
    assert TOKEN.encode() not in stored
    others = [each for each in project.folder.rglob("*") if each.is_file() and each != path]
    assert not [each for each in others if TOKEN.encode() in each.read_bytes()]


@pytest.mark.parametrize(
    "body", [{}, {"project": "x"}, {"project": "1.2"}, {"project": "1.2", "access_token": "a\r\nb: c"}]
)
def test_a_setup_that_is_none_is_refused_and_shows_no_token(send, backend, body):
    secret = {"access_token": "tell-nobody with spaces", **body}
    answer = send("setup", secret)
    assert answer.status_code == 422
    assert secret["access_token"] not in answer.text
    assert backend.connection.value.token == ""


def test_predictions_come_one_for_each_task_in_their_order_and_tests_are_blind(send, project):
    streams = project.store.streams()
    tasks = [
        {"id": 100 + item, "data": {"text": f"text {item}", "lindley_id": str(item)}} for item in range(39, -1, -1)
    ]
    tasks += [{"id": 7, "data": {"text": "of no project"}}, {}, None, {"data": {"text": "text 3", "lindley_id": "5"}}]
    results = send("predict", {"tasks": tasks}).json()["results"]
    assert len(results) == len(tasks)
    for item, result in zip(range(39, -1, -1), results, strict=False):
        shown = [each["value"]["choices"] for each in result["result"]]
        assert shown == ([["dog"]] if streams[item] == "train" else [])
    assert [each["result"] for each in results[40:]] == [[]] * 4, "also where number and text are of two items"
    scores = {item: result["score"] for item, result in zip(range(39, -1, -1), results, strict=False)}
    assert sorted(scores.values()) == sorted({*scores.values()}), "each item has a rank of its own"
    assert {each["model_version"] for each in results} == {"lindley-1"}


def test_the_recorded_tasks_are_predicted(send):
    body = recorded("predict")
    assert len(send("predict", body).json()["results"]) == len(body["tasks"]) == 3


def test_an_annotation_is_a_label_of_its_person_and_counts_once(send, project):
    body = recorded("annotation_created")
    for _ in range(2):
        assert send("webhook", body).status_code == 201
    assert answers(project) == [("label", 0, "label-studio 1")]
    stored = [*project.store.events()][-1]
    assert (label_of(project, 0), stored.shown_ms, stored.prediction_shown) == (1, 1500, False)
    assert (stored.predicted, stored.epoch) == (1, 1)
    assert stored.chosen_by == ("batchbald" if project.store.streams()[0] == "train" else "test")


def test_a_prediction_that_was_shown_is_remembered(send, project):
    body = recorded("annotation_created")
    body["annotation"]["prediction"] = {"id": 8, "model_version": "lindley-1", "score": 0.1, "result": []}
    send("webhook", body)
    assert [*project.store.events()][-1].prediction_shown


def test_a_change_takes_the_place_of_an_annotation_and_a_deletion_undoes_it(send, project):
    for name, label in {"annotation_created": 1, "annotation_updated": 0, "annotations_deleted": None}.items():
        for _ in range(2):
            assert send("webhook", recorded(name)).status_code == 201
            assert label_of(project, 0) == label
    back = recorded("annotation_updated")
    back["annotation"]["updated_at"] = "2026-11-28T05:00:00Z"
    send("webhook", back)
    assert label_of(project, 0) == 0, "the same class again is another state"


def test_an_old_state_that_comes_late_changes_nothing(send, project):
    for name in ("annotation_created", "annotation_updated", "annotation_created"):
        send("webhook", recorded(name))
    assert label_of(project, 0) == 0


def test_a_cancelled_annotation_is_a_skip(send, project):
    assert send("webhook", recorded("annotation_cancelled")).status_code == 201
    assert fold(project.store.events()).is_skipped(1)


def test_actions_that_are_not_ours_are_answered_and_training_is_requested(send, desk, project):
    before = [*project.store.events()]
    for body in ({"action": "PROJECT_UPDATED", "project": {}}, {"action": None}, {}, {"action": ["x"]}):
        assert send("webhook", body).status_code == 200
    assert desk.requests == 0
    assert send("webhook", recorded("start_training")).status_code == 200
    assert desk.requests == 1
    assert [*project.store.events()] == before


def test_new_tasks_have_the_order_pushed_again(send, backend):
    backend.connection.set_version("lindley-1")
    assert send("webhook", recorded("tasks_created")).status_code == 200
    assert backend.connection.value.version == ""


WRONG = {
    "bird": lambda body: body["annotation"]["result"][0]["value"].update(choices=["bird"]),
    "cat": lambda body: body["annotation"]["result"][0]["value"].update(choices=["cat", "dog"]),
    "content": lambda body: body["task"]["data"].update(text="of another project"),
    "400": lambda body: body["task"]["data"].update(lindley_id="400"),
    "number": lambda body: body["annotation"].update(id="8"),
    "line": lambda body: body["annotation"].update(completed_by="a\nb"),
    "seconds": lambda body: body["annotation"].update(lead_time=1e300),
    "result": lambda body: body["annotation"].update(result=[None]),
    "annotation": lambda body: body.update(annotation=[1]),
    "task": lambda body: body.update(task=None),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_annotation_that_cannot_be_used_stores_nothing_and_is_told(send, project, name, caplog):
    body = copy.deepcopy(recorded("annotation_created"))
    WRONG[name](body)
    before = [*project.store.events()]
    assert send("webhook", body).status_code == 422
    assert [*project.store.events()] == before
    assert "From Label Studio" in caplog.text


def test_without_the_secret_nobody_comes_in(client, backend, project):
    wrong = [PREFIX + "x" * 43, PREFIX.rstrip("/"), backend.path[:-1], f"{backend.path}x", backend.path.upper()]
    for path in wrong:
        for name, method in ROUTES.items():
            answer = client.request(method, f"{path}/{name}", json=recorded("annotation_created"))
            assert answer.status_code in (401, 404), path
    assert answers(project) == []


def test_the_secret_opens_nothing_else(client, backend):
    for path in ("/api/me", "/", "/api/status"):
        assert client.get(path).status_code == 401
        assert client.get(f"{backend.path}{path}").status_code in (401, 404)
        assert client.get(f"{backend.path}/..{path}").status_code in (401, 404)


@pytest.mark.parametrize(
    "header", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_page_elsewhere_sends_nothing_even_with_the_secret(send, project, header):
    assert send("webhook", recorded("annotation_created"), headers=header).status_code in (403, 421)
    assert answers(project) == []


def test_label_studio_may_send_more_than_a_page_and_not_everything(send, client, backend):
    tasks = [{"id": 1, "data": {"text": "x" * MAX_BODY}}]
    assert send("predict", {"tasks": tasks}).status_code == 200
    length = {"Content-Length": str(1 << 30), "Content-Type": "application/json"}
    assert client.post(f"{backend.path}/predict", content=b"{}", headers=length).status_code == 413
    assert client.post("/api/next", content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert send("predict", {"tasks": [None] * 10_001}).status_code == 422


def test_the_secret_stays_the_same_and_a_damaged_file_is_named(project):
    first = ConnectionFile(project.folder).value
    assert ConnectionFile(project.folder).value == first
    assert len(first.secret) >= 40
    (project.folder / FILE_NAME).write_text("[]", encoding="utf-8")
    from lindley.errors import DataError

    with pytest.raises(DataError) as raised:
        ConnectionFile(project.folder)
    assert FILE_NAME in str(raised.value)


@FUZZ
@given(name=st.sampled_from(["setup", "predict", "webhook"]), values=st.lists(ANYTHING, min_size=4, max_size=4))
def test_any_values_are_taken_or_refused(send, name, values):
    body = {"action": "ANNOTATION_CREATED", "tasks": [values[0], {"data": values[1]}], "task": {"data": values[2]}}
    body |= {"annotation": values[3] if isinstance(values[3], dict) else {"id": 1, "result": values[3]}}
    content = json.dumps(body).encode()
    assert send(name, content=content, headers={"Content-Type": "application/json"}).status_code < 500
    assert (
        send(name, content=json.dumps(values[0]).encode(), headers={"Content-Type": "application/json"}).status_code
        < 500
    )


@FUZZ
@given(name=st.sampled_from(["setup", "predict", "webhook"]), body=st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(send, name, body):
    assert send(name, content=body, headers={"Content-Type": "application/json"}).status_code < 500


def test_brackets_within_brackets_are_refused(send):
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"tasks": ' + b"[" * 100_000):
        assert send("predict", content=body, headers={"Content-Type": "application/json"}).status_code < 500


def test_what_measures_is_never_shown_whatever_the_page_did(send, project):
    """Also an item of the queue that becomes one of an audit."""
    send("predict", {"tasks": []})
    project.store.start_audit([int(np.flatnonzero(project.store.streams() == "train")[0])])
    streams = project.store.streams()
    tasks = [{"id": item, "data": {"text": f"text {item}", "lindley_id": str(item)}} for item in range(40)]
    results = send("predict", {"tasks": tasks}).json()["results"]
    assert [bool(each["result"]) for each in results] == [stream == "train" for stream in streams]
