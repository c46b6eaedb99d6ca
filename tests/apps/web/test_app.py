"""The routes, as a page uses them."""

import csv
import io
import json
import os
import re
import sqlite3
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from lindley.apps.web.app import build_app
from lindley.apps.web.pages import STATIC
from lindley.apps.web.security import LaunchLinks
from lindley.labelling.audit import draw_audit
from lindley.labelling.desk import Desk
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

ORIGIN = "http://127.0.0.1:8123"


def label(uuid, item, class_id=0, **more):
    return {"uuid": uuid, "kind": "label", "item": item, "class_id": class_id, **more}


def post(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stored(project, kind="label"):
    return [each for each in project.store.events() if each.kind == kind]


def test_an_event_is_stored_once_whatever_its_order_and_its_repetitions(ann, project):
    events = [label("b", 1), label("a", 0)]
    assert [each["outcome"] for each in post(ann, "/api/events", {"events": events})["results"]] == ["stored", "stored"]
    again = post(ann, "/api/events", {"events": [*reversed(events), label("c", 2)]})
    assert [each["outcome"] for each in again["results"]] == ["known", "known", "stored"]
    assert sorted(each.uuid for each in stored(project)) == ["a", "b", "c"]


def test_every_answer_says_how_far_the_labelling_is(ann, project):
    """An item counts once, whoever labelled it and how often; what is undone or skipped does not."""
    progress = {"labelled": 0, "items": 40, "target_labels": None, "audit": None}
    model = {"epoch": 1, "version": "r1", "state": "idle", "labels_behind": 0}
    for answer in (ann.get("/api/me").json(), post(ann, "/api/next", {"n": 1})):
        assert (answer["progress"], answer["model"]) == (progress, model)
    project.store.add_person("bob")
    train = np.flatnonzero(project.store.streams() == "train").tolist()
    test = np.flatnonzero(project.store.streams() == "test").tolist()
    project.store.append("bob", [ProjectEvent("z", "label", item=train[0], class_id=1)])
    project.store.append("", [ProjectEvent("y", "import", item=train[1], class_id=1)])
    events = [label("a", train[0]), label("b", test[0]), {"uuid": "c", "kind": "skip", "item": train[2]}]
    after = post(ann, "/api/events", {"events": [*events, label("d", train[1]), label("e", train[1], 1)]})
    assert after["progress"] == {**progress, "labelled": 3}
    assert after["model"] == {**model, "labels_behind": 5}
    undos = [{"uuid": f"u{uuid}", "kind": "undo", "target_uuid": uuid} for uuid in "bde"]
    assert post(ann, "/api/events", {"events": undos})["progress"] == {**progress, "labelled": 2}


def test_every_answer_says_how_far_an_audit_is(ann, project):
    """An item is answered by a label or a skip; the audit is over once all are."""
    drawn = draw_audit(project, 3)
    assert ann.get("/api/me").json()["progress"]["audit"] == {"labelled": 0, "items": 3}
    events = [
        label("a", drawn[0]),
        {"uuid": "b", "kind": "skip", "item": drawn[1]},
        {"uuid": "c", "kind": "flag", "item": drawn[2]},
    ]
    assert post(ann, "/api/events", {"events": events})["progress"]["audit"] == {"labelled": 2, "items": 3}
    undo = {"uuid": "d", "kind": "undo", "target_uuid": "b"}
    assert post(ann, "/api/events", {"events": [undo]})["progress"]["audit"] == {"labelled": 1, "items": 3}
    post(ann, "/api/events", {"events": [label("e", drawn[1]), label("f", drawn[2])]})
    assert post(ann, "/api/next", {"n": 1})["progress"]["audit"] is None


def test_me_names_the_guideline_and_the_reasons_for_a_skip(ann):
    assert ann.get("/api/me").json()["guideline"] == {"version": 0, "text": ""}
    assert post(ann, "/api/guideline", {"text": "Look twice."}) == {"version": 1, "text": "Look twice."}
    assert post(ann, "/api/guideline", {"text": "Once."}) == {"version": 2, "text": "Once."}
    me = ann.get("/api/me").json()
    assert me["guideline"] == {"version": 2, "text": "Once."}
    assert me["reasons"] == ["unsure", "none of these", "broken"]
    assert me["round"] == {"labels": 1000, "seconds": 30.0}


def test_the_reason_of_a_skip_is_stored_and_exported(ann, project, tmp_path):
    events = [{"uuid": "a", "kind": "skip", "item": 3, "reason": "broken"}, {"uuid": "b", "kind": "skip", "item": 4}]
    post(ann, "/api/events", {"events": events})
    assert [each["reason"] for each in ann.get("/api/history").json()] == [None, "broken"]
    project.export(tmp_path / "labels.csv", labelled=True)
    with (tmp_path / "labels.csv").open(newline="") as file:
        lines = {line["item"]: line for line in csv.DictReader(file)}
    assert [(lines[item]["answer"], lines[item]["skip_reason"]) for item in "34"] == [("skip", "broken"), ("skip", "")]


@pytest.mark.parametrize(
    "event",
    [
        {"uuid": "a", "kind": "skip", "item": 3, "reason": "bored"},
        {"uuid": "a", "kind": "label", "item": 3, "class_id": 0, "reason": "unsure"},
        {"uuid": "a", "kind": "label", "item": 3, "class_id": 0, "view": "list"},
        {"uuid": "a", "kind": "label", "item": 3, "class_id": 0, "chosen_by": "test"},
    ],
)
def test_an_event_with_what_it_cannot_have_is_refused(ann, project, event):
    assert ann.post("/api/events", json={"events": [event]}).status_code == 422
    assert [each for each in project.store.events() if each.item == 3] == []


def test_flags_and_notes_leave_the_answer_as_it_is(ann, project, tmp_path):
    remarks = [{"uuid": kind, "kind": kind, "item": 3, "note": f"my {kind}"} for kind in ("flag", "note")]
    post(ann, "/api/events", {"events": [label("a", 3, 1), *remarks]})
    project.export(tmp_path / "labels.csv", labelled=True)
    with (tmp_path / "labels.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["answer"], line["class_id"], line["flagged"], line["note"]) == (
        "label",
        "1",
        "true",
        "my flag\nmy note",
    )


def test_any_answer_is_undone_and_given_again_without_a_limit(ann, project):
    """Also one of another day, which a search in the history finds; it comes back first."""
    yesterday = ProjectEvent("old", "label", item=3, class_id=0, server_time="2020-01-01T00:00:00.000+00:00")
    project.store.append("ann", [yesterday])
    post(ann, "/api/events", {"events": [label(f"a{item}", item) for item in range(10, 20)]})
    word = next(project.store.items([3])).content
    found = [each for each in ann.get("/api/history", params={"q": word}).json() if each["item"] == 3]
    assert [(each["uuid"], each["class_id"], each["undone"]) for each in found] == [("old", 0, False)]
    for uuid in ["old", *(f"a{item}" for item in range(10, 20))]:
        post(ann, "/api/events", {"events": [{"uuid": f"undo-{uuid}", "kind": "undo", "target_uuid": uuid}]})
    assert {each["undone"] for each in ann.get("/api/history").json()} == {True}
    held = [each["item"] for each in post(ann, "/api/next", {"n": 11})["items"]]
    assert held == [*range(19, 9, -1), 3]
    again = post(ann, "/api/events", {"events": [label("redo", 3, 1)], "next": 1})
    assert [each["outcome"] for each in again["results"]] == ["stored"]
    assert again["progress"]["labelled"] == 1
    line = next(each for each in ann.get("/api/history").json() if each["uuid"] == "redo")
    assert (line["item"], line["class_id"], line["undone"]) == (3, 1, False)


def test_one_event_that_is_refused_leaves_the_others(ann, project):
    events = [label("a", 0), label("b", 999), label("c", 1, class_id=7), label("d", 2)]
    results = post(ann, "/api/events", {"events": events})["results"]
    assert [each["outcome"] for each in results] == ["stored", "refused", "refused", "stored"]
    assert all(each["reason"] for each in results if each["outcome"] == "refused")
    assert [each.uuid for each in stored(project)] == ["a", "d"]


def test_what_is_served_says_nothing_of_the_model(ann):
    served = post(ann, "/api/next", {"n": 3})
    assert {*served["items"][0]} == {"item", "lease", "kind", "content", "place", "url", "epoch"}
    everything = json.dumps([served, ann.get("/api/me").json(), ann.get("/api/history").json()])
    for word in ("predicted", "prob", "0.75", "score"):
        assert word not in everything


def test_a_label_keeps_what_the_model_said(ann, project):
    post(ann, "/api/events", {"events": [label("a", 0)]})
    assert [(e.predicted, e.predicted_prob, e.model_version) for e in stored(project)] == [(1, 0.75, "r1")]
    assert [e.prediction_shown for e in stored(project)] == [False]


def test_a_prediction_that_was_shown_is_an_event(ann, project):
    assert post(ann, "/api/reveal", {"item": 0}) == {"item": 0, "class_id": 1, "probability": 0.75}
    assert [(e.item, e.person, e.prediction_shown) for e in stored(project, "reveal")] == [(0, "ann", True)]


def test_an_audit_is_blind(ann, project):
    project.store.start_audit([5])
    assert ann.post("/api/reveal", json={"item": 5}).status_code == 422
    assert ann.post("/api/reveal", json={"item": 999}).status_code == 422
    assert stored(project, "reveal") == []


def test_a_prediction_that_cannot_be_read_loses_no_label(ann, project):
    project.store.swap_queue(2, [])  # an epoch whose files are not there
    assert post(ann, "/api/events", {"events": [label("a", 0)]})["results"][0]["outcome"] == "stored"
    assert [(each.uuid, each.predicted) for each in stored(project)] == [("a", None)]


def test_where_the_database_cannot_write_a_client_is_told_to_come_again(ann, project):
    """Another process writes for longer than the store waits; then the same event is stored."""
    body = {"events": [label("a", 0)]}
    with sqlite3.connect(project.folder / "project.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ann.post("/api/events", json=body).status_code == 503
        other.execute("ROLLBACK")
    other.close()
    assert post(ann, "/api/events", body)["results"][0]["outcome"] == "stored"
    assert [each.uuid for each in stored(project)] == ["a"]


def test_a_person_holds_the_same_items_until_they_answer(ann):
    first = post(ann, "/api/next", {"n": 3})["items"]
    assert post(ann, "/api/next", {"n": 3})["items"] == first
    rest = post(ann, "/api/events", {"events": [label("a", first[0]["item"])], "next": 3})["items"]
    assert rest[:2] == first[1:]
    assert post(ann, "/api/release", {"leases": [each["lease"] for each in rest] + ["x"]}) == {"released": 3}


def test_the_history_is_the_persons_own_newest_first_and_is_searched(ann, project):
    project.store.add_person("bob")
    post(ann, "/api/events", {"events": [label("a", 0), {"uuid": "b", "kind": "skip", "item": 1}, label("c", 2, 1)]})
    assert [each["uuid"] for each in ann.get("/api/history").json()] == ["c", "b", "a"]
    assert [each["uuid"] for each in ann.get("/api/history?limit=1").json()] == ["c"]
    assert [each["uuid"] for each in ann.get("/api/history", params={"q": "CAT"}).json()] == ["a"]
    assert [each["uuid"] for each in ann.get("/api/history", params={"q": "texts<b>.csv, line 4"}).json()] == ["c"]
    assert ann.get("/api/history?limit=0").status_code == 422
    newest, second = ann.get("/api/history?limit=2").json()
    assert newest["seq"] > second["seq"]
    assert [each["uuid"] for each in ann.get(f"/api/history?before={newest['seq']}").json()] == ["b", "a"]
    assert [each["uuid"] for each in ann.get(f"/api/history?before={second['seq']}").json()] == ["a"]
    assert ann.get("/api/history?before=-1").status_code == 422


def test_classes_are_changed_as_events_of_the_person(ann, project):
    assert [each["name"] for each in post(ann, "/api/classes", {"action": "add", "value": "snake"})][-1] == "snake"
    post(ann, "/api/classes", {"action": "rename", "class_id": 0, "value": "kitten"})
    post(ann, "/api/classes", {"action": "merge", "class_id": 2, "value": 0})
    assert [each.person for each in stored(project, "class")][-3:] == ["ann"] * 3
    assert [each["name"] for each in ann.get("/api/classes?q=KIT").json()] == ["kitten"]


def test_every_answer_says_which_version_the_classes_have(ann, project):
    """The place of the newest change of a class, whoever made it; an answer or a guideline does not change it."""

    def versions():
        answers = [
            post(ann, "/api/next", {"n": 1}),
            post(ann, "/api/events", {"events": []}),
            ann.get("/api/me").json(),
        ]
        return {answer["classes_version"] for answer in answers}

    assert versions() == {max(each.seq for each in stored(project, "class"))}
    item = next(project.store.items()).id
    post(ann, "/api/events", {"events": [label("a", item)]})
    post(ann, "/api/guideline", {"text": "Look twice."})
    assert versions() == {max(each.seq for each in stored(project, "class"))}
    project.store.add_class("snake")
    (added,) = versions()
    assert added == max(each.seq for each in project.store.events())
    project.store.change_class(0, "rename", "kitten")
    (renamed,) = versions()
    assert renamed > added
    assert renamed == max(each.seq for each in project.store.events())


def test_a_class_is_split_on_the_page_and_the_export_shows_the_old_label_and_the_new(ann, project, tmp_path):
    (item,) = np.flatnonzero(project.store.streams() == "train")[:1].tolist()
    post(ann, "/api/events", {"events": [label("a", item, 0)]})
    classes = post(ann, "/api/classes", {"action": "split", "class_id": 0, "value": ["kitten", "tomcat"]})
    assert [each["name"] for each in classes][1:] == ["kitten", "tomcat"]
    answer = post(ann, "/api/next", {"n": 1})
    assert ([each["item"] for each in answer["items"]], answer["progress"]["labelled"]) == ([item], 0)
    post(ann, "/api/events", {"events": [label("b", item, classes[2]["id"])]})
    project.export(tmp_path / "labels.jsonl", labelled=True)
    (line,) = [json.loads(each) for each in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert line["class"] == "tomcat"
    assert [(each["class"], each.get("chosen_by")) for each in line["events"]] == [("cat", None), ("tomcat", "split")]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "split", "class_id": 0, "value": ["one"]},
        {"action": "split", "class_id": 0, "value": "one"},
        {"action": "rename", "class_id": 0, "value": ["one", "two"]},
        {"action": "add"},
        {"action": "add", "value": 5},
        {"action": "add", "value": "cat"},
        {"action": "rename", "value": "x"},
        {"action": "rename", "class_id": 99, "value": "x"},
        {"action": "merge", "class_id": 0, "value": 0},
        {"action": "merge", "class_id": 0, "value": "cat"},
        {"action": "describe", "class_id": 0, "value": 7},
        {"action": "explode", "class_id": 0},
        {"action": "add", "value": "Cat "},
        {"action": "add", "value": "a\0b"},
        {"action": "rename", "class_id": 1, "value": "CAT"},
    ],
)
def test_a_change_of_a_class_that_cannot_be_is_refused(ann, project, body):
    before = project.store.classes()
    assert ann.post("/api/classes", json=body).status_code == 422
    assert project.store.classes() == before


