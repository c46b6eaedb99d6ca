"""The transfer table against accuracies that were put into the journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import journal_fakes as fakes

from lindley.study.read_results import load_results
from lindley.study.report.tables_transfer import transfer_table
from lindley.study.results import ExperimentResults

MODELS = {"observe": {"transfer": {"models": ["forest", "head"]}}}


def _accuracy(ask: fakes.Asked) -> float:
    return 0.9 if ask.acquisition == "bald" else 0.8


def _others(ask: fakes.Asked) -> dict[str, Any]:
    """The forest gains 2 points more with every seed from what bald asked for; the head loses 1."""
    bald = ask.acquisition == "bald"
    forest = 0.5 + 0.1 * ask.seed + (0.02 * ask.seed if bald else 0.0)
    head = 0.7 - (0.01 if bald else 0.0)
    return {"transfer": {name: {"accuracy": value, "nll": 1.0} for name, value in (("forest", forest), ("head", head))}}


def _experiment(
    out: Path, *, more: Any = _others, methods: tuple[str, ...] = ("random", "bald"), **tables: Any
) -> ExperimentResults:
    study = fakes.make_study(fakes.experiment_table("digits", list(methods), seeds=3, max_labels=60, **tables))
    return load_results(fakes.write_study(out, study, accuracy=_accuracy, more=more)).experiments[0]


def test_differences_are_paired_by_seed_before_their_median_is_taken(tmp_path: Path) -> None:
    table = transfer_table(_experiment(tmp_path, **MODELS))
    assert table is not None
    both = ("forest %", "against random", "head %", "against random")
    assert table.columns == ("acquisition", "seeds", "labels", "its own model %", "against random", *both)
    assert table.rows[0][2:7] == ("60", "80.00 (80.00–80.00)", "–", "60.00 (50.00–70.00)", "–")
    assert table.rows[1][2:7] == (
        "60",
        "90.00 (90.00–90.00)",
        "+10.00 (+10.00 to +10.00)",
        "62.00 (50.00–74.00)",
        "+2.00 (+0.00 to +4.00)",
    )
    assert table.rows[1][8] == "-1.00 (-1.00 to -1.00)"


def test_the_last_number_of_labels_is_the_last_at_which_it_was_measured(tmp_path: Path) -> None:
    table = transfer_table(_experiment(tmp_path, more=lambda ask: _others(ask) if ask.labels == 40 else {}, **MODELS))
    assert table is not None
    assert [row[2] for row in table.rows] == ["40", "40"]


def test_without_random_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    table = transfer_table(_experiment(tmp_path, methods=("bald",), **MODELS))
    assert table is not None
    assert (table.rows[0][4], table.rows[0][6]) == ("–", "–")


def test_an_experiment_that_measures_none_and_one_without_a_measurement_have_no_table(tmp_path: Path) -> None:
    assert transfer_table(_experiment(tmp_path / "none", more=lambda ask: {})) is None
    assert transfer_table(_experiment(tmp_path / "not yet", more=lambda ask: {}, **MODELS)) is None
