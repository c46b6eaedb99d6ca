"""Queried rows, against counts that were put into the journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import journal_fakes as fakes

from lindley.study.read_results import load_results
from lindley.study.report.tables_queried import minority_recall_table, query_kinds_table
from lindley.study.results import ExperimentResults

POOL = {"labels": 1000, "minority_class": 40, "duplicates": 0, "mislabelled": 100, "out_of_distribution": 0}


def _counts(ask: fakes.Asked) -> dict[str, Any]:
    """Of the 20 initial labels 4 are rare and 1 is wrong; then bald asks for every fourth rare, random for none."""
    later = ask.labels - 20
    rare = 4 + (later // 4 if ask.acquisition == "bald" else 0)
    asked = {
        "labels": ask.labels,
        "minority_class": rare,
        "duplicates": 0,
        "mislabelled": 1 + ask.seed * later // 10,
        "out_of_distribution": 0,
    }
    recall = [0.9] * 8 + [0.5 + 0.1 * ask.seed, None if ask.acquisition == "random" else 0.3]
    return {"queried": asked, "pool": POOL, "recall": recall}


def _experiment(out: Path, *, max_labels: int = 100, more: Any = _counts, **tables: Any) -> ExperimentResults:
    study = fakes.make_study(
        fakes.experiment_table("digits", ["random", "bald"], seeds=3, max_labels=max_labels, **tables)
    )
    return load_results(fakes.write_study(out, study, accuracy=fakes.rising, more=more)).experiments[0]


RARE = {"pool": {"class_imbalance": {"8": 0.1, "9": 0.1}, "label_noise": 0.1}}


def test_shares_are_of_the_labels_after_the_initial_ones(tmp_path: Path) -> None:
    table = query_kinds_table(_experiment(tmp_path, **RARE))
    assert table is not None
    assert table.columns == ("acquisition", "seeds", "queried", "of minority classes %", "mislabelled %")
    assert table.rows == (
        ("the pool", "", "1000 rows", "4.0 (4.0–4.0)", "10.0 (10.0–10.0)"),
        ("random", "3", "80", "0.0 (0.0–0.0)", "10.0 (0.0–20.0)"),
        ("BALD", "3", "80", "25.0 (25.0–25.0)", "10.0 (0.0–20.0)"),
    )


def test_kinds_that_the_pool_does_not_hold_have_no_column(tmp_path: Path) -> None:
    def out_of_distribution(ask: fakes.Asked) -> dict[str, Any]:
        told = _counts(ask)
        return told | {
            "pool": POOL | {"minority_class": 0, "mislabelled": 0, "out_of_distribution": 300, "duplicates": 5}
        }

    table = query_kinds_table(_experiment(tmp_path, more=out_of_distribution, pool={"duplicates": 2}))
    assert table is not None
    assert table.columns[3:] == ("duplicates %", "out of distribution %")


def test_a_trial_of_initial_labels_alone_asked_for_nothing(tmp_path: Path) -> None:
    table = query_kinds_table(_experiment(tmp_path, max_labels=20, **RARE))
    assert table is not None
    assert table.rows[1] == ("random", "3", "0", "–", "–")


def test_a_plain_pool_has_neither_table(tmp_path: Path) -> None:
    experiment = _experiment(tmp_path, more=lambda ask: {})
    assert query_kinds_table(experiment) is None
    assert minority_recall_table(experiment) is None


def test_recall_is_of_each_rare_class_and_its_mean_beside_the_others(tmp_path: Path) -> None:
    table = minority_recall_table(_experiment(tmp_path, **RARE))
    assert table is not None
    assert table.columns == ("acquisition", "seeds", "8 %", "9 %", "minority, mean %", "others, mean %")
    assert table.rows[1] == (
        "BALD",
        "3",
        "60.0 (50.0–70.0)",
        "30.0 (30.0–30.0)",
        "45.0 (40.0–50.0)",
        "90.0 (90.0–90.0)",
    )


def test_a_class_without_test_rows_has_a_dash_and_is_in_no_mean(tmp_path: Path) -> None:
    table = minority_recall_table(_experiment(tmp_path, **RARE))
    assert table is not None
    assert table.rows[0][2:5] == ("60.0 (50.0–70.0)", "–", "60.0 (50.0–70.0)")
