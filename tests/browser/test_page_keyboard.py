"""A whole run by keyboard alone: no event of a mouse, and a focus that is always seen."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from page_actions import events, press, shown, training_beside, wait_for_item, wait_until_stored

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
NAMES = ["cat", "dog", "a rare bird"]
COUNT_POINTERS = """
    window.pointers = [];
    for (const name of ["pointerdown", "pointermove", "mousedown", "mousemove", "wheel", "touchstart"]) {
        addEventListener(name, () => window.pointers.push(name), true);
    }
"""
FOCUS = """() => {
    const each = document.activeElement, box = each.getBoundingClientRect(), style = getComputedStyle(each);
    const isOutlined = style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 1;
    return each !== document.body && box.width > 0 && isOutlined;
}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Texts, of which ann and bob have answered one differently; two people label each."""
    home = tmp_path_factory.mktemp("keyboard")
    texts = [f"{NAMES[row % 2]} number{row} of {row * row}" for row in range(120)]
    (home / "texts.csv").write_text("text\n" + "\n".join(texts) + "\n")
    with Project.create(home / "p", home / "texts.csv", text="text", classes=NAMES, overlap=2) as project:
        train = np.flatnonzero(project.store.streams() == "train").tolist()
        for person, classes in (("ann", [0, 1, 0, 1]), ("bob", [1, 1, 0, 1])):
            project.store.add_person(person)
            given = zip(train, classes, strict=False)
            labels = [ProjectEvent(uuid4().hex, "label", item=item, class_id=each) for item, each in given]
            project.store.append(person, labels)
        project.train()
        yield project


def test_a_whole_run_by_keyboard_alone(project, serve_desk, enter, record_property):
    with Desk(project) as desk, serve_desk(desk) as link:
        page = enter(link)
        page.add_init_script(COUNT_POINTERS)
        page.reload()
        wait_for_item(page)
        with training_beside(desk, record_property):
            for part in (label, search, skip, remark, undo_and_redo, change_history, find, confirm, settle, read_help):
                part(page, project)
                assert page.evaluate(FOCUS), part.__name__
            tab_through(page)
        assert page.evaluate("window.pointers") == []


def of(project, kind, item):
    return [each for each in events(project, kind) if each.item == item and each.person == "ann"]


def key(page, name):
    """Press a key; the focus must be seen, if nothing else is."""
    page.keyboard.press(name)
    assert page.evaluate(FOCUS), name


def close(page):
    key(page, "Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def label(page, project):
    items = [press(page, "12"[row % 2])[0] for row in range(6)]
    wait_until_stored(page)
    assert [of(project, "label", item)[-1].class_id for item in items] == [0, 1] * 3


def search(page, project):
    item = shown(page)
    key(page, "/")
    page.keyboard.type("rare")
    key(page, "ArrowDown")
    key(page, "Enter")
    wait_for_item(page, item)
    wait_until_stored(page)
    assert of(project, "label", item)[-1].class_id == 2


def skip(page, project):
    item = shown(page)
    key(page, "s")
    key(page, "Tab")
    key(page, "3")
    wait_for_item(page, item)
    wait_until_stored(page)
    assert of(project, "skip", item)[-1].payload["reason"] == "broken"


def remark(page, project):
    item = shown(page)
    key(page, "Shift+F")
    key(page, "Shift+N")
    page.keyboard.type("1 or 2?")
    key(page, "Escape")
    page.locator("#state", has_text="The note is not saved: Shift+N opens its draft.").wait_for()
    key(page, "Shift+N")
    page.keyboard.type(" blurred")
    key(page, "Control+Enter")
    page.locator("#state", has_text="The note is kept.").wait_for()
    key(page, "Shift+N")
    assert page.get_by_label("Note", exact=True).input_value() == ""
    key(page, "Escape")
    page.locator("#state", has_text="The note is kept.").wait_for()
    wait_until_stored(page)
    assert shown(page) == item
    assert len(of(project, "flag", item)) == 1
    assert [each.note for each in of(project, "note", item)] == ["1 or 2? blurred"]


def undo_and_redo(page, project):
    item, after = press(page, "1")
    key(page, "u")
    wait_for_item(page, after)
    assert shown(page) == item
    key(page, "Shift+U")
    wait_for_item(page, item)
    key(page, "Control+z")
    wait_for_item(page, after)
    key(page, "Control+y")
    wait_for_item(page, item)
    wait_until_stored(page)
    assert [each.class_id for each in of(project, "label", item)] == [0, 0, 0]
    assert len(events(project, "undo")) == 2


def change_history(page, project):
    item, _ = press(page, "1")
    wait_until_stored(page)
    key(page, "Shift+H")
    page.keyboard.type(f"number{item} ")
    line = page.locator("dialog li", has_text=f"number{item} ")
    line.get_by_role("button").wait_for()
    while not line.get_by_role("button").evaluate("(each) => each === document.activeElement"):
        key(page, "Tab")
    key(page, "Enter")
    page.locator(f'#item[data-item="{item}"]').wait_for()
    press(page, "2")
    wait_until_stored(page)
    assert [each.class_id for each in of(project, "label", item)] == [0, 1]


def find(page, project):
    key(page, "Shift+S")
    page.keyboard.type("dog")
    first = page.get_by_role("button", name="Label it").first
    first.wait_for()
    while not first.evaluate("(each) => each === document.activeElement"):
        key(page, "Tab")
    key(page, "Enter")
    page.locator("#state", has_text="1 of 1 items are next").wait_for()
    item, _ = press(page, "2")
    wait_until_stored(page)
    assert of(project, "label", item)[-1].chosen_by == "search"


def confirm(page, project):
    before = len(events(project, "label"))
    for name in NAMES[:2]:
        key(page, "Shift+G")
        page.keyboard.type(name)
        key(page, "Enter")
        page.get_by_role("heading", name=f"look like {name}").wait_for()
        if (count := page.locator(".tile").count()) > 1:
            break
        close(page)
    key(page, "ArrowRight")
    key(page, " ")
    page.get_by_role("button", name=f"Label {count - 1} as").wait_for()
    key(page, "Enter")
    wait_until_stored(page)
    given = events(project, "label")[before:]
    assert len(given) == count - 1 > 0
    assert all(each.payload["view"] == "grid" for each in given)

    undone = len(events(project, "undo"))
    key(page, "u")  # all that was confirmed at once
    wait_until_stored(page)
    assert {each.target_uuid for each in events(project, "undo")[undone:]} == {each.uuid for each in given}
    assert shown(page) == given[0].item
    key(page, "Control+y")
    wait_for_item(page, given[0].item)
    wait_until_stored(page)
    again = events(project, "label")[before + len(given) :]
    assert [each.item for each in again] == [each.item for each in given]
    assert all(each.prediction_shown and each.payload["view"] == "grid" for each in again)


def settle(page, project):
    key(page, "Shift+D")
    page.get_by_role("dialog", name="Disagreements: 1 left").wait_for()
    choice = page.get_by_role("dialog").get_by_role("button", name="cat")
    while not choice.evaluate("(each) => each === document.activeElement"):
        key(page, "Tab")
    key(page, "Enter")
    page.get_by_text("People agree").wait_for()
    assert page.evaluate(FOCUS)
    close(page)
    wait_until_stored(page)
    assert [each.class_id for each in events(project, "adjudicate")] == [0]


def read_help(page, project):
    item = shown(page)
    key(page, "?")
    page.get_by_role("dialog", name="Help").wait_for()
    key(page, "1")
    key(page, "Tab")
    close(page)
    key(page, "?")
    key(page, "?")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert shown(page) == item


def tab_through(page):
    """Tab reaches every button and link of the page, and shows where it is."""
    wanted = page.locator("a:visible, button:visible").count()
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('a, button')"):
            assert page.evaluate(FOCUS)
            reached.add(page.evaluate("document.activeElement.textContent"))
    assert len(reached) == wanted
