"""What the page says of how far the labelling is, of the model and of similar items; and undo without a limit."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from page_actions import events, label_many, press, shown, wait_for_item, wait_until, wait_until_stored

from lindley.labelling.audit import draw_audit
from lindley.labelling.desk import Desk
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
OPEN = {"labelled": 300, "items": 100_000, "target_labels": None, "audit": None}
WANTED = {**OPEN, "target_labels": 900}
AUDIT = {**OPEN, "audit": {"labelled": 12, "items": 60}}
ROUND = {"labels": 10, "seconds": 30}
NO_MODEL = {"epoch": 1, "version": None, "state": "idle", "labels_behind": 3}
MODEL = {"epoch": 4, "version": "r4", "state": "idle", "labels_behind": 1}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("progress")
    (home / "texts.csv").write_text("text\n" + "\n".join(f"text number{row} of {row * row}" for row in range(600)))
    with Project.create(home / "p", home / "texts.csv", text="text", classes=["cat", "dog"]) as project:
        project.train()  # the first items are ordered
        yield project


@pytest.fixture
def page(project, serve_desk, enter):
    """A page whose server trains on request only."""
    with Desk(project, lockstep=True) as desk, serve_desk(desk) as link:
        yield enter(link)


def call(page, module, name, *arguments):
    """Call a function of a module of the page."""
    code = "async ([module, name, given]) => (await import(`/static/${module}.js`))[name](...given)"
    return page.evaluate(code, [module, name, list(arguments)])


def test_the_first_model_is_announced_in_the_words_of_one_state(page):
    """None of them says that there is no model and that one is trained."""
    said = [
        call(page, "progress", "modelText", {**NO_MODEL, **more}, ROUND)
        for more in (
            {},
            {"state": "training"},
            {"state": "training", "labels_behind": 0},
            {"state": "training", "epoch": 0},
            {"state": "training", "epoch": 0, "labels_behind": 40},
            {"state": "failed"},
        )
    ]
    none, training = "no model yet: it starts at 10 training labels", "training the first model…"
    assert said == [none, training, none, none, training, "no model yet: the training failed, see Status"]


def test_a_model_says_how_many_labels_it_does_not_know(page):
    states = [{}, {"labels_behind": 0}, {"labels_behind": 12, "state": "training"}, {"state": "failed"}]
    assert [call(page, "progress", "modelText", {**MODEL, **more}, ROUND) for more in states] == [
        "model r4, 1 label since",
        "model r4, up to date",
        "model r4, 12 labels since, training a new one…",
        "model r4, 1 label since; the last training failed, see Status",
    ]


def test_time_left_is_that_to_a_target_or_to_the_end_of_an_audit(page):
    said = [call(page, "progress", "paceText", progress, 20) for progress in (OPEN, WANTED, AUDIT)]
    assert said == ["20 a minute", "20 a minute, 30 minutes left", "20 a minute, 3 minutes left"]
    assert call(page, "progress", "paceText", WANTED, 2) == "2.0 a minute, 5.0 hours left"
    assert call(page, "progress", "paceText", WANTED, None) == ""
    said = [call(page, "progress", "progressText", progress) for progress in (OPEN, WANTED, AUDIT)]
    assert said == ["300 of 100,000", "300 of 900 wanted", "audit: 12 of 60; 300 of 100,000"]


def test_a_similarity_below_one_is_not_shown_as_one(page):
    cosines = [1, 0.99999999, 0.9999, 0.998, 0.5, -0.25]
    assert [call(page, "finder", "similarityText", each) for each in cosines] == [
        "same features",
        "same features",
        "similarity 0.999",
        "similarity 0.998",
        "similarity 0.500",
        "similarity -0.250",
    ]


def test_undo_goes_back_over_all_answers_of_a_person_page_by_page(page, project):
    """More answers than two pages of the history; an answer that was undone already is left out, and so are others'."""
    project.store.add_person("bob")
    train = 3 * np.flatnonzero(project.store.streams() == "train").tolist()[:370]
    assert len(train) > 2 * 500
    labels = [ProjectEvent(uuid4().hex, "label", item=item, class_id=0) for item in train]
    project.store.append("ann", labels)
    project.store.append("ann", [ProjectEvent(uuid4().hex, "undo", target_uuid=labels[-3].uuid)])
    project.store.append("bob", [ProjectEvent(uuid4().hex, "label", item=train[-3], class_id=1)])
    undone = page.evaluate(
        """async () => {
            const { Labeller } = await import("/static/labeller.js");
            const { readPast } = await import("/static/history.js");
            const { request } = await import("/static/api.js");
            const added = [], app = { request, me: { kind: "text" } };
            const clock = { start() {}, read: () => ({}), count() {} };
            const labeller = new Labeller({ add: (each) => added.push(each), onItem() {}, clock,
                readPast: (before) => readPast(app, before) });
            while (await labeller.undo());
            return added.map((each) => each.target_uuid);
        }"""
    )
    wanted = [each.uuid for each in reversed(labels) if each is not labels[-3]]
    assert undone == wanted


