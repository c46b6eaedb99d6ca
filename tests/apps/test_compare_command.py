"""`lindley compare`, on the folder of a study: text, JSON, CSV, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lindley.apps.cli import app

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))
from journal_fakes import experiment_table, make_study, rising, write_study


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seeds; BALD is three rounds ahead of random, margin level with it."""

    def accuracy(ask):
        ahead = 60 if ask.acquisition == "bald" else 0
        return 0.6 + (ask.labels + ahead) / 800 + 0.02 * ask.noise.uniform() + 0.005 * ask.seed

    study = make_study(experiment_table("made-up", ["random", "margin", "bald"], seeds=8))
    return write_study(tmp_path_factory.mktemp("compared"), study, accuracy=accuracy)


def test_text_says_who_needs_fewer_labels(folder):
    said = compare(folder)
    assert said.exit_code == 0
    assert "fewer labels than random to" in said.stdout
    assert "margin and random: no difference in labels to" in said.stdout
    assert "8 seeds; minimum detectable difference:" in said.stdout


@pytest.mark.parametrize("columns", [80, 100, 132])
def test_tables_fit_the_terminal_and_cut_no_number(folder, monkeypatch, columns):
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    monkeypatch.setenv("COLUMNS", str(columns))
    said = compare(folder).stdout
    (experiment,) = json.loads(compare(folder, "--format", "json").stdout)
    assert max(map(len, said.splitlines())) <= columns
    assert "…" not in said
    assert ("detectable" in _headings(said)) == (columns >= 100)
    for contrast in experiment["contrasts"]:
        assert f" {contrast['ahead']} : {contrast['behind']} " in said


def test_nll_stands_in_words_table_and_json(folder):
    """The journals' NLL is three times the error: the one who is ahead in accuracy is ahead in NLL."""
    said = " ".join(compare(folder).stdout.split())
    (experiment,) = json.loads(compare(folder, "--format", "json").stdout)
    (bald,) = [
        each for each in experiment["contrasts"] if (each["measure"], each["acquisition"]) == ("mean_nll", "bald")
    ]
    (area,) = [
        each for each in experiment["contrasts"] if (each["measure"], each["acquisition"]) == ("mean_accuracy", "bald")
    ]
    assert bald["estimate"] == pytest.approx(3 * area["estimate"])
    assert f"The mean NLL of BALD is {bald['estimate'] / math.log(2):.3f} bits lower than that of random" in said
    assert "Mean NLL over the rounds, against random" in said
    assert "which are one family (6, of 2 pairs of acquisitions)" in said
    assert {each["metric"] for each in experiment["probabilities"]} == {"accuracy", "nll", "brier"}
    assert [each["acquisition"] for each in experiment["draws"]] == ["random", "margin", "bald"]
    assert experiment["headlines"][0].startswith("Detected against random: fewer labels to")


def _headings(text: str) -> str:
    return text.partition("Labels needed")[2].partition("───")[0]


def test_in_a_file_every_sentence_is_one_line(folder):
    assert any(
        line.startswith("  BALD needs") and line.endswith("seeds).") for line in compare(folder).stdout.splitlines()
    )


def test_json_and_csv_hold_the_same_comparisons(folder):
    (experiment,) = json.loads(compare(folder, "--format", "json").stdout)
    lines = list(csv.DictReader(io.StringIO(compare(folder, "--format", "csv").stdout)))
    assert [line["acquisition"] for line in lines] == [each["acquisition"] for each in experiment["contrasts"]]
    assert [float(line["estimate"]) for line in lines] == [each["estimate"] for each in experiment["contrasts"]]
    assert experiment["against"] == "random"


def test_another_reference_and_accuracy_may_be_named(folder):
    (experiment,) = json.loads(compare(folder, "--against", "bald", "--accuracy", 75, "--format", "json").stdout)
    assert {each["against"] for each in experiment["contrasts"]} == {"bald"}
    assert {each["accuracy"] for each in experiment["contrasts"] if each["measure"] == "labels"} == {0.75}


def test_brackets_in_a_title_stay(tmp_path):
    study = make_study(experiment_table("hard", ["random", "bald"], seeds=1, title="Pool [hard], p = [/2]"))
    said = compare(write_study(tmp_path, study, accuracy=rising))
    assert said.exit_code == 0
    assert said.stdout.count("Pool [hard], p = [/2]") == 7  # above the sentences, and above each of six tables


def test_the_ending_of_the_file_says_the_format(folder, tmp_path):
    assert compare(folder, "--out", tmp_path / "c.json").exit_code == 0
    assert json.loads((tmp_path / "c.json").read_text())[0]["against"] == "random"
    assert compare(folder, "--out", tmp_path / "c.csv").exit_code == 0
    assert (tmp_path / "c.csv").read_text().startswith("experiment,")
    assert compare(folder, "--out", tmp_path / "c.csv", "--format", "text", "--overwrite").exit_code == 0
    assert "fewer labels than random" in (tmp_path / "c.csv").read_text()
    said = compare(folder, "--out", tmp_path / "none" / "c.csv")
    assert said.exit_code == 2
    assert "lindley: --out: " in said.output


def test_it_may_be_written_to_a_file(folder, tmp_path):
    said = compare(folder, "--format", "json", "--out", tmp_path / "compared.json")
    assert said.exit_code == 0
    assert json.loads((tmp_path / "compared.json").read_text())[0]["experiment"] == "made-up"


