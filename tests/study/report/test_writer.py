"""The report: whole, self-contained, escaped, honest about what is missing, and the same when made again."""

from __future__ import annotations

import base64
import csv
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import journal_fakes as fakes
import pytest

from lindley.errors import InputError
from lindley.session.failures import record_failure
from lindley.session.locks import find_holder
from lindley.study.comparison.outputs import compare
from lindley.study.comparison.outputs import tables as comparison_tables
from lindley.study.read_results import load_results
from lindley.study.report import writer
from lindley.study.report.writer import write_report
from lindley.study.results import StudyResults
from lindley.study.trials import trials_of

HOSTILE = "<script>alert('x')</script> & friends"


class _Page(HTMLParser):
    """The tags and attributes of a page, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with data for all six figures; one trial is under way, one is not started."""
    plane = fakes.FakePlane(lambda ask: [fakes.NEAR] * 5)
    study = fakes.make_study(
        fakes.moons_table(["random", "bald"], seeds=1, max_labels=20),
        fakes.experiment_table(
            "digits", ["random", "bald", "batchbald"], seeds=2, max_labels=120, observe=fakes.TRANSFER, pool=fakes.RARE
        ),
        title=HOSTILE,
    )
    done = {("digits", "bald", 1): 2, ("digits", "batchbald", 1): 0}
    out = tmp_path_factory.mktemp("study")
    fakes.write_study(
        out,
        study,
        accuracy=lambda ask: fakes.rising(ask, scale=60 if ask.acquisition == "random" else 25),
        grid=plane,
        information=fakes.fake_information,
        more=lambda ask: fakes.fake_transfer(ask) | fakes.fake_asked(ask),
        rounds_done=lambda trial: done.get((trial.experiment.name, trial.acquisition, trial.seed)),
    )
    write_report(out)
    return out


@pytest.fixture(scope="module")
def page(out: Path) -> _Page:
    return _Page((out / "report.html").read_text(encoding="utf-8"))


def test_the_page_is_one_whole_document(page: _Page) -> None:
    assert page.open == []
    assert [tag for tag, _ in page.tags[:2]] == ["html", "head"]


def test_nothing_is_loaded_from_elsewhere(out: Path, page: _Page) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|url\(|@import|<link|<script|<iframe", text)
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    targets = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    anchors = {attributes.get("id") for _, attributes in page.tags}
    assert targets
    assert all(target[:1] == "#" and target[1:] in anchors for target in targets)


def test_every_figure_is_inside_as_it_lies_in_its_file(out: Path, page: _Page) -> None:
    inside = {
        base64.b64decode((attributes["src"] or "").split(",")[1]) for tag, attributes in page.tags if tag == "img"
    }
    files = sorted((out / "figures").glob("*.png"))
    assert inside == {path.read_bytes() for path in files}
    assert {path.name.split("-")[1] for path in files} == {"1", "2", "3", "4", "5", "6"}
    assert all(path.with_suffix(".pdf").is_file() for path in files)


def test_every_image_says_in_words_what_it_shows(page: _Page) -> None:
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")


def test_what_comes_from_the_study_is_escaped(page: _Page) -> None:
    assert HOSTILE in page.words
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_four_claims_stand_with_verdict_and_numbers(page: _Page) -> None:
    headings = [word for word in page.words if re.match(r"[1-4]\. ", word)]
    assert [heading[:2] for heading in headings] == ["1.", "2.", "3.", "4."]
    verdicts = [word for word in page.words if word.endswith(" here") and len(word.split()) == 3]
    assert len(verdicts) == 4
    assert any("1 of 1 seeds in favour" in word for word in page.words)


def test_figures_of_one_experiment_have_their_table_under_the_last(tmp_path: Path) -> None:
    experiment = fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=80)
    experiment["observe"] = {"information": {"acquisition": "bald", "labels": [20, 60], "picks": 5}}
    out = fakes.write_study(
        tmp_path, fakes.make_study(experiment), accuracy=fakes.rising, information=fakes.fake_information
    )
    words = _Page(write_report(out).read_text(encoding="utf-8")).words
    headings = [word for word in words if word.startswith(("Figure 4. ", "Information by batch size: "))]
    assert [heading[:6] for heading in headings] == ["Figure", "Figure", "Inform"]


