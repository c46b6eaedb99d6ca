"""The dashboard says what the JSON of the status says, in words, tables and charts."""

from __future__ import annotations

import csv
import json
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lindley.apps.project_status import accuracy_line, audit_lines, forecast_lines, labels_line
from lindley.apps.web import charts
from lindley.apps.web.app import build_app
from lindley.apps.web.dashboard import dashboard_routes
from lindley.apps.web.pages import STATIC
from lindley.apps.web.security import LaunchLinks
from lindley.apps.web.status_page import SHOWN_CLASSES, render_status
from lindley.errors import DataError
from lindley.labelling.accuracy import AdjustedAccuracy, ClassRecall
from lindley.labelling.advice import Advice
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.desk import Desk
from lindley.labelling.labels_saved import LabelsSaved
from lindley.labelling.project import Project
from lindley.labelling.status_records import PeopleAgreement, SuspectStatus

PORT = 8124
ORIGIN = f"http://127.0.0.1:{PORT}"
CLASSES = ("cat", "<script>alert(1)</script>")
IDLE = {"state": "idle", "error": ""}
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """The elements of a page: every tag is closed, and every text is known by its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        assert not self._open
        self.text = " ".join("".join(self._all).replace("\N{NO-BREAK SPACE}", " ").split())

    _all: list[str]

    def feed(self, html):
        self._all = []
        super().feed(html)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        assert len(given) == len(attributes)
        self.tags.append((tag, given))
        if tag in VOID:
            return
        self._open.append((tag, given))
        if tag == "table":
            self.tables[self._open[-2][1]["aria-label"]] = self.tables.get(self._open[-2][1]["aria-label"], [])
        elif tag == "tr":
            self._rows().append([])
        elif tag in ("td", "th"):
            self._rows()[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        self._all.append(data)
        names = [tag for tag, _ in self._open]
        if {"td", "th"} & {*names}:
            self._rows()[-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ").strip()
        for _, attributes in self._open:
            if "id" in attributes:
                name = attributes["id"]
                self.texts[name] = self.texts.get(name, "") + data.replace("\N{NO-BREAK SPACE}", " ")

    def _rows(self):
        box = next(given for tag, given in reversed(self._open) if tag == "div" and "aria-label" in given)
        return self.tables[box["aria-label"]]

    def of(self, tag, **wanted):
        found = [given for name, given in self.tags if name == tag]
        return [each for each in found if all(each.get(key.rstrip("_")) == value for key, value in wanted.items())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 90 rows of two classes, with 45 labels, 15 of them test labels, and models."""
    home = tmp_path_factory.mktemp("dashboard")
    with (home / "rows.csv").open("w", newline="") as file:
        lines = [(f"{row % 2 * 3 + row % 7 / 10 + 0.05:.2f}", f"{row}.5") for row in range(90)]
        csv.writer(file).writerows([("a", "b"), *lines, ("only one cell",)])
    project = Project.create(
        home / "pets",
        home / "rows.csv",
        features=["a", "b"],
        classes=[*CLASSES],
        keys=["c", "d"],
        test_labels=15,
        target=0.8,
    )
    with project:
        for _ in range(5):
            for lease in project.ask(9):
                wrong = lease.item % 11 == 0
                project.tell({lease.item: CLASSES[(lease.item + wrong) % 2]})
            project.train()
    return home / "pets"


@pytest.fixture(scope="module")
def client(folder):
    links = LaunchLinks(["ann"], ORIGIN)
    with Project.open(folder) as project, Desk(project, lockstep=True) as desk:
        found = TestClient(build_app(desk, links, port=PORT), base_url=ORIGIN, follow_redirects=False)
        assert found.get("/status").status_code == 401
        assert found.get(links.links()["ann"]).status_code == 303
        yield found


@pytest.fixture
def page(client):
    answer = client.get("/status")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


@pytest.fixture
def found(client):
    return client.get("/api/status").json()


@pytest.fixture
def status(folder):
    with Project.open(folder) as project:
        return project.status()


def percent(share):
    return f"{100 * share:.0f} %"


