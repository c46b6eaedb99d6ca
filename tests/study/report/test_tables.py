"""The tables' cells against the numbers that were put into the journals."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import journal_fakes as fakes
import pytest

from lindley.measures.catalogue import METRICS
from lindley.session.events import Resumed
from lindley.study.read_results import load_results
from lindley.study.report.tables import (
    accuracy_table,
    final_metrics_table,
    first_labels_table,
    labels_table,
    nll_table,
    seconds_table,
    write_rounds,
)
from lindley.study.results import StudyResults


def _accuracy(ask: fakes.Asked) -> float:
    """Seed s reaches 90 % after 40 + 20 s labels and keeps it; random never does."""
    if ask.acquisition == "random":
        return 0.7
    return 0.9 if ask.labels >= 40 + 20 * ask.seed else 0.7


@pytest.fixture
def results(tmp_path: Path) -> StudyResults:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=3))
    return load_results(fakes.write_study(tmp_path, study, accuracy=_accuracy))


def test_labels_needed_are_medians_over_seeds_of_all_labels(results: StudyResults) -> None:
    table = labels_table(results.experiments[0])
    assert table.columns == ("acquisition", "seeds", "80 %", "85 %", "90 %")
    assert table.rows == (("random", "3", "> 200", "> 200", "> 200"), ("BALD", "3", "60", "60", "60"))


def test_what_is_reached_by_luck_counts_only_where_it_is_said(tmp_path: Path) -> None:
    """At 60 labels 90 % is touched once; from 140 it is kept."""
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=3))
    fakes.write_study(tmp_path, study, accuracy=lambda ask: 0.9 if ask.labels == 60 or ask.labels >= 140 else 0.7)
    (experiment,) = load_results(tmp_path).experiments
    assert labels_table(experiment).rows[0][-1] == "140"
    assert first_labels_table(experiment).rows[0][-1] == "60"


def test_learning_curves_stand_in_numbers_at_a_few_rounds(results: StudyResults) -> None:
    table = accuracy_table(results.experiments[0])
    assert table.columns[2:] == ("20 labels", "60 labels", "100 labels", "120 labels", "160 labels", "200 labels")
    assert table.rows[1] == (
        "BALD", "3", "70.0 (70.0–70.0)", "90.0 (70.0–90.0)", *["90.0 (90.0–90.0)"] * 4
    )  # fmt: skip
    assert set(table.rows[0][2:]) == {"70.0 (70.0–70.0)"}


def test_where_some_trials_are_under_way_the_table_says_of_how_many_its_numbers_are(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=3))
    fakes.write_study(tmp_path, study, accuracy=_accuracy, rounds_done=lambda trial: 4 if trial.seed else None)
    ((*_, at_100, _, _, last),) = accuracy_table(load_results(tmp_path).experiments[0]).rows
    assert (at_100, last) == ("90.0, of 1", "90.0, of 1")


def test_the_nll_stands_in_bits_beside_the_accuracy(results: StudyResults) -> None:
    """Journals of 90 % have 0.32 nats, 0.462 bits; of 70 % 0.92 nats, 1.327 bits."""
    table = nll_table(results.experiments[0])
    assert table.name == "nll-digits"
    assert table.rows[1][3] == "0.462 (0.462–1.327)"
    assert set(table.rows[0][2:]) == {"1.327 (1.327–1.327)"}


def test_the_final_metrics_are_in_percent_bits_and_points(results: StudyResults) -> None:
    table = final_metrics_table(results.experiments[0])
    row = dict(zip(table.columns, table.rows[1], strict=True))
    # error 0.1: the fake's NLL is 0.32 nats, joint 0.36, Brier 0.14, ECE 0.03, dropout off 0.4 points lower
    assert row == {
        "acquisition": "BALD",
        "seeds": "3",
        "labels": "200",
        "accuracy %": "90.00 (90.00–90.00)",
        "dropout off %": "89.60 (89.60–89.60)",
        "NLL bits": "0.462 (0.462–0.462)",
        "NLL dropout off, bits": "0.534 (0.534–0.534)",
        "joint NLL bits": "0.519 (0.519–0.519)",
        "Brier": "0.140 (0.140–0.140)",
        "ECE points": "3.00 (3.00–3.00)",
    }


def test_trials_under_way_have_no_final_metrics(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=2))
    fakes.write_study(tmp_path, study, accuracy=_accuracy, rounds_done=lambda trial: 4 if trial.seed else None)
    assert [row[:2] for row in final_metrics_table(load_results(tmp_path).experiments[0]).rows] == [("BALD", "1")]


def test_seconds_are_medians_of_a_round_and_sums_of_a_trial(results: StudyResults) -> None:
    table = seconds_table(results.experiments[0])
    assert table.columns[-1] == "whole trial"
    # 10 rounds at 20..200 labels: fit 2 + 0.01 labels, predict 0.5, select 1, observe 0.1
    assert table.rows[0] == ("random", "3", "3.100", "0.500", "1.000", "0.100", "47.0")


def test_seconds_of_several_machines_are_not_mixed(results: StudyResults) -> None:
    first, *others = results.experiments[0].trials
    on_gpu = replace(first, manifest={**first.manifest, "device": "cuda (G)", "cpu": "C"})
    moved = Resumed(round=3, changes={"device": ["cpu", "cuda (G)"], "cpu": [None, "C"]})
    told_later = Resumed(round=3, changes={"cpu": [None, "C"], "code": ["a", "b"]})
    on_cpus = [replace(each, manifest={**each.manifest, "device": "cpu", "cpu": "C"}) for each in others]
    trials = [on_gpu, replace(on_cpus[0], resumed=(moved,)), replace(on_cpus[1], resumed=(told_later,)), *on_cpus[2:]]
    table = seconds_table(replace(results.experiments[0], trials=trials))
    assert table.columns[:3] == ("acquisition", "on", "trials")
    assert sum(int(row[2]) for row in table.rows) == len(trials)
    assert {row[1] for row in table.rows} == {"cuda (G)", "C", "several"}
    assert "shared a machine" in table.note


def test_every_round_is_written_in_natural_units(results: StudyResults, tmp_path: Path) -> None:
    write_rounds(results, tmp_path / "tables" / "rounds.csv")
    with (tmp_path / "tables" / "rounds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 10
    last = rows[-1]
    assert (last["experiment"], last["acquisition"], last["seed"], last["labels"]) == ("digits", "random", "2", "200")
    assert float(last["accuracy"]) == 0.7
    assert float(last["nll"]) == pytest.approx(0.92)


def test_a_metric_that_was_not_measured_is_absent(results: StudyResults, tmp_path: Path) -> None:
    """Journals that were written before a metric was added lack it; one round that has it is enough to show it."""
    (experiment,) = results.experiments
    name, column = "adaptive_ece", METRICS["adaptive_ece"].column_title
    write_rounds(results, tmp_path / "before.csv")
    assert column not in final_metrics_table(experiment).columns
    assert name not in (tmp_path / "before.csv").read_text()
    experiment.trials_of("bald")[0].rounds[-1].metrics[name] = 0.25
    write_rounds(results, tmp_path / "after.csv")
    table = final_metrics_table(experiment)
    assert dict(zip(table.columns, table.rows[1], strict=True))[column] == "25.00"
    assert dict(zip(table.columns, table.rows[0], strict=True))[column] == "–"
    assert name in (tmp_path / "after.csv").read_text().splitlines()[0].split(",")
