"""The parts of `make demo-label`: its made-up questions and its picture. The whole takes minutes."""

from __future__ import annotations

import csv
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lindley import Project

DEMO = runpy.run_path(str(Path(__file__).parents[1] / "examples" / "demo_label.py"))


def test_made_up_questions_are_different_and_one_class_is_rare() -> None:
    pairs = DEMO["make_questions"](2000, np.random.default_rng(0))
    assert len({text for text, _ in pairs}) == 2000
    counts = Counter(label for _, label in pairs)
    assert set(counts) == set(DEMO["SENTENCES"])
    assert counts["ABBR"] < 0.05 * 2000
    assert not [text for text, _ in pairs if "{" in text or "}" in text]


def test_equal_seeds_make_equal_questions() -> None:
    first, second = (DEMO["make_questions"](50, np.random.default_rng(3)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("there", [True, False])
def test_questions_are_trec_where_they_are_there(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("LINDLEY_DATA", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if there:
        (data / "trec6").mkdir(parents=True)
        (data / "trec6" / "trec6_train.tsv").write_text('coarse\ttext\nHUM\tWho said "no" ?\n')
    path = DEMO["write_questions"](tmp_path / "questions.csv", made_up=False)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file, delimiter=",")]
    assert rows[0].keys() == {"text", "label"}
    assert len(rows) == (1 if there else 5000)


def test_the_encoder_is_a_folder_where_its_package_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DEMO["find_encoder"]("an_encoder_that_is_not_there") is None
    (tmp_path / "an_encoder").mkdir()
    (tmp_path / "an_encoder" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert DEMO["find_encoder"]("an_encoder") == tmp_path / "an_encoder" / "model"


def test_a_model_of_the_sentences_alone_stands_at_0_labels() -> None:
    curve = [{"num_labels": count, "low": 0.0, "share": count / 100, "high": 1.0} for count in (0, 10)]
    assert "0 % (0 % to 100 %)" in DEMO["line"](0, "default", {"curve": curve})
    assert "10 % (0 % to 100 %)" in DEMO["line"](20, "default", {"curve": curve})


def test_the_picture_has_a_dot_within_its_interval() -> None:
    point: dict[str, Any] = {"num_labels": 20, "low": 0.25, "share": 0.5, "high": 0.75}
    line = DEMO["line"](50, "default", {"curve": [point, {**point, "num_labels": 51, "share": 0.7}]})
    bar = line.split("|")[1]
    assert len(bar) == DEMO["WIDTH"] + 1
    assert bar.index("-") / DEMO["WIDTH"] == 0.25
    assert bar.index("o") / DEMO["WIDTH"] == 0.5
    assert bar.rindex("-") / DEMO["WIDTH"] == 0.75
    assert line.endswith("50 % (25 % to 75 %)")
    assert DEMO["line"](10, "random", {"curve": [point]}).endswith("no model yet")


@pytest.mark.slow
def test_two_projects_of_the_questions_are_made_and_one_chooses_at_random(tmp_path: Path) -> None:
    with (tmp_path / "questions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *DEMO["make_questions"](60, np.random.default_rng(0))])
    folders = {"default": tmp_path / "project", "random": tmp_path / "random"}
    DEMO["make_projects"](tmp_path / "questions.csv", folders)
    found = {}
    for name, folder in folders.items():
        with Project.open(folder) as project:
            found[name] = project.settings.acquisition
            assert (project.num_items, len(project.classes())) == (60, 6)
    assert found == {"default": "batchbald", "random": "random"}