def interval(found):
    return f"{100 * found['low']:.0f} to {100 * found['high']:.0f} %"


def value_of(page, name):
    (given,) = page.of("data", id=name)
    return given["value"]


def test_the_page_answers_first_how_good_the_model_is(page, found):
    accuracy = found["accuracy"]
    assert float(value_of(page, "accuracy")) == accuracy["share"]
    assert page.texts["accuracy"] == percent(accuracy["share"])
    (given,) = page.of("small", id="interval")
    assert (float(given["data-low"]), float(given["data-high"])) == (accuracy["low"], accuracy["high"])
    assert page.texts["interval"] == interval(accuracy)
    always = {"low": accuracy["always_low"], "high": accuracy["always_high"]}
    assert f"use {interval(always)}" in page.text
    assert f"from {accuracy['num_labels']} random test labels" in page.text


def test_the_adjusted_accuracy_stands_beside_the_plain_one(status, folder):
    found = replace(status, adjusted=AdjustedAccuracy(0.75, 0.05))
    page = Page(render_status(found, folder, IDLE))
    assert "sure the model is of all test items: 75 % (65 to 85 %, 95 % interval)" in page.text
    assert ["accuracy, adjusted by the model's confidence", "75 % (65 to 85 %, 95 % interval)"] in page.tables[
        "Details"
    ]


def test_saved_labels_and_suspects_are_those_of_the_json(status, folder, page):
    (reason,) = page.tables["Chosen labels against random labels"]
    assert reason == ["labels saved", "not estimable yet: it takes 60 test labels, and there are 15"]
    (reason,) = page.tables["Labels to check"]
    assert reason[0] == "suspects"
    assert reason[1].startswith("not listed yet: they take 100 training labels, 5 or more in each of two classes, and")
    assert not page.of("button", id="judge")
    many = dict.fromkeys(status.by_class, 60)
    saved = LabelsSaved(67, 0.66, 0.7, 0.04, -0.05, 0.14, 60.2, 6.8, -160.7, 49.2)
    suspect = SuspectStatus(3, "a.csv, line 5", "<b>a\ntext</b>", 0, "cat", 1.25)
    shown = Page(render_status(replace(status, saved=saved, suspects=[suspect], by_class=many), folder, IDLE))
    assert shown.tables["Chosen labels against random labels"] == [
        ["accuracy with 67 random labels", "66 %"],
        ["accuracy with 67 chosen labels", "70 %"],
        ["difference", "4 points (-5 to 14, 95 % interval)"],
        ["labels saved", "7 of 67 (-161 to 49, 95 % interval)"],
    ]
    (button,) = shown.of("button", id="judge")
    assert json.loads(button["data-items"]) == [{"item": 3, "place": "a.csv, line 5"}]
    assert shown.tables["Labels to check"][1] == ["a.csv, line 5", "<b>a text</b>"], "the old label would not be blind"


def test_the_page_says_what_comes_next_and_why(page, found):
    assert [given["id"] for given in page.of("h2")][:3] == ["how-good", "next", "stop"]
    for sign in found["advice"]["signs"]:
        assert f"{'Holds' if sign['holds'] else 'Not yet'}: {sign['reason']}" in page.text


def test_the_page_says_how_fresh_the_model_is(page, found):
    assert value_of(page, "model") == found["model"]["version"]
    assert int(value_of(page, "behind")) == found["model"]["num_behind"] == 0
    assert f"trained on {found['model']['num_train']} labels" in page.text


def test_each_chart_has_its_numbers_in_a_table_of_the_same_values(page, found):
    head, *rows = page.tables["Learning curve"]
    assert head == ["labels", "training labels", "accuracy", "95 % interval"]
    last = {each["num_labels"]: each for each in found["curve"]}
    assert rows == [
        [str(each["num_labels"]), str(each["num_train"]), percent(each["share"]), interval(each)]
        for each in last.values()
    ]
    assert page.tables["Calibration"][1:] == [
        [percent(each["confidence"]), percent(each["share"]), interval(each), str(each["num_labels"])]
        for each in found["calibration"]["bins"]
    ]
    assert f"Expected calibration error: {100 * found['calibration']['error']:.0f} points" in page.text


