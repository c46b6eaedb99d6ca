"""Images on the labelling page: small ones enlarged with sharp pixels, large ones fitted, zoomed and moved."""

from __future__ import annotations

import io

import numpy as np
import pytest
from page_actions import events, open_found, press, shown, training_beside, wait_for_item, wait_until_stored
from PIL import Image

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
RANDOM = np.random.default_rng(0)
SMALL = {f"small {row}.png": RANDOM.integers(0, 256, (32, 32, 3), dtype=np.uint8) for row in range(40)}
LARGE = "fields & trees/large.png"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("images")
    (home / "pictures" / "fields & trees").mkdir(parents=True)
    for name, pixels in SMALL.items():
        Image.fromarray(pixels).save(home / "pictures" / name)
    stripes = np.tile(np.uint8([[[255], [0]]]).repeat(8, 1), (1, 500, 3))  # 8,000 pixels wide
    Image.fromarray(np.repeat(stripes, 1000, 0)).save(home / "pictures" / LARGE)
    with Project.create(home / "p", home / "pictures", classes=["cat", "dog"], seed=1) as project:
        for lease in project.ask(6):
            if project.places([lease.item])[lease.item] != LARGE:
                project.tell({lease.item: ("cat", "dog")[lease.item % 2]})
        project.train()
        yield project


@pytest.fixture(scope="module")
def desk(project):
    with Desk(project) as desk:
        yield desk


@pytest.fixture
def page(desk, serve_desk, enter):
    with serve_desk(desk) as link:
        yield enter(link)


def image_box(page):
    return page.locator("#item img").bounding_box()


def test_a_small_image_is_enlarged_by_a_whole_number_with_sharp_pixels(page, project):
    place = page.locator("#item img").get_attribute("alt")
    if place == LARGE:
        press(page, "1")
        place = page.locator("#item img").get_attribute("alt")
    box, around = image_box(page), page.locator("#item").bounding_box()
    factor = int(box["width"]) // 32
    assert (box["width"], box["height"]) == (32 * factor, 32 * factor)
    assert factor >= 2
    assert (factor + 1) * 32 > min(around["width"], around["height"])  # as large as it may be
    left, top = round(box["x"]), round(box["y"])
    seen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    enlarged = np.kron(SMALL[place], np.ones((factor, factor, 1), dtype=np.uint8))
    assert np.array_equal(seen[top : top + 32 * factor, left : left + 32 * factor], enlarged)
    assert page.locator("#place").text_content() == place


def test_a_large_image_fits_is_shown_in_full_pixels_and_is_moved_by_keys(page, project, desk, record_property):
    with training_beside(desk, record_property):
        open_found(page, "large")
        page.locator(f'#item.fitted img[alt="{LARGE}"]').wait_for()
        item = shown(page)
        around, fitted = page.locator("#item").bounding_box(), image_box(page)
        assert fitted["x"] >= around["x"]
        assert fitted["x"] + fitted["width"] <= around["x"] + around["width"]
        assert fitted["y"] + fitted["height"] <= around["y"] + around["height"]
        full = page.locator("#item img").evaluate("(each) => each.naturalWidth")
        assert full > 1.5 * fitted["width"]
        for change in (lambda: page.keyboard.press("="), lambda: page.locator("#item img").click()):
            change()
            assert image_box(page)["width"] == full
            before = image_box(page)["x"]
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            assert image_box(page)["x"] < before
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowLeft")
            assert image_box(page)["x"] == before
            change()
            assert image_box(page) == fitted
        page.keyboard.press("+")
        assert image_box(page)["width"] == pytest.approx(1.5 * fitted["width"], abs=1)
        page.keyboard.press("-")
        assert image_box(page)["width"] == pytest.approx(fitted["width"], abs=1)
        assert shown(page) == item
        assert not [each for each in events(project, "label") if each.item == item and each.person == "ann"]


def test_a_mouse_that_drags_moves_an_image_and_does_not_zoom_it(page):
    page.keyboard.press("=")
    for _ in range(3):
        page.keyboard.press("+")
    before, around = image_box(page), page.locator("#item").bounding_box()
    page.mouse.move(around["x"] + 300, around["y"] + 200)
    page.mouse.down()
    page.mouse.move(around["x"] + 260, around["y"] + 170, steps=4)
    page.mouse.up()
    after = image_box(page)
    assert (after["x"], after["y"], after["width"]) == (before["x"] - 40, before["y"] - 30, before["width"])


def test_an_image_that_fits_still_fits_where_the_window_or_the_words_below_it_change(page):
    page.keyboard.press("Shift+P")
    page.locator("#prediction", has_text="The model says").wait_for()
    for size in ((1280, 800), (390, 844), (700, 500)):
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        page.locator("#item.fitted").wait_for()
        overflow = "(each) => [each.scrollWidth - each.clientWidth, each.scrollHeight - each.clientHeight]"
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.locator("#item").evaluate(overflow) == [0, 0]


def test_the_file_of_an_image_is_named_in_the_history_and_where_it_is_found(page, project):
    item, _ = press(page, "1")
    wait_until_stored(page)
    place = project.places([item])[item]
    page.keyboard.press("Shift+H")
    line = page.locator("dialog li").first
    line.get_by_text(place, exact=True).wait_for()
    assert line.locator("img").get_attribute("alt") == place
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+S")
    page.keyboard.type("small 1")
    lines = page.locator("dialog li:has(img)")
    lines.first.wait_for()
    for each in lines.all():
        each.get_by_text(each.locator("img").get_attribute("alt"), exact=True).wait_for()
    page.keyboard.press("Escape")
    wait_for_item(page)


def test_an_image_that_is_gone_says_so_and_so_does_a_key_of_a_class(page, project):
    streams, held = project.store.streams(), {*project.store.items_on_lease()}
    known = {each.item for each in project.store.events()}
    item = next(
        each
        for each in project.store.items()
        if streams[each.id] == "train" and each.id not in held | known and project.places([each.id])[each.id] != LARGE
    )
    path = project.image_path(item)
    content = path.read_bytes()
    path.unlink()
    page.keyboard.press("Shift+S")
    page.keyboard.type(path.stem)
    lines = page.locator("dialog li").filter(has=page.get_by_text(path.name, exact=True))
    lines.get_by_role("button", name="Label it").press("Enter")
    page.locator("#item p", has_text=f"{path} cannot be read: No such file or directory. Skip it with S.").wait_for()
    page.keyboard.press("1")
    page.locator("#state", has_text="Not labelled: the item cannot be shown. Skip it with S.").wait_for()
    path.write_bytes(content)
    page.keyboard.press("s")
    page.keyboard.press("s")
    wait_for_item(page)
    wait_until_stored(page)
    assert [each.kind for each in project.store.events() if each.item == item.id] == ["skip"]
