"""What was asked for, counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from experiment_fakes import asking, experiment_reaching

from lindley.study.comparison.selections import summarise_queries
from lindley.study.results import ExperimentResults


def _experiment(**options: object) -> ExperimentResults:
    experiment = experiment_reaching({"random": [100.0], "bald": [90.0]}, grid=(20, 24, 28), **options)  # type: ignore[arg-type]
    bald, random = experiment.trials_of("bald")[0], experiment.trials_of("random")[0]
    return replace(
        experiment,
        trials=[
            asking(bald, [[2, 3, 4, 5], [6, 7, 12, 11]], [[0, 0, 0, 0], [0, 0, 1, 1]]),
            asking(random, [[2, 9, 4, 8], [20, 21, 22, 23]], [[0, 1, 0, 1], [0, 1, 0, 1]]),
        ],
    )


def test_overlap_is_the_share_that_the_reference_asked_too() -> None:
    lines = {line.acquisition: line for line in summarise_queries(_experiment(), "random")}
    assert lines["bald"].overlap == pytest.approx(2 / 8)
    assert lines["random"].overlap is None
    assert lines["bald"].labels == 8


def test_overlap_is_of_the_rows_that_both_have_asked_so_far() -> None:
    experiment = _experiment()
    rounds = experiment.trials_of("random")[0].rounds
    rounds[1:] = [replace(each, query=None) for each in rounds[1:]]
    lines = {line.acquisition: line for line in summarise_queries(experiment, "random")}
    assert lines["bald"].overlap == pytest.approx(2 / 4)


def test_one_class_alone_is_not_even_at_all() -> None:
    experiment = _experiment()
    for trial in experiment.trials:
        trial.classes.update(dict.fromkeys(trial.classes, 0))
    assert [f"{line.evenness:.3f}" for line in summarise_queries(experiment, "random")] == ["0.000", "0.000"]


def test_evenness_is_the_entropy_of_the_classes_over_that_of_an_even_choice() -> None:
    lines = {line.acquisition: line for line in summarise_queries(_experiment(), "random")}
    assert lines["random"].evenness == pytest.approx(1.0)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert lines["bald"].evenness == pytest.approx(entropy / math.log(2))
    assert lines["bald"].rarest == pytest.approx(0.25 * 2)


def test_copies_of_what_was_labelled_before_are_counted() -> None:
    lines = {
        line.acquisition: line for line in summarise_queries(_experiment(data="repeated-mnist", repeats=3), "random")
    }
    # 30 rows of 10 sources: 12 repeats 2 of the batch before, 11 repeats 1 of the start; 20, 21, 22 repeat 0, 1 and 2.
    assert lines["bald"].repeated == pytest.approx(2 / 8)
    assert lines["random"].repeated == pytest.approx(3 / 8)


def test_copies_of_a_corrupted_pool_are_those_that_the_journal_counted() -> None:
    experiment = _experiment()
    experiment.config["pool"] = {"duplicates": 5}
    for trial in experiment.trials:
        for each, repeated, labels in zip(trial.rounds, (1, 2, 6), (20, 24, 28), strict=True):
            each.metrics["queried"] = {"duplicates": repeated, "labels": labels}
    assert [line.repeated for line in summarise_queries(experiment, "random")] == [5 / 8, 5 / 8]


def test_of_a_repeated_data_set_that_was_thinned_no_row_tells_its_copies() -> None:
    experiment = _experiment(data="repeated-mnist", repeats=3)
    experiment.config["pool"] = {"duplicates": 1, "subset": 24}
    for trial in experiment.trials:
        for each, repeated, labels in zip(trial.rounds, (1, 2, 6), (20, 24, 28), strict=True):
            each.metrics["queried"] = {"duplicates": repeated, "labels": labels}
    assert [(line.overlap, line.repeated) for line in summarise_queries(experiment, "random")] == [
        (None, 5 / 8),
        (None, 5 / 8),
    ]


def test_copies_that_no_later_round_has_counted_are_not_known_yet() -> None:
    experiment = _experiment()
    experiment.config["pool"] = {"duplicates": 5}
    for trial in experiment.trials:
        trial.rounds[0].metrics["queried"] = {"duplicates": 1, "labels": 20}
        del trial.rounds[1:]
    assert [line.repeated for line in summarise_queries(experiment, "random")] == [None, None]


def test_without_repeated_inputs_there_is_no_share_of_copies() -> None:
    assert summarise_queries(_experiment(), "random")[0].repeated is None


def test_who_asked_for_nothing_has_no_line() -> None:
    assert summarise_queries(experiment_reaching({"random": [100.0]}), "random") == []
