"""What a person does on the labelling page, and what a test waits for."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager

import numpy as np

SECONDS = 60  # after which a test gives up


def wait_until(is_true):
    """Wait for something that the page does not show."""
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_item(page, other_than=""):
    page.locator(f'#item[data-item]:not([data-item="{other_than}"]):not([data-item=""])').wait_for()
    return shown(page)


def shown(page):
    return int(page.locator("#item").get_attribute("data-item"))


def press(page, key):
    """Press a key that ends the item; return the item, and the next one."""
    before = shown(page)
    page.keyboard.press(key)
    return before, wait_for_item(page, before)


def label_many(page, count):
    return [press(page, "12"[row % 2])[0] for row in range(count)]


def wait_until_stored(page):
    """Wait until the outbox is empty."""
    page.evaluate(
        """() => new Promise((done) => {
            const look = () => Object.keys(localStorage).some((key) => key.startsWith("lindley-outbox"))
                ? requestAnimationFrame(look) : done();
            look();
        })"""
    )


def open_found(page, words):
    """Find items by words, and open the first one that is free, by keys alone; return it."""
    page.keyboard.press("Shift+S")
    page.keyboard.type(words)
    page.locator("dialog li", has_text=words).get_by_role("button", name="Label it").first.press("Enter")
    page.locator("#state", has_text="1 of 1 items are next").wait_for()
    return wait_for_item(page)


def events(project, kind):
    return [each for each in project.store.events() if each.kind == kind]


@contextmanager
def training_beside(desk, record_property):
    """Have models trained while a block runs, by another process; note which one, and the epochs that it published."""
    before = desk.store.epoch()
    desk.request_round()
    wait_until(lambda: desk.describe_trainer()["pid"])  # its state may be over before anybody looks
    pid = desk.describe_trainer()["pid"]
    yield
    wait_until(lambda: desk.store.epoch() > before)
    epochs = list(range(before + 1, desk.store.epoch() + 1))
    record_property("trainer", f"process {pid}, epochs {epochs}")
    print(f"the trainer is process {pid}, the server {os.getpid()}; epochs {epochs} were published meanwhile")
    assert pid != os.getpid()
    assert len(epochs) >= 1


def read_text_colours(page, within="body"):
    """Return each text that is seen with its colour and that of its background."""
    return page.evaluate(
        """(within) => {
            const background = (each) => {
                for (; each; each = each.parentElement) {
                    const colour = getComputedStyle(each).backgroundColor;
                    if (!/, 0\\)$/.test(colour)) return colour;
                }
            };
            const isText = (node) => node.nodeType === 3 && node.data.trim();
            const texts = [...document.querySelectorAll(`${within} *`)].filter((each) => each.checkVisibility()
                && [...each.childNodes].some(isText) && !["TITLE", "title", "desc"].includes(each.tagName));
            return texts.map((each) => {
                const style = getComputedStyle(each);
                return [each.textContent.slice(0, 40), each instanceof SVGElement ? style.fill : style.color,
                        background(each)];
            });
        }""",
        within,
    )


def luminance(colour):
    """Return the relative luminance of a colour such as rgb(1, 2, 3), as WCAG defines it."""
    values = [int(each) / 255 for each in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in values]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21."""
    one, other = luminance(one), luminance(other)
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