def test_undo_waits_for_answers_that_are_on_their_way_and_undoes_each_once(page, project):
    first = label_many(page, 2)
    wait_until_stored(page)
    page.reload()
    wait_for_item(page)
    held, is_slow = [], True
    page.route("**/api/events", lambda route: held.append(route) if is_slow else route.continue_())
    last, after = press(page, "1")
    page.keyboard.press("u")
    page.locator(f'#item[data-item="{last}"]').wait_for()
    page.keyboard.press("u")  # of an answer that only the server knows
    page.keyboard.press("u")
    wait_until(lambda: held or page.wait_for_timeout(20))
    is_slow = False
    held[0].continue_()
    page.locator(f'#item[data-item="{first[0]}"]').wait_for()
    wait_until_stored(page)
    labels = {each.uuid: each.item for each in events(project, "label") if each.person == "ann"}
    undone = [labels[each.target_uuid] for each in events(project, "undo")[-3:]]
    assert undone == [last, first[1], first[0]]
    assert shown(page) == first[0]
    assert after != last


def test_an_audit_under_way_is_in_sight_and_its_items_are_counted(project, serve_people, enter):
    drawn = draw_audit(project, 5)
    with Desk(project, lockstep=True) as desk, serve_people(desk, ["cem"]) as links:
        page = enter(links["cem"])
        page.locator("#progress", has_text="audit: 0 of 5").wait_for()
        assert press(page, "1")[0] in drawn
        page.locator("#progress", has_text="audit: 1 of 5").wait_for()
        assert page.locator("#bar").evaluate("(each) => [each.value, each.max]") == [1, 5]


def test_an_open_page_hears_of_classes_that_others_change(page, project):
    """The class that was chosen stays marked, and the next key is that of the new name."""
    item, after = press(page, "2")
    page.keyboard.press("u")
    wait_for_item(page, after)
    marked = page.locator('#classes [aria-pressed="true"]')
    assert marked.get_attribute("data-class") == "1"
    added = project.store.add_class("bird")
    project.store.change_class(0, "rename", "kitten")
    page.locator("#classes [data-class] span", has_text="bird").wait_for()
    names = page.locator("#classes [data-class] span")
    names.filter(has_text="kitten").wait_for()
    assert names.all_text_contents() == ["kitten", "dog", "bird"]
    page.locator("#state", has_text="The classes have changed").wait_for()
    assert marked.get_attribute("data-class") == "1"
    page.keyboard.press(next(each.hotkey for each in project.store.classes() if each.id == added))
    wait_for_item(page, item)
    wait_until_stored(page)
    assert [each.class_id for each in events(project, "label") if each.item == item][-1] == added
    project.store.change_class(added, "merge", 1)
    names.filter(has_text="bird").wait_for(state="detached")
