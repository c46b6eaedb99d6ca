"""Figure 4 as numbers, against what was put beside the journals."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
import numpy as np
import pytest

from lindley.study.read_results import load_results
from lindley.study.report.tables_information import information_table

OBSERVED = {"observe": {"information": {"acquisition": "bald", "labels": [20, 40], "picks": 12}}}


def _information(ask: fakes.Asked) -> dict[str, np.ndarray]:
    """Sums of a nat a pick; jointly a tenth of a nat a pick, and another tenth for each seed."""
    picks = np.arange(1, 13)
    arrays = {"picks": picks, "num_draws": np.array(8), "log_num_draws": np.array(np.log(8))}
    for name in ("bald", "batchbald", "random"):
        arrays |= {f"sum_bald_{name}": 1.0 * picks, f"joint_{name}": 0.1 * (1 + ask.seed) * picks}
        arrays[f"joint_se_{name}"] = 0.0 * picks
    return arrays


def test_it_has_the_median_over_seeds_in_bits(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=3, max_labels=60, **OBSERVED))
    out = fakes.write_study(tmp_path, study, accuracy=fakes.rising, information=_information)
    table = information_table(load_results(out).experiments[0])
    assert table is not None
    assert table.columns == ("labels", "acquisition", "seeds", "first pick", "first 2", "first 5", "first 10")
    assert [row[:2] for row in table.rows[:3]] == [("20", "BALD"), ("20", "BatchBALD"), ("20", "random")]
    joint, single = table.rows[0][6].rstrip(")").split(" (")
    assert float(joint) == pytest.approx(0.1 * 2 * 10 / np.log(2), abs=0.005)
    assert float(single) == pytest.approx(10 / np.log(2), abs=0.005)
    assert table.rows[0][2] == "3"


def test_what_was_not_measured_has_none(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random"], seeds=1, max_labels=60))
    out = fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    assert information_table(load_results(out).experiments[0]) is None
