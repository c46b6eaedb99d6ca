"""The tools beside the queue: they offer items of the training stream alone, and say how each was chosen."""

import csv
import json
import random

import numpy as np
import pytest

from lindley.labelling.disputes import read_disputed
from lindley.labelling.epochs import Epoch, write_epoch
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import ProjectEvent
from lindley.labelling.snapshot import take_snapshot


def label(uuid, item, class_id=0, **more):
    return {"uuid": uuid, "kind": "label", "item": item, "class_id": class_id, **more}


def post(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stored(project, kind="label"):
    return [each for each in project.store.events() if each.kind == kind]


@pytest.fixture
def streams(project):
    return project.store.streams()


@pytest.fixture
def train(streams):
    return np.flatnonzero(streams == "train").tolist()


@pytest.fixture
def test(streams):
    return np.flatnonzero(streams == "test").tolist()


@pytest.fixture
def bob(project):
    project.store.add_person("bob")
    return "bob"


def adopt(project, probs, *, vectors=None):
    """An epoch with these probabilities, and with these features of the first items."""
    number = project.store.epoch() + 1
    queue = (QueueRow(int(np.flatnonzero(project.store.streams() == "train")[0]), "batchbald", score=0.5),)
    version = "" if vectors is None else f"v{number}"
    if vectors is not None:
        (project.folder / "features" / version).mkdir(parents=True)
        np.save(project.folder / "features" / version / "features.npy", np.float32(vectors))
    epoch = Epoch(number, 0, "batchbald", (0, 1), 0, queue, model_version=f"m{number}", feature_version=version)
    write_epoch(project.folder, epoch, np.float32(probs))
    project.adopt(number)


def rising(project):
    """Probabilities of class 1 from 0.5 on that rise with the item."""
    high = np.linspace(0.5, 1, project.num_items + 1)[1:]
    return np.stack([1 - high, high], axis=1)


def numbers(answer):
    return [each["item"] for each in answer]


# The grid


def test_a_grid_holds_the_training_items_that_look_most_like_a_class(ann, project, train, test):
    adopt(project, rising(project))
    grid = post(ann, "/api/grid", {"class_id": 1, "n": 5})
    assert numbers(grid["items"]) == train[:-6:-1]
    assert [each["probability"] for each in grid["items"]] == pytest.approx(rising(project)[train[:-6:-1], 1].tolist())
    assert (grid["class_id"], grid["epoch"]) == (1, project.store.epoch())
    everything = post(ann, "/api/grid", {"class_id": 1, "n": 100})
    assert sorted(numbers(everything["items"])) == train
    assert post(ann, "/api/grid", {"class_id": 0, "n": 5})["items"] == []


def test_labels_from_a_grid_say_so_whatever_the_browser_says(ann, project, train, tmp_path):
    adopt(project, rising(project))
    first, second = numbers(post(ann, "/api/grid", {"class_id": 1, "n": 2})["items"])
    post(ann, "/api/events", {"events": [label("a", first, 1), label("b", second, 1, view="single")]})
    assert [(e.chosen_by, e.prediction_shown, e.payload) for e in stored(project)] == [
        ("grid", True, {"view": "grid"})
    ] * 2
    project.export(tmp_path / "labels.csv", labelled=True)
    with (tmp_path / "labels.csv").open(newline="") as file:
        lines = [(each["acquisition"], each["view"], each["prediction_shown"]) for each in csv.DictReader(file)]
    assert lines == [("grid", "grid", "true")] * 2


def test_what_a_grid_showed_is_recorded_also_where_it_is_not_labelled(ann, project, train):
    adopt(project, rising(project))
    shown = numbers(post(ann, "/api/grid", {"class_id": 1, "n": 2})["items"])
    assert [(e.item, e.person, e.prediction_shown) for e in stored(project, "reveal")] == [
        (item, "ann", True) for item in shown
    ]


def test_a_grid_that_is_opened_anew_gives_back_the_one_before(ann, project, bob, train):
    adopt(project, rising(project))
    before = numbers(post(ann, "/api/grid", {"class_id": 1, "n": 4})["items"])
    post(ann, "/api/events", {"events": [label("a", before[0], 1)]})
    assert numbers(post(ann, "/api/grid", {"class_id": 1, "n": 4})["items"])[:3] == before[1:]
    post(ann, "/api/grid", {"class_id": 0, "n": 4})
    assert project.store.items_on_lease() == []


def test_what_lies_in_a_grid_is_nobody_elses_and_comes_in_no_queue(ann, project, bob, train):
    adopt(project, rising(project))
    grid = numbers(post(ann, "/api/grid", {"class_id": 1, "n": 4})["items"])
    alone = numbers(post(ann, "/api/next", {"n": 3})["items"])
    others = [each.item for each in project.store.claim("bob", 40)]
    assert len(alone) == 3
    assert not {*grid} & {*alone, *others}


def test_a_grid_leaves_what_the_person_holds_or_has_answered(ann, project, train):
    adopt(project, rising(project))
    held = numbers(post(ann, "/api/next", {"n": 40})["items"])
    assert post(ann, "/api/grid", {"class_id": 1, "n": 5})["items"] == []
    assert {*train} <= {*held}


@pytest.mark.parametrize("class_id", [5, 2**52])
def test_a_grid_of_a_class_that_is_not_offered_is_refused(ann, class_id):
    assert ann.post("/api/grid", json={"class_id": class_id, "n": 5}).status_code == 422


def test_an_item_whose_label_from_a_grid_is_undone_comes_back_alone(ann, project, train):
    adopt(project, rising(project))
    (item,) = numbers(post(ann, "/api/grid", {"class_id": 1, "n": 1})["items"])
    undo = {"uuid": "b", "kind": "undo", "target_uuid": "a"}
    answer = post(ann, "/api/events", {"events": [label("a", item, 1), undo], "next": 1})
    assert numbers(answer["items"]) == [item]


# Search


def test_search_finds_words_in_contents_places_and_classes(ann, project, train):
    item, other = train[:2]
    content = next(project.store.items([item])).content
    place = project.place(item)
    post(ann, "/api/events", {"events": [label("a", item, 0), label("b", other, 1)]})
    find = lambda q: numbers(ann.get("/api/search", params={"q": q}).json())  # noqa: E731
    assert item in find(content.upper())
    assert item in find(place.split(",")[1])
    assert find("CAT") == [item]
    assert find(f"cat {content.split()[-1]}") == [item]
    assert find("cat <i>") == []
    assert find("%") == find("_x") == find("") == find("  ") == []
    assert len(ann.get("/api/search", params={"q": "number", "limit": 3}).json()) == 3


def test_search_knows_capital_letters_of_any_alphabet(ann, project):
    post(ann, "/api/classes", {"action": "add", "value": "Ärger"})
    item = int(np.flatnonzero(project.store.streams() == "train")[0])
    post(ann, "/api/events", {"events": [label("a", item, 2)]})
    assert numbers(ann.get("/api/search", params={"q": "äRGER"}).json()) == [item]


def test_what_is_found_names_the_answers_and_whether_it_may_be_labelled(ann, project, bob, train):
    project.store.append("bob", [ProjectEvent("x", "label", item=train[0], class_id=0)])
    post(ann, "/api/events", {"events": [{"uuid": "y", "kind": "skip", "item": train[1]}]})
    held = project.store.claim("bob", 40)
    project.store.release("bob", [each.token for each in held if each.item == train[2]])
    found = {each["item"]: each for each in ann.get("/api/search", params={"q": "number"}).json()}
    (answer,) = found[train[0]]["answers"]
    assert {**answer, "time": ""} == {
        "uuid": "x", "kind": "label", "class_id": 0, "person": "bob", "time": "", "mine": False,
    }  # fmt: skip
    assert [(each["uuid"], each["class_id"], each["mine"]) for each in found[train[1]]["answers"]] == [
        ("y", None, True)
    ]
    assert [found[item]["open"] for item in train[:4]] == [False, False, True, False]
    assert found[train[2]]["url"] == f"/api/items/{train[2]}/content"


def test_answers_of_others_are_hidden_from_those_who_are_still_to_label_the_item(ann, project, bob, train):
    """Also from a search by the name of their class, and while the person holds the item."""
    project.store.set_need(2)
    project.store.append("bob", [ProjectEvent("x", "label", item=train[0], class_id=0)])
    for _ in range(2):
        found = {each["item"]: each for each in ann.get("/api/search", params={"q": "number"}).json()}
        assert found[train[0]]["answers"] == []
        assert ann.get("/api/search", params={"q": "cat"}).json() == []
        post(ann, "/api/claim", {"items": [train[0]], "how": "search"})
    post(ann, "/api/events", {"events": [label("a", train[0], 1)]})
    assert numbers(ann.get("/api/search", params={"q": "cat"}).json()) == [train[0]]


def test_no_search_shows_an_item_that_measures_unless_the_person_answered_it(ann, project, bob, streams, train, test):
    audit = train[3]
    project.store.start_audit([audit])
    project.store.append("bob", [ProjectEvent("x", "label", item=test[0], class_id=0)])
    everything = ann.get("/api/search", params={"q": "number", "limit": 200}).json()
    assert sorted(numbers(everything)) == sorted({*train} - {audit})
    post(ann, "/api/events", {"events": [label("a", test[0], 1)]})
    found = {each["item"]: each for each in ann.get("/api/search", params={"q": "number", "limit": 200}).json()}
    assert [each["mine"] for each in found[test[0]]["answers"]] == [True]
    assert not found[test[0]]["open"]


def test_no_list_says_what_the_model_predicts(ann, project, train):
    adopt(project, rising(project), vectors=np.eye(40))
    addresses = ("/api/search?q=number", f"/api/items/{train[0]}/similar")
    everything = json.dumps([ann.get(each).json() for each in addresses])
    for word in ("predicted", "prob", "score"):
        assert word not in everything


# Similar items


def test_similar_items_are_ranked_by_the_cosine(ann, project, train, test):
    """Vectors of any length at known angles; one has no direction, and the last items have no features yet."""
    assert ann.get("/api/me").json()["features"] == {"similar": False}
    angles, lengths = np.linspace(0, 3, 40), np.linspace(1, 5, 40)
    vectors = lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vectors[train[1]] = 0
    adopt(project, rising(project), vectors=vectors[:-2])
    assert ann.get("/api/me").json()["features"] == {"similar": True}
    item = train[5]
    found = ann.get(f"/api/items/{item}/similar", params={"limit": 100}).json()
    cosines = {other: np.cos(angles[other] - angles[item]) for other in train if other < 38 and other != item}
    cosines[train[1]] = 0.0
    assert {each["item"]: each["similarity"] for each in found} == pytest.approx(cosines, abs=1e-6)
    similarities = [each["similarity"] for each in found]
    assert similarities == sorted(similarities, reverse=True)
    assert numbers(ann.get(f"/api/items/{item}/similar", params={"limit": 3}).json()) == numbers(found)[:3]
    assert ann.get(f"/api/items/{train[-1]}/similar").status_code == (422 if train[-1] >= 38 else 200)


def test_nothing_is_chosen_by_its_likeness_to_an_item_that_measures(ann, project, test, train):
    adopt(project, rising(project), vectors=np.eye(40))
    post(ann, "/api/events", {"events": [label("a", test[0])]})
    project.store.start_audit([train[3]])
    for item in (test[0], test[1], train[3], 999, 10**30):
        assert ann.get(f"/api/items/{item}/similar").status_code == 422
    assert ann.get("/api/items/-1/similar").status_code == 404
    assert ann.get(f"/api/items/{train[0]}/similar").status_code == 200


# Picked items


@pytest.mark.parametrize("how", ["search", "similar"])
def test_a_picked_item_comes_first_and_its_label_says_how_it_was_chosen(ann, project, train, how, tmp_path):
    first = post(ann, "/api/next", {"n": 2})["items"]
    wanted = [each for each in train if each not in numbers(first)][-1:-4:-1]
    assert numbers(post(ann, "/api/claim", {"items": wanted, "how": how})["items"]) == wanted
    assert numbers(post(ann, "/api/next", {"n": 5})["items"]) == [*wanted, *numbers(first)]
    post(ann, "/api/events", {"events": [label("a", wanted[0])]})
    (event,) = stored(project)
    assert (event.chosen_by, event.chosen_prob, event.prediction_shown) == (how, None, False)
    project.export(tmp_path / "labels.csv", labelled=True)
    with (tmp_path / "labels.csv").open(newline="") as file:
        assert [(each["acquisition"], each["view"]) for each in csv.DictReader(file)] == [(how, "single")]


def test_only_open_items_of_the_training_stream_can_be_picked(ann, project, bob, train, test):
    project.store.start_audit([train[3]])
    project.store.append("bob", [ProjectEvent("x", "label", item=train[0], class_id=0)])
    post(ann, "/api/events", {"events": [{"uuid": "y", "kind": "skip", "item": train[1]}]})
    wanted = [test[0], train[3], train[0], train[1], 999, train[2], train[2]]
    assert numbers(post(ann, "/api/claim", {"items": wanted, "how": "search"})["items"]) == [train[2]]
    assert project.store.items_on_lease() == [train[2]]


def test_an_item_of_the_queue_that_is_picked_keeps_why_it_was_queued(ann, project, train):
    held = post(ann, "/api/next", {"n": 3})["items"]
    wanted = next(each for each in numbers(held) if each in train)
    before = next(each["lease"] for each in held if each["item"] == wanted)
    (picked,) = post(ann, "/api/claim", {"items": [wanted], "how": "search"})["items"]
    assert picked["lease"] == before
    assert numbers(post(ann, "/api/next", {"n": 3})["items"])[0] == wanted
    post(ann, "/api/events", {"events": [label("a", wanted)]})
    assert [each.chosen_by for each in stored(project)] == ["batchbald"]


# Disputes


def disputes(client):
    return {each["item"]: each for each in client.get("/api/disputes").json()}


def test_a_dispute_names_each_persons_class_and_remark_and_is_settled_by_a_decision(ann, project, bob, train):
    project.store.set_need(2)
    ours, same = train[:2]
    project.store.append("bob", [ProjectEvent("x", "label", item=ours, class_id=1, note="striped")])
    project.store.append("bob", [ProjectEvent("y", "label", item=same, class_id=0)])
    note = {"uuid": "n", "kind": "note", "item": ours, "note": "barks"}
    post(ann, "/api/events", {"events": [label("a", ours), label("b", same), note]})
    (found,) = ann.get("/api/disputes").json()
    assert (found["item"], found["url"]) == (ours, f"/api/items/{ours}/content")
    assert found["answers"] == [
        {"person": "ann", "class_id": 0, "note": "barks"},
        {"person": "bob", "class_id": 1, "note": "striped"},
    ]
    decided = {"uuid": "d", "kind": "adjudicate", "item": ours, "class_id": 1}
    post(ann, "/api/events", {"events": [decided]})
    assert disputes(ann) == {}
    assert take_snapshot(project).train[ours] == 1
    post(ann, "/api/events", {"events": [{"uuid": "e", "kind": "undo", "target_uuid": "d"}]})
    assert {*disputes(ann)} == {ours}
    post(ann, "/api/classes", {"action": "merge", "class_id": 1, "value": 0})
    assert disputes(ann) == {}


def test_whoever_is_still_to_label_an_item_sees_no_dispute_about_it(ann, project, bob, train):
    project.store.set_need(3)
    project.store.add_person("cem")
    for uuid, person, class_id in (("x", "bob", 0), ("y", "cem", 1)):
        project.store.append(person, [ProjectEvent(uuid, "label", item=train[0], class_id=class_id)])
    assert disputes(ann) == {}
    post(ann, "/api/claim", {"items": [train[0]], "how": "search"})
    assert disputes(ann) == {}
    post(ann, "/api/classes", {"action": "add", "value": "third"})
    post(ann, "/api/events", {"events": [label("a", train[0], 2)]})
    assert {*disputes(ann)} == {train[0]}
    post(ann, "/api/events", {"events": [label("b", train[0], 1)]})
    assert disputes(ann) == {}  # two of three


@pytest.mark.parametrize("seed", range(8))
def test_disputes_are_those_of_the_consensus(project, seed):
    """Of any labels, skips, undos, decisions and merges."""
    draw = random.Random(seed)
    store, names, uuids = project.store, ("ann", "bob", "cem"), []
    for name in names:
        store.add_person(name)
    for name in "xyz":
        store.add_class(name)
    for turn in range(120):
        person, item, kind = draw.choice(names), draw.randrange(12), draw.choice(["label"] * 6 + ["skip", "adjudicate"])
        class_id = None if kind == "skip" else draw.randrange(5)
        events = [ProjectEvent(f"{turn}", kind, item=item, class_id=class_id)]
        if uuids and draw.random() < 0.3:
            target, person = draw.choice(uuids)
            events = [ProjectEvent(f"{turn}", "undo", target_uuid=target)]
        else:
            uuids.append((f"{turn}", person))
        store.append(person, events)
    store.change_class(4, "merge", 3)
    store.change_class(2, "retire")
    found = store.read(lambda connection: read_disputed(connection, 0, 40))
    assert sorted(found) == sorted(take_snapshot(project).disputed)
