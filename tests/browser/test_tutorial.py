"""The tutorial: its commands run as written, in an empty folder, and its pictures show what it says.

`make pictures` renews the pictures, and the film of the README: LINDLEY_PICTURES names the folder that keeps them.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from PIL import ImageDraw, ImageFont  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect = sync_api.expect
ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
KEYS = {"person": "1", "place": "2", "number": "3", "reason": "4"}
DESKTOP, FILMED, NARROW = (
    {"width": width, "height": height} for width, height in [(1280, 800), (1000, 600), (390, 700)]
)
MOST_BYTES = {".png": 60_000, ".gif": 1_500_000}


class Film:
    """Frames of a page, each with the key that is pressed and a sentence below it."""

    width, height, strip = 800, 480, 56

    def __init__(self):
        self.frames, self.milliseconds = [], []

    def take(self, page, key, sentence, seconds):
        """Add a frame: the page with a key, "" for none, and a sentence, shown for so many seconds."""
        frame = Image.new("RGB", (self.width, self.height + self.strip), "#1c2733")
        frame.paste(take_picture(page).resize((self.width, self.height), Image.Resampling.LANCZOS))
        draw, font, left, middle = ImageDraw.Draw(frame), ImageFont.load_default(23), 24, self.height + self.strip // 2
        if key:
            draw.rounded_rectangle((left, middle - 20, left + 40, middle + 20), 8, "#ffd166")
            draw.text((left + 20, middle), key, "#1c2733", font, "mm")
            left += 56
        draw.text((left, middle), sentence, "white", font, "lm")
        self.frames.append(frame)
        self.milliseconds.append(round(1000 * seconds))

    def save(self, path):
        """Write the film, which repeats, with the same colours in all frames."""
        width, height = self.frames[0].size
        together = Image.new("RGB", (width, height * len(self.frames)))
        for number, frame in enumerate(self.frames):
            together.paste(frame, (0, height * number))
        palette = together.quantize(96)
        first, *others = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in self.frames]
        first.save(path, save_all=True, append_images=others, duration=self.milliseconds, loop=0)


class Reader:
    """A reader of the tutorial, who types its commands, and labels in Chromium where it says so."""

    def __init__(self, folder, browser, pictures):
        self.folder, self.browser, self.pictures = folder, browser, pictures
        self.film = Film()
        self.printed = ""
        self.samples = []
        self.sessions = iter([self.label_questions, self.judge_again, self.answer_audit, self.label_digits])

    def follow(self, text):
        """Save the files of a text, run its commands, and keep its samples with what the command before printed."""
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if language == "python":
                (self.folder / block.split()[1]).write_text(block, encoding="utf-8")
            elif language == "sh":
                for line in block.splitlines():
                    self.run(shlex.split(line))
            elif language == "text":
                self.samples.append((block, self.printed))

    def run(self, words):
        """Run a command; where it serves the page, label on it as the tutorial says next, and press Ctrl-C."""
        module = {"python": [], "lindley": ["-m", "lindley"]}[words[0]]
        process = subprocess.Popen(
            [sys.executable, *module, *words[1:]],
            cwd=self.folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        is_served = words[:2] == ["lindley", "label"] and "--simulate" not in words
        with process:
            if is_served:
                try:
                    self.open(process.stdout.readline().removeprefix("Open: ").strip(), next(self.sessions))
                finally:
                    process.send_signal(signal.SIGINT)
            self.printed = process.stdout.read()
        assert process.returncode == (130 if is_served else 0), words

    def open(self, link, session):
        context = self.browser.new_context(viewport=DESKTOP, color_scheme="light")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.clock.install()  # a label takes two seconds of its time
        page.goto(link)
        wait_for_item(page)
        session(page)
        context.close()

    def read_truth(self, name):
        with open(self.folder / name, encoding="utf-8", newline="") as file:
            return dict([*csv.reader(file)][1:])

    def keep(self, page, name):
        """Keep a picture of the page in few colours, which makes it small."""
        take_picture(page).quantize(64, dither=Image.Dither.NONE).save(self.pictures / f"{name}.png", optimize=True)

    def label_questions(self, page):
        """Label 60 questions, with a new class, a slip that is undone and three that are not noticed; keep the film."""
        answers, film, is_known = self.read_truth("answers.csv"), self.film, False
        self.keep(page, "tutorial-label")
        page.set_viewport_size(FILMED)
        for count in range(60):
            answer = answers[read_text(page)]
            if answer == "reason" and not is_known:
                is_known = True
                self.add_reason(page)
                continue
            if count == 3:
                self.slip(page, another(answer))
            elif count < 3:
                sentence = "One key saves a label and shows the next question"
                film.take(page, "", sentence, 0.5 if count else 1.5)
            if count < 4:
                film.take(page, KEYS[answer], answer, 0.6)
            press(page, KEYS[another(answer) if count in (24, 25, 26) else answer])
            wait_for_model(page)
        assert is_known
        page.get_by_role("link", name="Status").click()
        expect(page.locator("#accuracy")).to_be_visible()
        film.take(page, "", "A model has learned meanwhile: its accuracy, and whether to stop", 3.5)

    def slip(self, page, wrong):
        item = shown(page)
        self.film.take(page, KEYS[wrong], f"{wrong}: a slip", 0.8)
        press(page, KEYS[wrong])
        self.film.take(page, "U", "takes the last label back", 0.9)
        page.keyboard.press("u")
        page.locator(f'#item[data-item="{item}"]').wait_for()
        self.film.take(page, "", "and the question is there again", 0.8)

    def add_reason(self, page):
        film, item = self.film, shown(page)
        film.take(page, "", "No class fits this question", 1)
        page.keyboard.press("/")
        page.get_by_role("dialog").wait_for()
        film.take(page, "/", "finds a class by part of its name, or adds one", 1)
        page.keyboard.type("reason")
        add = page.get_by_role("button", name="Add the class")
        expect(add).to_be_visible()
        film.take(page, "", "No class has this name yet: add it", 1)
        page.set_viewport_size(DESKTOP)
        self.keep(page, "tutorial-new-class")
        page.set_viewport_size(FILMED)
        add.click()
        wait_for_item(page, item)
        expect(page.locator("#classes")).to_contain_text("reason")
        film.take(page, "", "The new class has a key of its own", 1)

    def judge_again(self, page):
        """Judge all labels again that may be wrong."""
        answers = self.read_truth("answers.csv")
        page.get_by_role("link", name="Status").click()
        expect(page.locator("#accuracy")).to_be_visible()
        expect(page.locator(".signs li")).to_have_count(3)
        self.keep(page, "tutorial-status")
        button, question, place = (page.locator(each) for each in ("#judge", "#judging-item", "#judging-place"))
        left = len(json.loads(button.get_attribute("data-items")))
        button.click()
        for count in range(left, 0, -1):
            expect(place).to_contain_text(f"{count} left")
            if count == left:
                self.keep(page, "tutorial-judge")
            page.keyboard.press(KEYS[answers[question.text_content()]])
        expect(page.get_by_role("dialog")).to_be_hidden()

    def answer_audit(self, page):
        """Answer the audit, and look at the status."""
        answers = self.read_truth("answers.csv")
        for _ in range(40):
            press(page, KEYS[answers[read_text(page)]])
        page.get_by_role("link", name="Status").click()
        expect(page.locator("#audited")).to_be_visible()

    def label_digits(self, page):
        """Label some digits in a narrow window."""
        page.set_viewport_size(NARROW)
        for _ in range(5):
            number = int(page.locator("#item img").get_attribute("alt").removesuffix(".png"))
            press(page, str(load_digits().target[number]))
        self.keep(page, "tutorial-digits")


def take_picture(page):
    return Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")


def another(answer):
    return "place" if answer == "person" else "person"


def shown(page):
    return page.locator("#item").get_attribute("data-item")


def read_text(page):
    return page.locator("#item p").text_content()


def wait_for_item(page, other_than=""):
    page.locator(f'#item[data-item]:not([data-item="{other_than}"]):not([data-item=""])').wait_for()


def press(page, key):
    """Press the key of an answer, two seconds after the item came, and wait for the next item."""
    item = shown(page)
    page.clock.fast_forward(2000)
    page.keyboard.press(key)
    wait_for_item(page, item)


def wait_for_model(page):
    """Wait for a model that is due, since a person would be slower than this one."""
    while page.evaluate("fetch('/api/me').then((answer) => answer.json())")["model"]["labels_behind"] >= 10:
        page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def reader(browser, tmp_path_factory):
    """A reader who has followed the whole tutorial."""
    folder = os.environ.get("LINDLEY_PICTURES")
    pictures = Path(folder).resolve() if folder else tmp_path_factory.mktemp("pictures")
    reader = Reader(tmp_path_factory.mktemp("tutorial"), browser, pictures)
    reader.follow(TUTORIAL)
    reader.film.save(pictures / "labelling.gif")
    return reader


def test_the_commands_print_what_the_tutorial_shows(reader):
    for sample, printed in reader.samples:
        assert {*map(mask, sample.splitlines())} <= {*map(mask, printed.splitlines())}
    assert len(reader.samples) == 2
    assert next(reader.sessions, None) is None


def mask(line):
    """Return a line without what differs from time to time: numbers, which signs hold, and so the advice."""
    line = re.sub(r"\d+(\.\d+)?", "0", line).strip().replace("Not yet", "Holds")
    return re.sub("^(You can stop|Keep labelling): .*", "The advice", line)


@pytest.mark.parametrize("page", ["docs/tutorial.md", "README.md"])
def test_the_pictures_of_a_page_are_made_and_small(reader, page):
    names = re.findall(r"!\[[^]]+\]\((?:docs/)?images/([^)]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert names
    for name in names:
        assert (reader.pictures / name).stat().st_size <= MOST_BYTES[Path(name).suffix]
        assert (ROOT / "docs/images" / name).is_file()


def test_the_film_is_short(reader):
    assert 8_000 <= sum(reader.film.milliseconds) <= 15_000
