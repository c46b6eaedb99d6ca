"""Two people, each in a browser of their own, label one project at the same time."""

from __future__ import annotations

import pytest
from page_actions import events, press, shown, training_beside, wait_until, wait_until_stored

from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.browser
LABELS = 60
ITEMS = 180


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    home = tmp_path_factory.mktemp("people")
    texts = [f"{('cat', 'dog')[row % 2]} number{row} of {row * row}" for row in range(ITEMS)]
    (home / "texts.csv").write_text("text\n" + "\n".join(texts) + "\n")
    with Project.create(home / "p", home / "texts.csv", text="text", classes=["cat", "dog"]) as project:
        yield project


def test_two_people_share_no_item_and_one_gets_what_the_other_leaves(project, serve_people, enter, record_property):
    with Desk(project) as desk, serve_people(desk, ["ann", "bob"]) as links:
        pages = {person: enter(link) for person, link in links.items()}
        wait_until(lambda: project.store.epoch() >= 1)  # the first items are ordered
        with training_beside(desk, record_property):
            given = {person: [] for person in pages}
            for row in range(LABELS):
                for person, page in pages.items():
                    assert shown(page) not in {*given["ann"], *given["bob"]}
                    given[person].append(press(page, "12"[row % 2])[0])
            for page in pages.values():
                wait_until_stored(page)
        assert {each.item for each in events(project, "label")} == {*given["ann"], *given["bob"]}
        for person, items in given.items():
            stored = [each for each in events(project, "label") if each.person == person]
            assert [each.item for each in stored] == items
            assert [each.class_id for each in stored] == [row % 2 for row in range(LABELS)]

        held = {*project.store.items_on_lease()}
        pages["ann"].close()
        wait_until(lambda: len(project.store.items_on_lease()) < len(held))
        left = project.num_items - 2 * LABELS
        for _ in range(left - 1):
            given["bob"].append(press(pages["bob"], "1")[0])
        given["bob"].append(shown(pages["bob"]))
        pages["bob"].keyboard.press("1")
        pages["bob"].get_by_text("All done").wait_for()
        wait_until_stored(pages["bob"])
        assert {*given["bob"][LABELS:]} >= held
        assert sorted(each.item for each in events(project, "label")) == list(range(project.num_items))