@pytest.mark.parametrize("key", ["s", "S", "u", "?", "/", " ", "", "\n", "\0", "Enter", "1"])
def test_a_key_of_the_page_or_of_another_class_is_refused_with_what_is_allowed(ann, project, key):
    before = project.store.classes()
    for body in ({"action": "add", "value": "x", "hotkey": key}, {"action": "hotkey", "class_id": 1, "value": key}):
        answer = ann.post("/api/classes", json=body)
        assert answer.status_code == 422
        assert ("'cat'" if key == "1" else "s (skip), u (undo)") in answer.json()["detail"]
    assert project.store.classes() == before


def test_the_content_of_a_text_is_plain_text_that_is_asked_for_again_each_time(ann, project):
    answer = ann.get("/api/items/0/content")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == next(project.store.items([0])).content
    assert "no-cache" in answer.headers["Cache-Control"]  # another project may come to the same port
    assert ann.get("/api/items/0/content", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert ann.get("/api/items/1/content", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_scripts_in_texts_classes_and_file_names_come_as_json_only(ann):
    for path in ("/api/me", "/api/classes", "/api/history"):
        assert ann.get(path).headers["Content-Type"] == "application/json"
    served = ann.post("/api/next", json={"n": 1})
    assert served.headers["Content-Type"] == "application/json"
    assert "<script>" in served.json()["items"][0]["content"]
    assert "<script>" not in ann.get("/").text


def test_the_page_writes_no_html_and_has_no_inline_script():
    static = resources.files("lindley.apps.web").joinpath("static")
    script = "\n".join(static.joinpath(name).read_text() for name in STATIC if name.endswith(".js"))
    page = static.joinpath("index.html").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", script)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:|style=|https?://", page, re.IGNORECASE)


@pytest.fixture
def pictures(tmp_path):
    """A client of a project of two images: one is also a page, one has gone."""
    folder = tmp_path / "images"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (2, 40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise[0]).save(folder / "polyglot.png")
    with (folder / "polyglot.png").open("ab") as file:
        file.write(b"<html><script>alert(1)</script></html>")
    Image.fromarray(noise[1]).resize((3000, 10)).save(folder / "wide.png")
    make_project(tmp_path / "project", open_source(folder), ["cat", "dog"], ProjectSettings(kind="images"))
    with Project.open(tmp_path / "project") as project, Desk(project, lockstep=True) as desk:
        links = LaunchLinks(["ann"], ORIGIN)
        client = TestClient(build_app(desk, links, port=8123), base_url=ORIGIN, raise_server_exceptions=False)
        client.get(links.links()["ann"])
        yield client, {project.place(item): item for item in range(2)}, folder


def test_an_image_that_is_also_a_page_comes_as_an_image_alone(pictures):
    client, items, _ = pictures
    answer = client.get(f"/api/items/{items['polyglot.png']}/content")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert b"script" not in answer.content
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_large_image_is_made_smaller(pictures):
    client, items, _ = pictures
    answer = client.get(f"/api/items/{items['wide.png']}/content")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size[0] == 2048


def test_an_image_that_the_browser_has_is_not_decoded_again(pictures):
    client, items, folder = pictures
    tag = client.get(f"/api/items/{items['wide.png']}/content").headers["ETag"]
    (folder / "wide.png").unlink()
    answer = client.get(f"/api/items/{items['wide.png']}/content", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_image_that_has_gone_is_not_found(pictures):
    client, items, folder = pictures
    (folder / "wide.png").unlink()
    assert client.get(f"/api/items/{items['wide.png']}/content").status_code == 404


def test_another_file_of_the_same_name_is_not_served_in_the_place_of_an_image(pictures):
    """Also where it is sound, and of the same size and time."""
    client, items, folder = pictures
    address = f"/api/items/{items['polyglot.png']}/content"
    before, content = (folder / "polyglot.png").stat(), (folder / "polyglot.png").read_bytes()
    assert client.get(address).status_code == 200
    (folder / "polyglot.png").write_bytes(content[:-1] + b"!")
    os.utime(folder / "polyglot.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    answer = client.get(address)
    assert answer.status_code == 404
    assert "polyglot.png" in answer.text
    (folder / "polyglot.png").write_bytes(content)
    assert client.get(address).status_code == 200


def test_a_person_is_told_how_many_labels_of_theirs_there_are(ann, project):
    assert ann.get("/api/me").json()["num_labels"] == 0
    post(ann, "/api/events", {"events": [label("a", 0), label("b", 1), label("c", 1, class_id=1)]})
    project.store.add_person("bob")
    project.store.append("bob", [ProjectEvent("d", "label", item=2, class_id=0)])
    assert ann.get("/api/me").json()["num_labels"] == 2
