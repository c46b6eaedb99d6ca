"""The dashboard in a browser: its answer is on the first screen, and it fits, is quiet and asks nobody else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from page_actions import contrast, read_text_colours

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
SIZES = {"a notebook": (1280, 800), "a telephone": (390, 844), "a wide screen": (1920, 1080)}
ANSWER = "#how-good, #accuracy, #interval, #next, #stop, .signs li:last-child"
"""What must be on the first screen."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 240 rows with 160 labels, 53 of them test labels, and models; one class has a very long name."""
    home = tmp_path_factory.mktemp("dashboard")
    points = np.random.default_rng(0).normal(size=(240, 2)) + 2 * (np.arange(240) % 2)[:, None]
    lines = "\n".join(f"{x:.3f},{y:.3f}" for x, y in points)
    (home / "rows.csv").write_text(f"a,b\n{lines}\n")
    classes = ["even", "odd" + "-and-a-name-without-an-end" * 4]
    made = Project.create(
        home / "p", home / "rows.csv", features=["a", "b"], classes=classes, keys=["e", "o"], target=0.9
    )
    with made as project:
        for _ in range(8):
            for lease in project.ask(20):
                wrong = lease.item % 13 == 0
                project.tell({lease.item: classes[(lease.item + wrong) % 2]})
            project.train()
    return home / "p"


@pytest.fixture(scope="module")
def link(folder, serve_desk):
    with Project.open(folder) as project, Desk(project, lockstep=True) as desk, serve_desk(desk) as link:
        yield link


@pytest.fixture(scope="module")
def cookies(browser, link):
    """The cookies of a person who came in."""
    context = browser.new_context()
    context.new_page().goto(link)
    found = context.cookies()
    context.close()
    return found


@pytest.fixture
def visit(browser, link, cookies):
    """Open the dashboard; return the page, what the console said, and the addresses that it requested."""
    contexts = []

    def visit(size, scheme="light"):
        context = browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme)
        contexts.append(context)
        context.add_cookies(cookies)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(link.split("/launch")[0] + "/status")
        return page, said, asked

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_first_screen_holds_the_answer_and_nothing_scrolls_sideways(visit, size, scheme):
    page, said, _ = visit(size, scheme)
    for part in page.locator(ANSWER).all():
        box = part.bounding_box()
        assert box["width"] > 0
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1], part.text_content()
    assert len(page.locator(ANSWER).all()) == 6
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert page.locator(".scroll").count() >= 1
    for table in page.locator(".scroll").all():
        assert table.evaluate("(each) => each.scrollWidth <= each.clientWidth"), table.text_content()
    assert said == []


def test_no_request_leaves_the_machine(visit, link):
    page, _, asked = visit(SIZES["a notebook"])
    page.wait_for_load_state("networkidle")
    origin = link.split("/launch")[0]
    assert {*asked} >= {f"{origin}/status", f"{origin}/static/dashboard.css"}
    assert all(each.startswith(f"{origin}/") for each in asked)


def test_all_can_be_reached_by_the_keyboard_with_a_focus_that_is_seen(visit):
    page, _, _ = visit(SIZES["a notebook"])
    wanted = page.locator("a, summary, #judge").count()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const each = document.activeElement, all = [...document.querySelectorAll("a, summary, #judge")];
                return [all.indexOf(each), getComputedStyle(each).outlineStyle, each.getBoundingClientRect().left >= 0];
            }"""
        )
        if found[0] >= 0:
            assert found[1] != "none"
            assert found[2]
            reached.add(found[0])
    assert len(reached) == wanted
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").first.is_visible()


def test_suspects_are_judged_again_blind_with_one_key_each(visit, folder, link):
    page, said, asked = visit(SIZES["a notebook"])
    before = len(json.loads(page.locator("#judge").get_attribute("data-items")))
    assert before >= 1
    with Project.open(folder) as project:
        first = project.status().suspects[0]
        known = {each.uuid for each in project.store.events()}
    page.locator("#judge").focus()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")  # held: nothing in the dialog is pressed
    page.keyboard.up("Enter")
    assert page.evaluate("document.activeElement.id") == "judging"
    dialog, left = page.locator("#judging"), page.locator("#judging-place")
    sync_api.expect(left).to_contain_text(f"{before} left")
    assert first.place in left.text_content()
    assert dialog.locator("#judging-item th").all_text_contents() == ["a", "b"]
    buttons = dialog.locator("#judging-classes button").all()
    assert [each.get_attribute("class") for each in buttons] == [None, None]  # none stands out
    page.keyboard.down("e")
    page.keyboard.down("e")  # held: the second press repeats
    page.keyboard.up("e")
    if before > 1:
        sync_api.expect(left).to_contain_text(f"{before - 1} left")
        page.keyboard.press("Escape")
    sync_api.expect(dialog).to_be_hidden()
    with Project.open(folder) as project:
        (new,) = [each for each in project.store.events() if each.uuid not in known]
        assert (new.kind, new.item, new.class_id, new.person) == ("label", first.item, 0, "ann")
        assert new.prediction_shown is False
        assert new.shown_ms is not None
        assert first.item not in {each.item for each in project.status().suspects}
    assert said == []
    assert all(each.startswith(link.split("/launch")[0]) for each in asked)


def test_text_has_the_contrast_that_people_need(visit):
    """Contrast of at least 4.5 to 1 for all text, in light and dark (WCAG 2.2, 1.4.3)."""
    for scheme in ("light", "dark"):
        page, _, _ = visit(SIZES["a notebook"], scheme)
        pairs = read_text_colours(page)
        assert len(pairs) > 50
        low = [(text, colours) for text, *colours in pairs if contrast(*colours) < 4.5]
        assert low == []
