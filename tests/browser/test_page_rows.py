"""Rows of a table on the labelling page: in the project's order, side by side where there are many columns."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from page_actions import press, shown, wait_until_stored

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
WORDS = "word"
NAMES = [*(f"x{column}" for column in range(33)), "2", "10", WORDS]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("rows")
    values = np.random.default_rng(0).integers(0, 1000, (80, len(NAMES) - 1)).tolist()
    with (home / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *([*row, f"number{at} {'long ' * 300}"] for at, row in enumerate(values))])
    with Project.create(home / "p", home / "rows.csv", features=NAMES, classes=["cat", "dog"]) as project:
        yield project


@pytest.fixture
def open_page(project, serve_desk, enter):
    with Desk(project, lockstep=True) as desk, serve_desk(desk) as link:
        yield lambda size: enter(link, size)


def values_of(project, item):
    return json.loads(next(project.store.items([item])).content)


def test_columns_have_the_order_of_the_project_wherever_a_row_is_shown(project, open_page):
    page = open_page((1280, 800))
    item = page.locator("#item")
    values = values_of(project, shown(page))
    assert item.locator("th").all_text_contents() == NAMES
    assert item.locator("td").all_text_contents() == [str(values[name]) for name in NAMES]
    said = page.locator("#announce").text_content()
    assert said.startswith(f"Next item: x0 {values['x0']}, x1 {values['x1']}, x2 {values['x2']}, ")
    press(page, "1")
    wait_until_stored(page)
    page.keyboard.press("Shift+H")
    page.locator("dialog li th").first.wait_for()
    assert page.locator("dialog li").first.locator("th").all_text_contents() == NAMES
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+S")
    page.keyboard.type("long")
    page.locator("dialog li th").first.wait_for()
    found = page.locator("dialog li .thumb").first.locator("th").all_text_contents()
    assert found == NAMES[: len(found)]  # of a large row the first values
    assert len(found) >= 10


@pytest.mark.parametrize(("size", "side_by_side"), [((1280, 800), 3), ((390, 844), 1)], ids=["wide", "a telephone"])
def test_many_columns_stand_side_by_side_and_all_can_be_reached(open_page, size, side_by_side):
    page = open_page(size)
    box = page.locator("#item")
    lefts = {round(each.bounding_box()["x"]) for each in box.locator("th").all()}
    assert len(lefts) >= side_by_side
    assert box.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    last = box.locator("th").last
    for _ in range(40):
        page.keyboard.press("PageDown")
    inner, around = last.bounding_box(), box.bounding_box()
    assert inner["y"] < around["y"] + around["height"]
    assert around["x"] <= inner["x"] < around["x"] + around["width"]
