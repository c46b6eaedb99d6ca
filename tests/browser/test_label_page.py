"""The labelling page in a browser, with a trainer that works beside it."""

from __future__ import annotations

import re

import pytest
from page_actions import events, label_many, press, shown, training_beside, wait_for_item, wait_until, wait_until_stored

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
SCRIPT = "<script>document.title = 'attacked'</script>"
NAMES = ["cat", "dog", SCRIPT, *(f"kind {number}" for number in range(3, 40))]
TEXTS = [f"{('cat', 'dog')[row % 2]} {SCRIPT} \u05e9\u05dc\u05d5\u05dd \U0001f600 number{row}" for row in range(400)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("page")
    (home / "texts.csv").write_text("text\n" + "\n".join(TEXTS) + "\n", encoding="utf-8")
    with Project.create(home / "p", home / "texts.csv", text="text", classes=NAMES) as project:
        for lease in project.ask(10):
            project.tell({lease.item: NAMES[lease.item % 2]})
        project.train()
        yield project


@pytest.fixture(scope="module")
def desk(project):
    with Desk(project) as desk:
        yield desk


@pytest.fixture(scope="module")
def link(desk, serve_desk):
    """The link of a person to a server in this process, whose trainer is a process of its own."""
    with serve_desk(desk) as link:
        yield link


@pytest.fixture(scope="module")
def context(browser, link):
    """A browser in which the person came in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(link)
    page.close()
    yield context
    context.close()


@pytest.fixture
def training(desk, record_property):
    """Models are trained while the test runs."""
    with training_beside(desk, record_property):
        yield


@pytest.fixture
def page(context, link):
    """The page with an item on it; no error may come up."""
    page, said = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(link.split("/launch")[0] + "/")
    wait_for_item(page)
    yield page
    context.set_offline(False)
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    assert said == []


def test_one_key_saves_and_shows_the_next_item(page, training, project):
    before = len(events(project, "label"))
    items = label_many(page, 4)
    wait_until_stored(page)
    stored = events(project, "label")[before:]
    assert [(each.item, each.class_id) for each in stored] == list(zip(items, [0, 1, 0, 1], strict=True))
    assert {(each.person, each.prediction_shown) for each in stored} == {("ann", False)}


def test_texts_and_class_names_are_only_text(page):
    assert SCRIPT in page.locator("#item p").text_content()
    assert page.locator("#item p").get_attribute("dir") == "auto"
    page.keyboard.press("/")
    page.keyboard.type("<script")
    assert page.locator("#found-classes li").all_text_contents() == [SCRIPT]
    assert page.locator("#item script, dialog script").count() == 0
    assert page.title() != "attacked"


def test_a_held_key_labels_one_item(page, training, project):
    before, item = len(events(project, "label")), shown(page)
    for _ in range(6):
        page.keyboard.down("1")
    page.keyboard.up("1")
    wait_for_item(page, item)
    wait_until_stored(page)
    assert [each.item for each in events(project, "label")[before:]] == [item]


def test_labels_made_without_a_server_survive_a_reload_and_are_stored_once_in_order(
    page, training, project, context, link
):
    before = len(events(project, "label"))
    page.route("**/api/*", lambda route: route.abort())
    items = label_many(page, 20)
    page.locator("#unsent", has_text="not stored yet").wait_for()
    assert len(events(project, "label")) == before
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    wait_for_item(page)
    wait_until_stored(page)
    assert [each.item for each in events(project, "label")[before:]] == items


def test_a_slow_server_stops_no_key(page, training, project):
    before, held, is_slow = len(events(project, "label")), [], True

    def answer(route):
        if is_slow:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/events", answer)
    items = label_many(page, 15)
    assert len(held) == 1
    is_slow = False
    held[0].continue_()
    wait_until_stored(page)
    assert [each.item for each in events(project, "label")[before:]] == items


def test_undo_and_redo_go_back_over_a_reload(page, training, project):
    items = label_many(page, 5)
    wait_until_stored(page)
    page.reload()
    wait_for_item(page)
    for item in reversed(items):
        page.keyboard.press("u")
        page.locator(f'#item[data-item="{item}"]').wait_for()
    wait_until_stored(page)
    count = len(events(project, "undo"))
    assert count >= 5
    for item in items:
        assert shown(page) == item
        page.keyboard.press("Control+y")
        wait_for_item(page, item)
    wait_until_stored(page)
    assert [each.item for each in events(project, "label")[-5:]] == items


def test_skip_flag_and_note_differ(page, project):
    item = shown(page)
    page.keyboard.press("Shift+F")
    page.keyboard.press("Shift+N")
    page.keyboard.type("1 odd one")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("s")
    page.keyboard.press("2")
    wait_for_item(page, item)
    wait_until_stored(page)
    (flag,), (note,), (skip,) = (
        [each for each in events(project, kind) if each.item == item] for kind in ("flag", "note", "skip")
    )
    assert (note.note, skip.payload["reason"]) == ("1 odd one", "none of these")
    assert flag.seq < note.seq < skip.seq


def test_keys_do_nothing_while_a_screen_is_open_and_help_opens_and_closes(page):
    item = shown(page)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Help").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert shown(page) == item


def test_history_finds_an_answer_and_opens_it_again(page, project):
    item, _ = press(page, "1")
    wait_until_stored(page)
    page.keyboard.press("Shift+H")
    page.keyboard.type(TEXTS[item].rsplit(" ", 1)[1])
    page.locator("dialog li", has_text=f"number{item}").get_by_role("button").click()
    page.locator(f'#item[data-item="{item}"]').wait_for()
    press(page, "2")
    wait_until_stored(page)
    assert [each.class_id for each in events(project, "label") if each.item == item] == [0, 1]


def test_no_prediction_is_in_the_page_or_on_the_wire_until_it_is_asked_for(page, training, project, link):
    said, asked = [], []
    page.on("response", lambda response: said.append(response))
    page.on("request", lambda request: asked.append(request.url))
    label_many(page, 50)
    wait_until_stored(page)
    assert not any(word in each.text() for each in said for word in ("probab", "predict", "score"))
    assert page.locator("#prediction").text_content() == ""
    assert all(each.startswith(link.split("/launch")[0]) for each in asked)
    page.keyboard.press("Shift+P")
    page.locator("#prediction", has_text="The model says").wait_for()
    item, _ = press(page, "1")
    wait_until_stored(page)
    assert [each.prediction_shown for each in events(project, "label") if each.item == item] == [True]


@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
def test_the_page_fits_and_all_has_a_name_and_a_focus_that_is_seen(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    for each in page.locator("button:visible").all():
        assert each.text_content().strip()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_escape_closes_a_search_at_once(page):
    page.keyboard.press("Shift+S")
    page.keyboard.type("cat")
    page.locator("dialog li").first.wait_for()
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_colours_that_a_person_chose_are_remembered(page):
    page.locator("#theme").click()
    page.locator("#theme").click()
    page.reload()
    wait_for_item(page)
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_items_found_by_words_come_next_and_are_marked(page, project):
    page.keyboard.press("Shift+S")
    page.get_by_label("Words of an item").fill("cat")
    page.locator("#screen li:has(button:text('Label it'))").first.wait_for()
    held = {each.content for each in project.store.items(project.store.items_on_lease())}  # the queue chose these
    lines = page.locator("#screen li:has(button:text('Label it'))")
    wanted = next(text for text in lines.locator("p").all_text_contents() if text not in held)
    lines.filter(has_text=re.compile(re.escape(wanted) + r"(?!\d)")).get_by_text("Label it").click()
    page.locator("#item").filter(has_text=re.compile(re.escape(wanted) + r"(?!\d)")).wait_for()
    item, _ = press(page, "1")
    wait_until_stored(page)
    assert events(project, "label")[-1].item == item
    assert events(project, "label")[-1].chosen_by == "search"


def test_a_grid_labels_what_stays_chosen_in_sight_of_the_prediction(page, project):
    before = len(events(project, "label"))
    for name in NAMES[:2]:
        page.keyboard.press("Shift+G")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"look like {name}").wait_for()
        if (count := page.locator(".tile").count()) > 1:
            break
        page.keyboard.press("Escape")
    assert count > 1
    page.locator(".tile").first.click()
    page.get_by_text(f"Label {count - 1} as").click()
    wait_until_stored(page)
    given = events(project, "label")[before:]
    assert len(given) == count - 1
    assert all(each.prediction_shown and each.payload["view"] == "grid" for each in given)


def test_a_closed_page_gives_its_items_back(page, project):
    assert project.store.items_on_lease()
    page.goto("about:blank")
    wait_until(lambda: not project.store.items_on_lease())


def test_a_new_model_leaves_the_item_on_screen(page, training, project):
    epoch = project.store.epoch()
    label_many(page, 12)  # makes a round due
    wait_until_stored(page)
    on_screen = shown(page)
    wait_until(lambda: project.store.epoch() > epoch)
    with page.expect_response("**/api/next"):  # the page hears of it
        pass
    page.locator("#model", has_text=f"model r{project.store.epoch()}").wait_for()
    assert shown(page) == on_screen


def test_a_class_among_a_thousand_is_found_by_its_name(page, project):
    many = [f"kind {number}" for number in range(len(NAMES), 1000)]
    project.store.change_class(NAMES.index("kind 39"), "split", many, by="ann")
    page.reload()
    item = wait_for_item(page)
    page.keyboard.press("/")
    page.keyboard.type("873")
    page.keyboard.press("Enter")
    wait_for_item(page, item)
    wait_until_stored(page)
    assert [each.class_id for each in events(project, "label") if each.item == item] == [873]