def test_the_recall_of_each_class_stands_with_its_number_of_labels(page, found):
    rows = page.tables["Recall by class"][1:]
    assert [row[0] for row in rows] == [*CLASSES]
    for row, each in zip(rows, found["recall"], strict=True):
        few = " (few)" if each["num_labels"] < 10 else ""
        labels = str(found["by_class"][each["name"]])
        assert row[1:] == [labels, f"{each['num_labels']}{few}", percent(each["share"]), interval(each)]


def test_people_and_details_are_those_of_the_json(page, found):
    (person,) = found["people"]
    assert page.tables["People"][1] == [person["person"], str(person["num_labels"]), str(person["num_skips"]), "–"]
    details = {row[0]: row[1] for row in page.tables["Details"]}
    bits, limit = found["information_bits"], found["information_limit_bits"]
    told = details["information in the labels of the next batch"]
    assert told == f"{bits:.2f} bits (at most {limit:.2f} can be measured)"
    assert page.tables["Unreadable entries"][1][0] == found["unreadable"][0]["place"]


def test_the_charts_draw_the_values_of_the_json(found, status):
    chart = charts.curve_chart(status.curve)
    for mark, each in zip(chart.marks, found["curve"], strict=True):
        for y, name in ((mark.y, "share"), (mark.low, "low"), (mark.high, "high")):
            share = (charts.BOTTOM - y) / (charts.BOTTOM - charts.TOP)
            assert share == pytest.approx(each[name], abs=0.001)
        labels = (mark.x - charts.LEFT) / (charts.RIGHT - charts.LEFT) * found["curve"][-1]["num_labels"]
        assert labels == pytest.approx(each["num_labels"], abs=0.05)
    bar = charts.interval_bar(0.25, 0.75, 0.5)
    assert (bar.low, bar.value, bar.high) == (charts.BAR / 4, charts.BAR / 2, charts.BAR * 3 / 4)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 9, 17, 33, 100, 251, 999, 10_001])
def test_an_axis_has_few_round_steps(most):
    steps = charts.round_steps(most)
    assert 2 <= len(steps) <= 6
    assert steps[0] == 0 < steps[-1] <= most
    assert str(steps[1]).rstrip("0") in ("1", "2", "5")


def test_nothing_is_a_script_or_a_style_and_nothing_comes_from_elsewhere(client, page):
    assert all({*given} == {"src", "type"} for given in page.of("script"))
    assert not page.of("style")
    assert not any(name == "style" or name.startswith("on") for _, given in page.tags for name in given)
    links = [given[name] for _, given in page.tags for name in ("href", "src") if name in given]
    assert {*links} <= {"#main", "/", "/status", *(f"/static/{name}" for name in STATIC)}
    script = client.get("/static/judge.js")
    assert script.status_code == 200
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|https?://", script.text)
    css = client.get("/static/dashboard.css")
    assert css.status_code == 200
    assert css.headers["content-type"].startswith("text/css")
    assert "url(" not in css.text


def test_all_is_named_for_a_screen_reader(page):
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len({*ids})
    for given in page.of("svg"):
        assert given["role"] == "img"
        names = given.get("aria-labelledby", "").split()
        assert given.get("aria-label") or (len(names) == 2 and all(page.texts[name].strip() for name in names))
    for given in page.of("section"):
        assert page.texts[given["aria-labelledby"]].strip()
    assert all(given.get("scope") for given in page.of("th"))
    assert page.of("html")[0]["lang"] == "en"


def test_the_page_says_the_sentences_of_the_command_line(page, status):
    for line in [labels_line(status), *forecast_lines(status)]:
        assert line in page.text


def test_a_new_project_is_told_how_to_begin(tmp_path):
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(f"text {row}" for row in range(30)))
    with Project.create(tmp_path / "new", tmp_path / "texts.csv", text="text", classes=["a", "b"]) as project:
        page = Page(render_status(project.status(), project.folder, IDLE))
    assert "Not known yet There is no model." in page.text
    assert "Start labelling." in page.text
    assert not page.of("svg")
    assert not page.tables