def test_the_same_folder_gives_the_same_bytes(folder):
    assert compare(folder).stdout == compare(folder).stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [("--format", "xml"), ("--accuracy", 0.95), ("--accuracy", 101.0), ("--accuracy", "nan"), ("--against", "blad")],
)
def test_an_option_that_cannot_be_used_is_named_with_its_value(folder, option, value):
    said = compare(folder, option, value)
    assert said.exit_code == 2
    assert str(value) in said.output
    assert option in said.output or "random, margin, bald" in said.output


def test_a_folder_without_a_study_is_refused(tmp_path):
    said = compare(tmp_path)
    assert said.exit_code == 2
    assert "holds no study" in said.output


def test_one_acquisition_alone_cannot_be_compared(tmp_path):
    study = make_study(experiment_table("alone", ["bald"], seeds=2))
    said = compare(write_study(tmp_path, study, accuracy=lambda ask: 0.5))
    assert said.exit_code == 2
    assert "requires two acquisitions with two rounds under the same seed" in said.output


def test_where_every_trial_is_left_out_each_is_named_with_what_is_wrong(tmp_path):
    study = make_study(experiment_table("made-up", ["random", "bald"], seeds=1))
    write_study(tmp_path, study, accuracy=rising)
    for path in tmp_path.rglob("manifest.json"):
        path.write_text(path.read_text().replace("1198", "7"))
    ran = compare(tmp_path)
    assert ran.exit_code == 2
    assert ran.stderr.count("manifest.json is damaged: it is not what was written") == 2


def test_one_round_each_cannot_be_compared(tmp_path):
    study = make_study(experiment_table("begun", ["random", "bald"], seeds=1))
    said = compare(write_study(tmp_path, study, accuracy=rising, rounds_done=lambda trial: 1))
    assert said.exit_code == 2
    assert "requires random and another acquisition with two rounds under the same seed" in said.output


def test_an_experiment_in_which_nothing_can_be_compared_is_named(tmp_path):
    study = make_study(
        experiment_table("alone", ["bald"], seeds=2), experiment_table("both", ["random", "bald"], seeds=2)
    )
    folder = write_study(tmp_path, study, accuracy=rising)
    for arguments, needs in ([], "two acquisitions"), (["--against", "random"], "random and another acquisition"):
        said = compare(folder, *arguments)
        assert said.exit_code == 0
        assert said.stderr == f"Alone: nothing to compare. This requires {needs} with two rounds under the same seed.\n"


def test_where_the_reference_has_other_seeds_it_is_named_as_what_is_needed(tmp_path):
    study = make_study(experiment_table("begun", ["random", "margin", "bald"], seeds=2))
    folder = write_study(
        tmp_path, study, accuracy=rising, rounds_done=lambda trial: 3 * ((trial.acquisition == "random") == trial.seed)
    )
    said = compare(folder)
    assert said.exit_code == 2
    needed = "random and another acquisition with two rounds under the same seed"
    assert needed in " ".join(said.output.split())
    assert "margin" in compare(folder, "--against", "margin").stdout


def test_a_study_under_way_says_how_many_trials_are_not_finished(tmp_path):
    study = make_study(experiment_table("begun", ["random", "bald"], seeds=2))
    done = {("bald", 1): 3}
    folder = write_study(
        tmp_path, study, accuracy=rising, rounds_done=lambda trial: done.get((trial.acquisition, trial.seed))
    )
    said = compare(folder)
    assert said.exit_code == 0
    assert said.stderr.startswith("Unfinished trials: 1.")


def test_trials_that_begin_with_other_fits_are_named(tmp_path):
    study = make_study(experiment_table("begun", ["random", "bald"], seeds=2))
    said = compare(write_study(tmp_path, study, accuracy=lambda ask: 0.5 + 0.1 * (ask.acquisition == "bald")))
    assert said.exit_code == 0
    assert said.stderr.startswith("Begun, seeds 0, 1: trials start with the same labels but different first fits")
    assert "BALD | random (equal between the bars)" in said.stderr


def test_it_needs_neither_matplotlib_nor_torch(folder):
    check = f"import sys; sys.argv = ['lindley', 'compare', {str(folder)!r}]; from lindley.apps.cli import main\n"
    check += "try:\n    main()\nfinally:\n    print({'matplotlib', 'torch'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "set()"


def test_a_long_name_is_broken_and_no_number_is(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    name = f"my_package.{'long_' * 12}module:score"
    study = make_study(experiment_table("made-up", ["random", name], seeds=6))
    write_study(tmp_path, study, accuracy=lambda ask: rising(ask) + (ask.acquisition == name) * ask.round / 1000)
    said = compare(tmp_path).stdout
    (experiment,) = json.loads(compare(tmp_path, "--format", "json").stdout)
    assert "…" not in said
    for contrast in experiment["contrasts"]:
        assert f" {contrast['ahead']} : {contrast['behind']} " in said


def test_an_accuracy_is_compared_as_it_is_written(tmp_path):
    """95.01 / 100 is a little more than 0.9501."""

    def accuracy(ask):
        return 0.5 if ask.labels < (60 if ask.acquisition == "bald" else 120) else 0.9501

    write_study(tmp_path, make_study(experiment_table("made-up", ["random", "bald"], seeds=6)), accuracy=accuracy)
    (experiment,) = json.loads(compare(tmp_path, "--accuracy", "95.01", "--format", "json").stdout)
    assert [each["ahead"] for each in experiment["contrasts"] if each["measure"] == "labels"] == [6]
