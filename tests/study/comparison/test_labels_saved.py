"""Labels saved for a pair of acquisitions are one number, wherever it stands."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import journal_fakes as fakes
import pytest
from typer.testing import CliRunner

from lindley.apps.cli import app
from lindley.study.comparison.outputs import compare, tables
from lindley.study.read_results import load_results
from lindley.study.report.writer import write_report

TITLES = {"random": "random", "margin": "margin", "bald": "BALD", "batchbald": "BatchBALD"}
_SCALES = {"random": 90.0, "margin": 45.0, "bald": 60.0, "batchbald": 50.0}
_NUMBER = re.compile(r"(\d+) % (fewer|more)")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = fakes.make_study(fakes.experiment_table("digits", list(TITLES), seeds=7, batch_size=5, max_labels=100))

    def accuracy(ask: fakes.QuerySummary) -> float:
        return fakes.rising(ask, scale=_SCALES[ask.acquisition] * (0.8 + 0.05 * ask.seed))

    out = fakes.write_study(tmp_path_factory.mktemp("study"), study, accuracy=accuracy)
    write_report(out)
    return out


@cache
def _json(out: Path, against: str) -> dict[str, float]:
    """The estimates of `lindley compare`, by acquisition: what all other places must say."""
    told = CliRunner().invoke(app, ["compare", str(out), "--against", against, "--format", "json"])
    (experiment,) = json.loads(told.stdout)
    return {each["acquisition"]: each["estimate"] for each in experiment["contrasts"] if each["measure"] == "labels"}


def _words(share: float) -> tuple[str, str]:
    return f"{100 * abs(share):.0f}", "fewer" if share >= 0 else "more"


def _claims(out: Path) -> Iterator[tuple[str, str, str]]:
    """(acquisition, reference, what is said) of every line of the claims that states labels saved."""
    names = {title: name for name, title in TITLES.items()}
    with (out / "tables" / "claims.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if match := re.fullmatch(r"labels to .*: (.*) against (.*)", line["comparison"]):
                yield names[match[1]], names[match[2]], line["difference"]


def test_the_claims_say_what_compare_says(out: Path) -> None:
    said = list(_claims(out))
    assert {(name, against) for name, against, _ in said} == {
        ("margin", "random"), ("bald", "random"), ("bald", "margin"), ("batchbald", "bald"),
    }  # fmt: skip
    for name, against, words in said:
        assert _NUMBER.findall(words) == [_words(_json(out, against)[name])]


def test_every_sentence_on_the_page_says_what_compare_says(out: Path) -> None:
    text = html.unescape(re.sub(r"<[^>]*>", "\n", (out / "report.html").read_text(encoding="utf-8")))
    text = text.replace("\N{NO-BREAK SPACE}%", " %")
    found = _json(out, "random")
    for name, share in found.items():
        title = TITLES[name]
        needs = re.findall(rf"^{title} needs (\d+) % (fewer|more) labels than random", text, re.MULTILINE)
        none = re.findall(rf"^{title} and random: no difference in labels.*measured (\d+) % (\w+)", text, re.MULTILINE)
        assert needs + none == [_words(share)]
        for short in re.findall(r"^Detected against random: fewer labels to .*", text, re.MULTILINE):
            assert set(re.findall(rf"\b{title} \((\d+) % (fewer)\)", short)) <= {_words(share)}


def test_table_and_csv_say_what_compare_says(out: Path) -> None:
    found = _json(out, "random")
    with (out / "tables" / "comparison.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["measure"] == "labels"]
    assert {line["acquisition"]: float(line["estimate"]) for line in lines} == found
    (compared,) = compare(load_results(out))
    labels = tables(compared)[0]
    for row, share in zip(labels.rows, found.values(), strict=True):
        cells = dict(zip(labels.columns, row, strict=True))
        assert cells["fewer labels, %"] == f"{100 * share:.0f}".replace("-", "−")


def test_exchanging_the_two_gives_the_inverse(out: Path) -> None:
    saved, lost = _json(out, "random")["bald"], _json(out, "bald")["random"]
    assert (1 - saved) * (1 - lost) == pytest.approx(1)
