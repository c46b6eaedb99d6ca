"""Scripts, text from right to left, and emoji in items: shown as they are, and nothing of them works."""

from __future__ import annotations

import json

import pytest
from page_actions import events, open_found, press, wait_until_stored

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
ATTACK = "document.title='attacked'"
ITEMS = {
    "tagged": f"tagged <script>{ATTACK}</script>",
    "picture": f'picture "><img src=x onerror="{ATTACK}"><svg onload="{ATTACK}">',
    "entities": "entities &lt;b&gt; &amp;amp; {{ 7*7 }} ${7*7} %3Cscript%3E",
    "link": f'link <a href="javascript:{ATTACK}">x</a> <iframe srcdoc="<script>parent.{ATTACK}</script>"></iframe>',
    "hebrew": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd 123 hebrew",
    "arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 arabic",
    "override": "override \u202egnirts\u202c \u2066abc\u2069",
    "family": "family \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "combining": "combining Z\u0351\u036b\u0343\u036a\u0302\u036b e\u0301",
    "spaces": "spaces  two   three\n\n  a new line\tand a tab",
    "long": "long " + "x" * 5000,
}
RTL = {"hebrew", "arabic"}
NAMES = ["cat", f"<img src=x onerror={ATTACK}>", "\u05d7\u05ea\u05d5\u05dc"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile")
    texts = [*ITEMS.values(), *(f"plain number{row}" for row in range(60))]
    (home / "texts.jsonl").write_text("\n".join(json.dumps({"text": each}) for each in texts), encoding="utf-8")
    with Project.create(home / "p", home / "texts.jsonl", text="text", classes=NAMES) as project:
        yield project


@pytest.fixture(scope="module")
def link(project, serve_desk):
    with Desk(project, lockstep=True) as desk, serve_desk(desk) as link:
        yield link


def test_every_item_is_shown_as_it_is_and_is_inert(project, link, enter):
    page = enter(link)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    streams = project.store.streams()
    places = {item.content: item.id for item in project.store.items()}
    found = [word for word, content in ITEMS.items() if streams[places[content]] == "train"]
    assert len(found) >= 6
    for word in found:
        item = open_found(page, word)
        assert item == places[ITEMS[word]]
        text = page.locator("#item p")
        assert text.text_content() == ITEMS[word]
        assert text.evaluate("(each) => getComputedStyle(each).direction") == ("rtl" if word in RTL else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
        assert page.locator("#item").evaluate("(each) => each.scrollWidth <= each.clientWidth")
        press(page, "2")
    wait_until_stored(page)
    page.keyboard.press("Shift+H")
    page.locator("dialog li").nth(len(found) - 1).wait_for()
    for word in found:
        shown = page.locator("dialog li .thumb p").filter(has_text=word)
        assert shown.text_content() == ITEMS[word]
        assert page.locator("dialog li b").first.text_content() == NAMES[1]
    page.keyboard.press("Escape")
    names = page.locator("#classes [data-class] span")
    assert names.all_text_contents() == NAMES
    assert names.nth(2).evaluate("(each) => getComputedStyle(each).direction") == "rtl"
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Help").get_by_text(NAMES[1], exact=True).wait_for()
    assert page.locator("#item script, #item img, #item a, iframe, svg, dialog img, nav img").count() == 0
    assert page.title() == f"{project.folder.name} – lindley"
    assert said == []
    assert all(each.startswith(link.split("/launch")[0]) for each in asked)
    labelled = {each.item for each in events(project, "label")}
    assert labelled == {places[ITEMS[word]] for word in found}