def test_where_nll_contradicts_accuracy_the_first_lines_say_so(tmp_path: Path) -> None:
    """BALD is more accurate in all six seeds, and its NLL is worse; dropout off is better than the draws."""
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=6, max_labels=80))
    fakes.write_study(
        tmp_path,
        study,
        accuracy=lambda ask: (0.9 if ask.acquisition == "bald" and ask.round else 0.8) + 0.001 * ask.seed,
        more=lambda ask: {
            "nll": (0.6 if ask.acquisition == "bald" and ask.round else 0.5) + 0.001 * ask.seed,
            "nll_point": 0.1,
        },
    )
    words = _Page(write_report(tmp_path).read_text(encoding="utf-8")).words
    top = words[: words.index("Labels to reach an accuracy")]
    assert (
        "Accuracy and NLL disagree with 80 labels: BALD is more accurate than random in 6 of 6 seeds, but worse in NLL "
        "in 6 of 6 seeds."
    ) in top
    differences = [word for word in top if word.startswith("Detected against random: ")]
    assert [word.split(": ")[1] for word in differences] == ["higher mean accuracy", "higher mean NLL"]
    assert all("BALD (" in word and ";" not in word for word in differences)
    assert any("average of the draws has a worse NLL than the single prediction" in word for word in top)
    assert top.index("Main results") < min(
        place for place, word in enumerate(top) if word.startswith("Active learning")
    )
    tables = {path.name for path in (tmp_path / "tables").glob("*.csv")}
    assert {"nll-digits.csv", "compared-probabilities-digits.csv", "compared-draws-digits.csv"} <= tables


def test_what_is_not_finished_is_said_at_the_top(page: _Page) -> None:
    said = " ".join(page.words[: page.words.index("Figures") + 40])
    assert "This study is not complete" in said
    assert "Digits, BALD, seed 1: not finished, 40 of 120 labels so far" in said
    assert "Digits, BatchBALD, seed 1: no round yet." in said
    assert "6 of 8" in page.words


def test_finished_trials_are_counted_of_those_of_the_study_alone(tmp_path: Path) -> None:
    for name in ("margin", "bald"):  # the study names another acquisition now
        study = fakes.make_study(fakes.experiment_table("digits", ["random", name], seeds=2, max_labels=60))
        fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    assert "4 of 4" in _Page(write_report(tmp_path).read_text(encoding="utf-8")).words


def test_what_failed_is_named_with_its_error_until_it_is_finished(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=3))
    first, second, third = trials_of(study)
    rounds = {first.folder: None, second.folder: 2, third.folder: 0}
    fakes.write_study(tmp_path, study, accuracy=fakes.rising, rounds_done=lambda trial: rounds[trial.folder])
    for trial in (first, second, third):
        record_failure(tmp_path / trial.folder, f"<diverged> {trial.seed}")
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Its rounds so far are shown. It failed: &lt;diverged&gt; 1" in text
    assert "Digits, BALD, seed 2: no round yet. It failed: &lt;diverged&gt; 2" in text
    assert "diverged&gt; 0" not in text


def test_those_who_end_together_write_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holders = []

    def loaded(out: Path, *, check_arrays: bool) -> StudyResults:
        holders.append(find_holder(out / "study"))
        return load_results(out, check_arrays=check_arrays)

    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=80))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    monkeypatch.setattr(writer, "load_results", loaded)
    write_report(tmp_path)
    assert holders == [f"process {os.getpid()}"]


def test_the_balanced_start_and_all_settings_and_versions_are_told(page: _Page) -> None:
    text = " ".join(page.words)
    for needed in (
        "In practice this requires more labels",
        "schedule.batch_size",
        "torch",
        "2.13.0",
        "shown in bits",
        "ab" * 32,
    ):
        assert needed in text


