"""Figure 5: one picture for each batch size and data set that has both methods."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import journal_fakes as fakes
import numpy as np
from matplotlib.figure import Figure

from lindley.study.comparison.curves import learning_curve
from lindley.study.figures import batch_comparison
from lindley.study.read_results import load_results
from lindley.study.results import StudyResults


def test_there_is_a_picture_for_each_batch_size_and_data_set_in_order(results: StudyResults) -> None:
    (drawn,) = batch_comparison.draw(results)
    titles = [axes.get_title() for axes in drawn.figure.axes]
    assert titles == ["Digits, batch 20 (3 seeds)", "Digits, batch 40 (2 seeds)", "Two moons, batch 5 (1 seed)"]


def test_the_lines_are_the_medians_in_percent(results: StudyResults) -> None:
    (drawn,) = batch_comparison.draw(results)
    experiment = results.experiments[2]
    for line, name in zip(drawn.figure.axes[1].lines, ("bald", "batchbald"), strict=True):
        np.testing.assert_allclose(
            line.get_ydata(), 100 * learning_curve(experiment.trials_of(name), "accuracy").median
        )


def test_of_experiments_with_the_same_settings_the_one_with_most_seeds_is_shown(tmp_path: Path) -> None:
    tables = [
        fakes.experiment_table(name, ["bald", "batchbald"], seeds=seeds, max_labels=60)
        for name, seeds in (("few", 1), ("many", 2))
    ]
    fakes.write_study(tmp_path, fakes.make_study(*tables), accuracy=fakes.rising)
    (drawn,) = batch_comparison.draw(load_results(tmp_path))
    assert [axes.get_title() for axes in drawn.figure.axes] == ["Many, batch 20 (2 seeds)"]


def test_experiments_of_one_pool_stand_together_by_batch_size(tmp_path: Path) -> None:
    tables = [
        fakes.experiment_table(name, ["bald", "batchbald"], seeds=1, max_labels=100, pool=pool)
        for name, pool in (
            ("plain-20", {}),
            ("copied-20", {"duplicates": 3}),
            ("plain-40", {}),
            ("copied-40", {"duplicates": 3}),
        )
    ]
    for table in tables:
        table["schedule"] = {**table["schedule"], "batch_size": int(table["name"][-2:])}
    fakes.write_study(tmp_path, fakes.make_study(*tables), accuracy=fakes.rising)
    (drawn,) = batch_comparison.draw(load_results(tmp_path))
    assert list(drawn.experiments) == ["plain-20", "plain-40", "copied-20", "copied-40"]


def test_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    (drawn,) = batch_comparison.draw(results)
    assert overhang(drawn.figure) < 0.01


def test_without_both_methods_it_is_left_out(bare_results: StudyResults) -> None:
    assert batch_comparison.draw(bare_results) == []
