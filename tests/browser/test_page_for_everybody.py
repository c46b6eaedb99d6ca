"""The labelling page on a telephone, in light and dark, and for a screen reader."""

from __future__ import annotations

from itertools import chain
from uuid import uuid4

import numpy as np
import pytest
from page_actions import contrast, label_many, press, read_text_colours, wait_for_item, wait_until_stored
from PIL import Image

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
CLASSES = [f"class {name}" for name in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")]
PHONE, NOTEBOOK = (390, 844), (1280, 800)
SCREENS = {
    "history": "Shift+H",
    "find": "Shift+S",
    "similar": "Shift+L",
    "grid": "Shift+G",
    "disputes": "Shift+D",
    "classes": "Shift+C",
    "help": "?",
    "skip": "s",
    "note": "Shift+N",
    "search": "/",
}
CONTROLS = "button, a, input, textarea, select, progress, img"
NAMELESS = """(controls) => [...document.querySelectorAll(`${controls}, dialog[open], nav`)].filter((each) => {
    const of = each.getAttribute("aria-labelledby");
    const name = each.getAttribute("aria-label") || (of && document.getElementById(of).textContent)
        || each.alt || each.textContent;
    return each.checkVisibility() && !name?.trim();
}).map((each) => each.outerHTML)"""
OUTSIDE = """(controls) => [...document.querySelectorAll(`${controls}, h2, p, li, td`)].filter((each) => {
    const box = each.getBoundingClientRect(), isApart = each.closest("#item, .unseen");
    return each.checkVisibility() && !isApart && box.width > 0 && (box.left < 0 || box.right > innerWidth + 0.5);
}).map((each) => each.outerHTML)"""
SIDEWAYS = """() => [...document.querySelectorAll("html, header, main, nav, .content, .lines, .tiles")].filter((each) =>
    each.checkVisibility() && each.scrollWidth > each.clientWidth + 1).map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Images with long names, of which ann and bob have answered one differently; two people label each."""
    home = tmp_path_factory.mktemp("everybody")
    folder = home / "pictures" / "a folder with a long name, as people have them"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for row in range(150):
        pixels = random.integers(60 * (row % 2), 150 + 60 * (row % 2), (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{'photo_of_something' * 3}_{row}.png")
    made = Project.create(home / "p", home / "pictures", classes=CLASSES, overlap=2)
    with made as project:
        train = np.flatnonzero(project.store.streams() == "train").tolist()
        for person, classes in (("ann", [0, 1, 0, 1] * 3), ("bob", [1, 1, 0, 1] * 3)):
            project.store.add_person(person)
            labels = [
                ProjectEvent(uuid4().hex, "label", item=item, class_id=each)
                for item, each in zip(train, classes, strict=False)
            ]
            project.store.append(person, labels)
        project.train()
        yield project


@pytest.fixture
def link(project, serve_desk):
    with Desk(project, lockstep=True) as desk, serve_desk(desk) as link:
        yield link


def open_screens(page):
    """Yield the name of each screen while it is open."""
    for name, key in SCREENS.items():
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        if name == "grid":
            page.keyboard.press("Enter")
            page.locator(".tile").first.wait_for()
        if name == "find":
            page.keyboard.type("photo")
        if name in ("find", "history", "similar"):
            page.locator("dialog li").nth(2).wait_for()
        yield name
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")


def skip_test_items(page, project):
    """More like this is not offered for items that measure the model."""
    streams = project.store.streams()
    while streams[wait_for_item(page)] != "train":
        press(page, "1")
    wait_until_stored(page)


def test_on_a_telephone_all_is_in_sight_and_nothing_scrolls_sideways(project, link, enter):
    page = enter(link, PHONE, has_touch=True, is_mobile=True)
    label_many(page, 4)
    skip_test_items(page, project)
    for name in chain(["the page"], open_screens(page)):
        assert page.evaluate(OUTSIDE, CONTROLS) == [], name
        assert page.evaluate(SIDEWAYS) == [], name
        if name == "grid":
            tops = page.locator(".tile").evaluate_all("(all) => all.map((each) => each.offsetTop)")
            assert tops.count(tops[0]) in (2, 3)
            confirm = page.get_by_role("button", name="Label ").bounding_box()
            assert confirm["y"] + confirm["height"] <= PHONE[1]  # without scrolling
    header = page.locator("body > header").bounding_box()
    assert header["height"] < 60  # two lines
    for part in ("#progress", "#pace", "#model", "#menu"):
        box = page.locator(part).bounding_box()
        assert box["width"] > 0
        assert box["y"] + box["height"] <= header["height"]
    for each in page.locator("#classes button").all():
        box = each.bounding_box()
        assert box["y"] > PHONE[1] / 2  # where a thumb is
        assert box["y"] + box["height"] <= PHONE[1]
        assert min(box["width"], box["height"]) >= 44
    page.locator("#menu").tap()
    page.get_by_role("dialog").get_by_role("button", name="History").tap()
    page.get_by_role("dialog", name="Your answers").wait_for()


def test_what_the_page_says_moves_no_button(project, link, enter):
    page = enter(link, PHONE)
    before = page.locator("#classes button").first.bounding_box()
    page.keyboard.press("Shift+P")
    page.locator("#prediction", has_text="The model says").wait_for()
    page.locator("#state").evaluate("(each) => { each.textContent = 'A long sentence about something. '.repeat(6); }")
    assert page.locator("#classes button").first.bounding_box() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, NOTEBOOK], ids=["a telephone", "a notebook"])
def test_all_text_has_contrast_and_all_has_a_name(project, link, enter, size, scheme):
    """Contrast of at least 4.5 to 1 for all text (WCAG 2.2, 1.4.3); a screen reader names all controls."""
    page = enter(link, size, color_scheme=scheme)
    label_many(page, 3)
    skip_test_items(page, project)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark")
    for name in chain(["body"], open_screens(page)):
        pairs = read_text_colours(page, "body" if name == "body" else "dialog")
        assert len(pairs) >= 3
        assert [(text, colours) for text, *colours in pairs if contrast(*colours) < 4.5] == [], name
        assert page.evaluate(NAMELESS, CONTROLS) == [], name


def test_one_choice_of_colours_holds_on_both_pages(link, enter):
    page = enter(link, color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    button = page.get_by_role("button", name="Colours")
    button.click()
    button.click()
    assert button.text_content() == "Colours: dark"
    dark = page.evaluate(colour)
    assert dark != light
    page.get_by_role("link", name="Status").click()
    page.get_by_role("heading", name="How good").first.wait_for()
    assert page.get_by_role("button", name="Colours").text_content() == "Colours: dark"
    assert page.evaluate(colour) == dark
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours").click()
    assert page.evaluate(colour) == light
    page.get_by_role("link", name="Label items").first.click()
    wait_for_item(page)
    assert page.get_by_role("button", name="Colours").text_content() == "Colours: light"
    assert page.evaluate(colour) == light