def test_light_and_dark_are_both_there_and_small_screens_too(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_tables_lie_beside_as_csv(out: Path) -> None:
    names = {path.name for path in (out / "tables").glob("*.csv")}
    assert {"rounds.csv", "claims.csv", "labels-needed-digits.csv", "final-digits.csv", "settings.csv"} <= names
    with (out / "tables" / "claims.csv").open(newline="") as file:
        assert {row["claim"] for row in csv.DictReader(file)} == {"1", "2", "4"}


def test_an_experiment_has_the_tables_that_it_has_data_for(page: _Page, out: Path) -> None:
    names = {path.name for path in (out / "tables").glob("*.csv")}
    assert {"queried-digits.csv", "minority-recall-digits.csv", "transfer-digits.csv"} <= names
    assert not names & {"queried-two-moons.csv", "minority-recall-two-moons.csv", "transfer-two-moons.csv"}
    assert {"Queried rows: Digits", "Recall of minority classes: Digits", "Transfer to other models: Digits"} <= set(
        page.words
    )


def test_under_each_figure_stand_its_numbers_and_no_table_twice(page: _Page) -> None:
    def place(words: str) -> int:
        (found,) = [number for number, word in enumerate(page.words) if word.startswith(words)]
        return found

    order = [
        "Figure 3. Learning curves, Two",
        "Accuracy by number of labels: Two",
        "Labels to reach and keep an accuracy: Two",
        "Figure 3. Learning curves, Digits",
        "Accuracy by number of labels: Digits",
        "Labels to reach and keep an accuracy: Digits",
        "Information by batch size",
        "Figure 5. ",
        "Figure 6. ",
        "Transfer to other models: Digits",
        "Metrics at the last number of labels",
        "Queried rows: Digits",
    ]
    places = [place(words) for words in order]
    assert places == sorted(places)


def test_made_again_from_a_copy_elsewhere_it_is_the_same(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2, max_labels=80))
    first = write_report(fakes.write_study(tmp_path / "first", study, accuracy=fakes.rising)).read_bytes()
    shutil.copytree(tmp_path / "first" / "trials", tmp_path / "copy" / "trials")
    shutil.copy(tmp_path / "first" / "study.json", tmp_path / "copy")
    assert write_report(tmp_path / "copy").read_bytes() == first
    assert write_report(tmp_path / "first").read_bytes() == first


def test_a_study_without_any_round_has_a_report_that_says_so(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising, rounds_done=lambda trial: 0)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Digits, BALD, seed 0: no round yet." in text
    assert "Digits: nothing to compare" in text
    assert "Further tables" not in text
    for number in range(1, 7):
        assert f"Figure {number} (" in text
    assert text.count("not measured here") == 4


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_report(tmp_path)
    assert (caught.value.argument, caught.value.got) == ("out", str(tmp_path))


def test_the_comparison_on_the_page_is_the_one_of_the_command(out: Path, page: _Page) -> None:
    words = " ".join(page.words).replace("\N{NO-BREAK SPACE}%", " %")
    compared = compare(load_results(out))
    assert len(compared) == 2
    for experiment in compared:
        assert experiment.verdicts
        assert all(sentence in words for sentence in experiment.verdicts)
        for content in comparison_tables(experiment):
            assert content.title in words
            assert all(cell in words for row in content.rows for cell in row)
    lines = list(csv.reader((out / "tables" / "comparison.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == 1 + sum(len(experiment.contrasts) for experiment in compared)
    text = (out / "tables" / "compared-queried-digits.csv").read_text(encoding="utf-8")
    asked = list(csv.DictReader(text.splitlines()))
    assert [line["acquisition"] for line in asked] == ["random", "BALD", "BatchBALD"]


def test_what_does_not_count_is_said_at_the_top(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    (journal,) = tmp_path.glob("trials/digits/bald/seed-1-*/journal.jsonl")
    journal.write_text(journal.read_text().replace('"labels":40', '"labels":41'))
    words = " ".join(_Page(write_report(tmp_path).read_text(encoding="utf-8")).words)
    assert "These trials are in the folder but are not counted:" in words
    assert "journal.jsonl, line 7 is damaged" in words


def test_tables_say_which_cells_are_headings_and_their_boxes_have_names(page: _Page) -> None:
    heads = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert {"col", "row"} == set(heads)
    boxes = [attributes for _, attributes in page.tags if attributes.get("class") == "scroll"]
    assert boxes
    assert all(attributes.get("role") == "region" and attributes.get("aria-label") for attributes in boxes)
