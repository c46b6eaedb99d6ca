"""The labelling page in a browser, as people use it, while a real trainer fits models beside it."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import Counter

import pytest

from lindley.apps.web.serving import listen, serve
from lindley.labelling.desk import Desk
from lindley.labelling.project import Project
from lindley.labelling.sql import sa
from lindley.labelling.tables import lease

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no program chromium"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CLASSES = ["animal", "place", *(f"class {number:03}" for number in range(58))]
STRANGE = ["<script>document.title = 'owned'</script> & <b>bold</b>", "שלום عالم: abc", "🦊 emoji 🚀"]


def text_of(row):
    return STRANGE[row] if row < len(STRANGE) else f"text number {row} about {'a dog' if row % 2 else 'a town'}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("page")
    texts = [text_of(row) for row in range(600)]
    (home / "texts.csv").write_text("text\n" + "\n".join(f'"{each}"' for each in texts) + "\n")
    Project.create(home / "p", home / "texts.csv", text="text", classes=CLASSES).close()
    return home / "p"


@pytest.fixture(scope="module")
def desk(folder):
    with Project.open(folder) as project, Desk(project) as opened:
        yield opened


@pytest.fixture(scope="module")
def links(desk):
    """The links of people to a server in this process; its trainer is a process of its own."""
    found, ready = [], threading.Event()

    def on_ready(links, stop):
        found.extend([links, stop])
        ready.set()

    people = [f"person{number}" for number in range(20)]
    serving = threading.Thread(target=serve, args=(desk, people, listen(0)), kwargs={"on_ready": on_ready})
    serving.start()
    assert ready.wait(60)
    yield iter(found[0].items())
    found[1].set()
    serving.join()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


class Visit:
    """A page that a new person has opened, and what it asked for and said."""

    def __init__(self, browser, person, link, store):
        self.person, self.store, self.link = person, store, link
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.page = self.context.new_page()
        self.hosts, self.bodies, self.errors = set(), [], []
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.goto(link)
        self.expect_item()

    def expect_item(self):
        sync_api.expect(self.page.locator("#item .text")).not_to_have_text("Loading …")

    def item(self):
        return self.page.locator("#item").inner_text()

    def press(self, *keys):
        """Press keys, each once another item is there."""
        for key in keys:
            before = self.item()
            self.page.keyboard.press(key)
            sync_api.expect(self.page.locator("#item")).not_to_have_text(before)

    def events(self, *kinds):
        return [each for each in self.store.events() if each.person == self.person and each.kind in kinds]

    def held(self):
        """The items that the person holds."""
        mine = sa.select(lease.c.item).where(lease.c.person == self.person)
        return self.store.read(lambda connection: [*connection.scalars(mine)])

    def wait_for(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.page.locator("#state").inner_text()
            self.page.wait_for_timeout(20)


@pytest.fixture
def visit(browser, links, desk):
    person, link = next(links)
    opened = Visit(browser, person, link, desk.store)
    yield opened
    assert opened.errors == []
    assert opened.hosts == {link.split("/")[2]}
    opened.context.close()


def test_a_key_saves_and_shows_the_next_item_and_a_held_key_labels_one(visit):
    seen = [visit.item()]
    for key in "121212":
        visit.press(key)
        seen.append(visit.item())
    visit.wait_for(lambda: len(visit.events("label")) == 6)
    labels = visit.events("label")
    assert [each.class_id for each in labels] == [0, 1] * 3
    assert [next(visit.store.items([each.item])).content for each in labels] == seen[:6]
    visit.page.keyboard.down("1")
    for _ in range(20):
        visit.page.keyboard.down("1")  # what a held key sends
    visit.page.keyboard.up("1")
    visit.wait_for(lambda: len(visit.events("label")) == 7)
    visit.page.keyboard.press("Shift")
    assert len(visit.events("label")) == 7
    assert all(each.shown_ms >= each.idle_ms >= 0 and not each.prediction_shown for each in labels)


def test_a_slow_server_stops_no_key_and_all_is_stored_once_in_order(visit):
    visit.page.route("**/api/events", lambda route: (time.sleep(0.5), route.continue_()))
    shown = []
    for number in range(15):
        shown.append(visit.item())
        visit.press("12"[number % 2])
    visit.wait_for(lambda: len(visit.events("label")) == 15)
    labels = visit.events("label")
    assert [next(visit.store.items([each.item])).content for each in labels] == shown
    assert [each.class_id for each in labels] == [number % 2 for number in range(15)]


def test_what_is_labelled_offline_is_stored_after_a_reload(visit):
    visit.context.set_offline(True)
    for number in range(20):
        visit.press("12"[number % 2])
    sync_api.expect(visit.page.locator("#state")).to_contain_text("20 answers wait")
    assert visit.events("label") == []
    visit.context.set_offline(False)
    visit.page.reload()
    visit.expect_item()
    visit.wait_for(lambda: len(visit.events("label")) == 20)
    assert [each.class_id for each in visit.events("label")] == [number % 2 for number in range(20)]
    assert max(Counter(each.item for each in visit.events("label")).values()) == 1
    visit.errors[:] = [each for each in visit.errors if "ERR_INTERNET_DISCONNECTED" not in each]


def test_undo_goes_back_over_a_reload_and_redo_forward(visit):
    visit.press(*"12121")
    visit.wait_for(lambda: len(visit.events("label")) == 5)
    given = [each.item for each in visit.events("label")]
    visit.page.reload()
    visit.expect_item()
    for count in range(1, 6):
        visit.page.keyboard.press("u")
        visit.wait_for(lambda: len(visit.events("undo")) == count)  # noqa: B023
        content = next(visit.store.items([given[-count]])).content
        sync_api.expect(visit.page.locator("#item .text")).to_have_text(content)
    visit.page.keyboard.press("Control+y")
    visit.page.keyboard.press("Control+Shift+Z")
    visit.wait_for(lambda: len(visit.events("label")) == 7)
    assert [(each.item, each.class_id) for each in visit.events("label")[5:]] == [(given[0], 0), (given[1], 1)]


def test_skip_flag_and_note_differ(visit):
    item = visit.item()
    visit.page.click("#note")
    visit.page.keyboard.type("looks odd")
    visit.page.keyboard.press("Control+Enter")
    visit.page.click("#flag")
    visit.page.keyboard.type("twice here")
    visit.page.keyboard.press("Control+Enter")
    assert visit.item() == item
    visit.page.keyboard.press("s")
    visit.press("2")
    visit.wait_for(lambda: len(visit.events("skip")) == 1)
    found = {each.kind: each for each in visit.events("skip", "flag", "note")}
    assert (found["note"].note, found["flag"].note) == ("looks odd", "twice here")
    assert found["skip"].payload["reason"] == "none of these"
    assert len({each.item for each in found.values()}) == 1


def test_a_class_is_found_by_its_name_and_help_opens_and_closes(visit):
    visit.page.keyboard.press("?")
    sync_api.expect(visit.page.locator("dialog")).to_contain_text("undoes the last answer")
    visit.page.keyboard.press("1")  # no answer while a dialog is open
    visit.page.keyboard.press("Escape")
    sync_api.expect(visit.page.locator("dialog")).not_to_be_visible()
    before = visit.item()
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("class 047")
    visit.page.keyboard.press("Enter")
    sync_api.expect(visit.page.locator("#item")).not_to_have_text(before)
    visit.wait_for(lambda: len(visit.events("label")) == 1)
    assert visit.events("label")[0].class_id == CLASSES.index("class 047")


def test_no_prediction_is_in_page_or_network_until_it_is_asked_for(visit):
    visit.wait_for(lambda: visit.store.epoch() > 0)
    bodies = []
    visit.page.on("response", lambda answer: bodies.append(answer.text()) if "/api/" in answer.url else None)
    for _ in range(10):
        visit.press("1")
    visit.wait_for(lambda: len(visit.events("label")) == 10)
    assert bodies
    assert not [each for each in bodies if "probab" in each or "predict" in each]
    assert "The model says" not in visit.page.content()
    visit.page.keyboard.press("Space")
    sync_api.expect(visit.page.locator("#prediction")).to_contain_text("model")
    visit.press("2")
    visit.wait_for(lambda: len(visit.events("label")) == 11)
    assert [each.prediction_shown for each in visit.events("label")] == [False] * 10 + [True]


def test_texts_are_inert(visit):
    visit.page.click("#open-search")
    visit.page.fill("dialog input[type=search]", "bold")
    row = visit.page.locator("dialog .row .excerpt")
    sync_api.expect(row).to_have_text(STRANGE[0])
    assert "owned" not in visit.page.title()


def test_items_found_by_a_word_are_labelled_next_and_marked(visit):
    visit.page.click("#open-search")
    visit.page.fill("dialog input[type=search]", "dog")
    open_rows = visit.page.locator("dialog .row:has(input:enabled)")
    sync_api.expect(open_rows.first).to_be_visible()
    held = {each.content for each in visit.store.items(visit.held())}  # the queue chose these already
    chosen = [text for text in open_rows.locator(".excerpt").all_inner_texts() if text not in held][:2]
    for text in chosen:
        open_rows.filter(has_text=re.compile(f"^{text}$")).locator("input").check()
    visit.page.click("dialog button.main")
    sync_api.expect(visit.page.locator("#item .text")).to_have_text(chosen[0])
    visit.press("1", "1")
    visit.wait_for(lambda: len(visit.events("label")) == 2)
    assert [each.chosen_by for each in visit.events("label")] == ["search"] * 2
    assert [next(visit.store.items([each.item])).content for each in visit.events("label")] == chosen


def test_a_grid_labels_what_stays_chosen_in_sight_of_the_prediction(visit):
    visit.press(*"1212")
    visit.wait_for(lambda: visit.store.epoch() > 1 and len(visit.events("label")) == 4)
    for name in CLASSES[:2]:
        visit.page.click("#open-grid")
        visit.page.keyboard.type(name)
        visit.page.keyboard.press("Enter")
        sync_api.expect(visit.page.locator("#dialog-title")).to_have_text(f"These look like {name}")
        if visit.page.locator(".tile").count() > 1:
            break
        visit.page.keyboard.press("Escape")
    count = visit.page.locator(".tile").count()
    assert count > 1
    visit.page.locator(".tile").first.click()
    visit.page.click("dialog button.main")
    visit.wait_for(lambda: len(visit.events("label")) == 4 + count - 1)
    found = visit.events("label")[4:]
    assert all(each.prediction_shown and each.payload["view"] == "grid" for each in found)


@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_at_any_width(visit, size):
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("search", "history", "classes", "help"):
        visit.page.click(f"#open-{name}")
        assert visit.page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
        visit.page.keyboard.press("Escape")


def test_a_closed_page_gives_its_items_back(browser, links, desk):
    person, link = next(links)
    visit = Visit(browser, person, link, desk.store)
    assert visit.held()
    visit.page.goto("about:blank")
    deadline = time.monotonic() + 30
    while visit.held():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # the request of a page that has gone
    visit.context.close()
