"""What a pair may say: rounds that both have, and nothing where a level was not reached."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
from journal_fakes import Asked

from lindley.study.comparison.paired import Comparison
from lindley.study.read_results import load_results
from lindley.study.report.claim_tests import check_final_accuracy, check_no_fewer_labels
from lindley.study.results import ExperimentResults
from lindley.study.trials import Trial


def _experiment(out: Path, acquisitions: list[str], accuracy: fakes.Number, **further: object) -> ExperimentResults:
    study = fakes.make_study(fakes.experiment_table("digits", acquisitions, seeds=6, max_labels=200))
    return load_results(fakes.write_study(out, study, accuracy=accuracy, **further)).experiments[0]  # type: ignore[arg-type]


def _not_faster(out: Path, accuracy: fakes.Number) -> Comparison:
    return check_no_fewer_labels(
        _experiment(out, ["bald", "batchbald"], accuracy), "batchbald", "bald", 0.93, "not faster"
    )


def test_pairs_in_which_neither_reaches_the_level_do_not_speak_for_not_faster(tmp_path: Path) -> None:
    def accuracy(ask: Asked) -> float:
        later = 160 if ask.acquisition == "batchbald" else 100
        return 0.95 if ask.seed < 3 and ask.labels >= later else 0.5

    found = _not_faster(tmp_path, accuracy)
    assert (found.num_agreeing, found.p_for) == (3, 1 / 8)


def test_a_saving_that_the_rounds_are_too_coarse_to_see_says_nothing(tmp_path: Path) -> None:
    """Both reach the level between 40 and 60 labels: BatchBALD may have saved up to a third of them."""
    found = _not_faster(tmp_path, lambda ask: 0.95 if ask.labels >= 60 else 0.5)
    assert (found.num_agreeing, found.p_for, found.p_against) == (0, 1.0, 1.0)


def test_a_saving_that_may_be_larger_does_not_speak_for_not_faster(tmp_path: Path) -> None:
    """BALD never reaches the level, BatchBALD does with the last labels: how many it saves is not known."""

    def accuracy(ask: Asked) -> float:
        return 0.95 if ask.acquisition == "batchbald" and ask.labels >= 200 else 0.5

    found = _not_faster(tmp_path, accuracy)
    assert (found.num_agreeing, found.p_for, found.p_against) == (0, 1.0, 1.0)


def test_a_saving_that_is_large_enough_in_any_case_speaks_against_not_faster(tmp_path: Path) -> None:
    def accuracy(ask: Asked) -> float:
        return 0.95 if ask.acquisition == "batchbald" and ask.labels >= 100 else 0.5

    assert _not_faster(tmp_path, accuracy).p_against == 1 / 64


def test_a_saving_that_may_be_smaller_does_not_speak_against_not_faster(tmp_path: Path) -> None:
    """BALD reaches the level between 80 and 100 labels, BatchBALD between 60 and 80: perhaps both with 80."""
    found = _not_faster(
        tmp_path, lambda ask: 0.95 if ask.labels >= (80 if ask.acquisition == "batchbald" else 100) else 0.5
    )
    assert (found.num_agreeing, found.p_for, found.p_against) == (0, 1.0, 1.0)


def test_a_saving_of_just_a_tenth_is_neither(tmp_path: Path) -> None:
    def accuracy(ask: Asked) -> float:
        return 0.95 if ask.labels >= (180 if ask.acquisition == "batchbald" else 200) else 0.5

    found = _not_faster(tmp_path, accuracy)
    assert (found.p_for, found.p_against) == (1.0, 1.0)


def test_the_end_is_the_studys_also_for_a_trial_that_was_once_run_further(tmp_path: Path) -> None:
    """BALD was run to 200 labels, then the study was shortened to 140 and random run to that."""

    def run(trial: Trial) -> int | None:
        return 7 if trial.acquisition == "random" else None

    _experiment(tmp_path, ["random", "bald"], lambda ask: ask.labels / 250, rounds_done=run)
    shorter = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=6, max_labels=140))
    experiment = load_results(tmp_path, shorter).experiments[0]
    found = check_final_accuracy(experiment, "bald", "random")
    assert found is not None
    assert "with 140 labels" in found.description
    assert (found.pairs, found.p_for, found.p_against) == (6, 1.0, 1.0)