def test_an_audit_of_the_newest_model_stands_before_the_test_labels(status, folder):
    audit = AuditStatus(1, 60, 60, 0, status.model.version, 30, 45, 0.62, 0.85)
    audited = replace(status, audits=(audit,))
    page = Page(render_status(audited, folder, IDLE))
    assert value_of(page, "audited") == "0.75"
    assert page.texts["how-good"] == "How good is the model?"
    for line in (*audit_lines(audited), accuracy_line(audited)):
        assert line in page.text
    assert page.text.index("Audited accuracy") < page.text.index("Accuracy by the test labels")


def test_an_audit_of_an_earlier_model_stands_after_the_accuracy_of_the_newest(status, folder):
    audit = AuditStatus(1, 60, 60, 0, "r1", 12, 45, 0.62, 0.85)
    page = Page(render_status(replace(status, audits=(audit,)), folder, IDLE))
    assert float(value_of(page, "accuracy")) == status.accuracy.share
    assert not page.of("data", id="audited")
    assert page.text.index(page.texts["accuracy"]) < page.text.index("Audit at 12 training labels: 75 % (62 to 85 %")


def test_the_advice_to_stop_proposes_the_audit(status, folder):
    signs = tuple(replace(sign, holds=True) for sign in status.advice.signs)
    page = Page(render_status(replace(status, advice=Advice(True, signs)), folder, IDLE))
    assert "You can stop: 3 of 3 signs hold." in page.text
    assert f"audit {folder} --labels 60" in page.text
    assert page.text.count("Holds:") == 3


def test_a_failed_round_is_shown_first(status, folder):
    page = Page(render_status(replace(status, failure="no space left"), folder, IDLE))
    assert page.text.index("no space left") < page.text.index("How good is the model?")
    page = Page(render_status(status, folder, {"state": "failed", "error": "disk full"}))
    assert page.of("p", role="alert")
    assert "disk full" in page.text


def test_the_recall_of_many_classes_opens(status, folder):
    recall = [ClassRecall(row, f"class {row}", row, 40, row / 40, 0.0, 1.0) for row in range(SHOWN_CLASSES + 13)]
    html = render_status(replace(status, recall=recall, by_class={}), folder, IDLE)
    assert "13 more classes" in Page(html).text
    shown, _, hidden = html.partition("13 more classes")
    assert f"class {SHOWN_CLASSES - 1}<" in shown
    assert f"class {SHOWN_CLASSES}<" not in shown
    assert f"class {SHOWN_CLASSES + 12}<" in hidden


def test_the_agreement_of_people_is_shown_with_kappa(status, folder):
    pair = PeopleAgreement(("ann", "bob <b>"), 40, 0.9, 0.8123, 0.7, 0.91)
    page = Page(render_status(replace(status, agreement=[pair]), folder, IDLE))
    assert page.tables["Agreement between people"][1] == ["ann and bob <b>", "40", "90 %", "0.81 (0.70 to 0.91)"]


def test_one_round_and_one_bin_are_drawn(status, folder):
    point = replace(status.curve[0], num_labels=0, num_train=0)
    assert status.calibration is not None
    one = replace(status.calibration, bins=status.calibration.bins[:1])
    html = render_status(replace(status, curve=[point], calibration=one), folder, IDLE)
    assert not re.search(r"\bnan\b|\binf\b", html)
    assert len(Page(html).of("svg", class_="chart")) == 2


def test_the_first_status_is_read_before_anybody_asks_and_a_failure_is_left_to_the_visitor():
    class BrokenDesk(Desk):
        asked = threading.Event()

        def read_status(self):
            self.asked.set()
            raise DataError("an epoch is damaged", path=Path("epochs/1.json"))

    dashboard_routes(BrokenDesk.__new__(BrokenDesk))
    assert BrokenDesk.asked.wait(30)


def test_the_page_and_the_command_line_read_one_json(client, folder, found):
    with Project.open(folder) as project:
        printed = json.loads(json.dumps(project.status().to_json()))
    assert {name: value for name, value in found.items() if name != "trainer"} == printed
