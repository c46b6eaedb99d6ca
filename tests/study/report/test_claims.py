"""Journals that support, that contradict and that leave open each of the four claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import journal_fakes as fakes
import pytest
from journal_fakes import FAR, NEAR, OVERLAP, Asked

from lindley.session.events import Resumed
from lindley.study.read_results import load_results
from lindley.study.report import claims
from lindley.study.report.claims import Claim
from lindley.study.results import StudyResults
from lindley.study.trials import Trial

SEEDS_METHODS = ["random", "margin", "entropy", "bald"]


def _learning(scales: dict[str, float], ends: dict[str, float] | None = None) -> fakes.Number:
    """Accuracies that rise with these scales (labels) to these ends."""
    ends = ends or {}
    return lambda ask: fakes.rising(ask, scale=scales[ask.acquisition], end=ends.get(ask.acquisition, 0.96))


def _results(out: Path, *experiments: dict[str, object], accuracy: fakes.Number, **further: object) -> StudyResults:
    study = fakes.make_study(*experiments)
    return load_results(fakes.write_study(out, study, accuracy=accuracy, **further))  # type: ignore[arg-type]


def _first(tmp_path: Path, scales: dict[str, float], ends: dict[str, float], seeds: int = 6) -> Claim:
    experiment = fakes.experiment_table("digits", SEEDS_METHODS, seeds=seeds)
    return claims.judge_learning(_results(tmp_path, experiment, accuracy=_learning(scales, ends)))


FAST = {"margin": 40.0, "entropy": 50.0, "bald": 45.0, "random": 90.0}
HIGH = {"margin": 0.97, "entropy": 0.97, "bald": 0.97, "random": 0.92}


def test_active_learning_is_supported_when_all_three_need_fewer_labels_and_end_higher(tmp_path: Path) -> None:
    first = _first(tmp_path, FAST, HIGH)
    assert first.verdict == "supported here"
    assert {part for _, part, verdict, _ in first.parts if verdict == "supported here"} == {
        "learns faster",
        "ends higher",
    }
    assert {(each.pairs, each.num_agreeing, each.p_for) for each in first.comparisons} == {(6, 6, 1 / 64)}


def test_active_learning_is_contradicted_when_random_needs_fewer_labels_and_ends_higher(tmp_path: Path) -> None:
    scales, ends = {**FAST, "random": 20.0}, {**dict.fromkeys(HIGH, 0.92), "random": 0.97}
    assert _first(tmp_path, scales, ends).verdict == "contradicted here"


def test_active_learning_that_is_faster_but_ends_lower_is_contradicted(tmp_path: Path) -> None:
    ends = {**dict.fromkeys(HIGH, 0.90), "random": 0.93}
    scales = dict.fromkeys(FAST, 10.0) | {"random": 40.0}
    assert _first(tmp_path, scales, ends, seeds=8).verdict == "contradicted here"


def test_active_learning_is_not_decided_when_it_is_like_random(tmp_path: Path) -> None:
    first = _first(tmp_path, dict.fromkeys(FAST, 60.0), dict.fromkeys(HIGH, 0.95))
    assert first.verdict == "not decided here"
    assert {each.result for each in first.comparisons} == {"undecided"}


def test_four_seeds_do_not_decide_and_the_summary_says_why(tmp_path: Path) -> None:
    first = _first(tmp_path, FAST, HIGH, seeds=4)
    assert first.verdict == "not decided here"
    assert "with 4 seeds the smallest possible p is 0.0625" in first.summary
    assert {each.num_agreeing for each in first.comparisons} == {4}


def test_ending_higher_is_not_measured_before_the_trials_are_finished(tmp_path: Path) -> None:
    experiment = fakes.experiment_table("digits", SEEDS_METHODS, seeds=6)
    results = _results(tmp_path, experiment, accuracy=_learning(FAST, HIGH), rounds_done=lambda trial: 7)
    first = claims.judge_learning(results)
    assert {part: verdict for _, part, verdict, _ in first.parts} == {
        "learns faster": "supported here",
        "ends higher": "not measured here",
    }
    assert first.verdict == "not decided here"


def test_a_trial_under_way_is_compared_over_the_rounds_that_both_have(tmp_path: Path) -> None:
    """Random reaches 80 % after 120 labels; margin has reached it by then or is not yet there: never a saving."""

    def accuracy(ask: Asked) -> float:
        return 0.9 if ask.acquisition == "random" and ask.labels >= 120 else 0.5

    def under_way(trial: Trial) -> int | None:
        return 3 if trial.acquisition == "margin" else None

    experiment = fakes.experiment_table("digits", ["random", "margin"], seeds=6)
    results = _results(tmp_path, experiment, accuracy=accuracy, rounds_done=under_way)
    assert all(each.num_agreeing == 0 for each in claims.judge_learning(results).comparisons)


def _places(margin: list[str], bald: list[str]) -> fakes.FakePlane:
    mixed = [FAR, FAR, FAR, FAR, NEAR]
    table = {"random": mixed, "margin": margin, "entropy": margin, "bald": bald}
    return fakes.FakePlane(lambda ask: table[ask.acquisition])


def _second(tmp_path: Path, plane: fakes.FakePlane, **changes: object) -> Claim:
    experiment = fakes.moons_table(SEEDS_METHODS, seeds=7, **changes)
    return claims.judge_sampling(
        _results(tmp_path, experiment, accuracy=lambda ask: fakes.rising(ask, scale=20), grid=plane)
    )


def test_the_sampling_is_as_expected_when_bald_leaves_the_overlap_out(tmp_path: Path) -> None:
    second = _second(tmp_path, _places([NEAR, OVERLAP, OVERLAP, NEAR, OVERLAP], [NEAR, NEAR, NEAR, OVERLAP, NEAR]))
    assert second.verdict == "supported here"
    numbers = {part: comparisons[0].medians for _, part, _, comparisons in second.parts}
    assert numbers["BALD less where merely ambiguous"] == "20 % of BALD’s queries, 60 % of entropy’s"
    assert numbers["margin near the boundary"].startswith("100 % of the queried rows")
    assert any("random: 20 % of the queried rows near the boundary" in note for note in second.notes)


def test_the_sampling_is_contradicted_when_bald_asks_more_in_the_overlap(tmp_path: Path) -> None:
    second = _second(tmp_path, _places([NEAR, NEAR, NEAR, OVERLAP, NEAR], [OVERLAP] * 5))
    assert second.verdict == "contradicted here"
    verdicts = {part: verdict for _, part, verdict, _ in second.parts}
    assert verdicts["BALD less where merely ambiguous"] == "contradicted here"
    assert verdicts["BALD near the boundary"] == "supported here"


def test_the_sampling_is_contradicted_when_margin_asks_far_from_the_boundary(tmp_path: Path) -> None:
    second = _second(tmp_path, _places([FAR] * 5, [NEAR] * 5))
    assert second.verdict == "contradicted here"


def test_the_sampling_is_not_decided_when_bald_is_like_entropy(tmp_path: Path) -> None:
    same = [NEAR, OVERLAP, NEAR, OVERLAP, NEAR]
    assert _second(tmp_path, _places(same, same)).verdict == "not decided here"


def test_where_the_law_of_the_data_is_unknown_ambiguity_is_not_measured(tmp_path: Path) -> None:
    plane = _places([NEAR] * 5, [NEAR] * 5)
    second = _second(tmp_path, plane, data={"name": "my.package:my_moons"})
    assert second.verdict == "not decided here"
    assert ("BALD less where merely ambiguous", "not measured here") in {
        (part, verdict) for _, part, verdict, _ in second.parts
    }


def _third(tmp_path: Path, bald_scale: float, bald_seconds: float, noise: float = 0.0) -> Claim:
    def seconds(ask: Asked) -> float:
        return (bald_seconds if ask.acquisition == "bald" else 1.0) * float(1 + noise * ask.noise.standard_normal())

    scales = {"margin": 60.0, "entropy": 60.0, "bald": bald_scale}
    experiment = fakes.experiment_table("digits", list(scales), seeds=8)
    results = _results(tmp_path, experiment, accuracy=_learning(scales), select_seconds=seconds)
    return claims.judge_bald(results)


def test_bald_without_gain_is_supported_when_it_is_slower_and_dearer(tmp_path: Path) -> None:
    third = _third(tmp_path, bald_scale=100.0, bald_seconds=2.0)
    assert third.verdict == "supported here"
    assert any("×1.67" in each.difference for each in third.comparisons)  # (0.5 + 2) / (0.5 + 1)


def test_seconds_of_trials_that_do_not_begin_with_the_same_fit_are_not_compared(tmp_path: Path) -> None:
    scales = {"margin": 60.0, "entropy": 60.0, "bald": 100.0}

    def elsewhere(ask: Asked) -> float:
        return fakes.rising(ask, scale=scales[ask.acquisition]) + 0.001 * (ask.acquisition == "bald")

    experiment = fakes.experiment_table("digits", list(scales), seeds=8)
    third = claims.judge_bald(_results(tmp_path, experiment, accuracy=elsewhere))
    assert {each.part for each in third.comparisons} == {"not faster"}


def test_seconds_of_pairs_on_several_machines_are_said_to_be(tmp_path: Path) -> None:
    scales = {"margin": 60.0, "bald": 100.0}
    results = _results(tmp_path, fakes.experiment_table("digits", list(scales), seeds=8), accuracy=_learning(scales))
    (experiment,) = results.experiments
    moved = [
        replace(each, manifest={**each.manifest, "cpu": "one" if each.seed < 4 else "other"})
        for each in experiment.trials
    ]
    continued = (Resumed(round=3, changes={"device": ["cpu", "cuda (G)"]}),)
    elsewhere = [replace(each, resumed=continued if each.acquisition == "bald" else ()) for each in experiment.trials]
    third = claims.judge_bald(replace(results, experiments=[replace(experiment, trials=elsewhere)]))
    assert {each.part for each in third.comparisons} == {"not faster"}
    for trials, where in ((experiment.trials, "select"), (moved, "select on 2 machines")):
        third = claims.judge_bald(replace(results, experiments=[replace(experiment, trials=trials)]))
        (told,) = [each.medians for each in third.comparisons if each.part == "costs more"]
        assert told.endswith(where)


def test_bald_without_gain_is_contradicted_when_it_needs_far_fewer_labels(tmp_path: Path) -> None:
    assert _third(tmp_path, bald_scale=25.0, bald_seconds=2.0).verdict == "contradicted here"


def test_bald_without_gain_is_contradicted_when_it_costs_the_same(tmp_path: Path) -> None:
    third = _third(tmp_path, bald_scale=100.0, bald_seconds=1.0)
    assert third.verdict == "contradicted here"
    assert {part: verdict for _, part, verdict, _ in third.parts} == {
        "not faster": "supported here",
        "costs more": "contradicted here",
    }


def test_bald_without_gain_is_not_decided_when_its_seconds_scatter_around_the_mark(tmp_path: Path) -> None:
    third = _third(tmp_path, bald_scale=100.0, bald_seconds=1.15, noise=0.35)
    assert third.verdict == "not decided here"


def _fourth(tmp_path: Path, batch_scales: dict[int, float], seeds: int = 6) -> Claim:
    """BALD rises with 60 labels at every batch size, BatchBALD with the given ones."""

    def accuracy(ask: Asked) -> float:
        batch = ask.experiment.schedule.batch_size
        return fakes.rising(ask, scale=batch_scales[batch] if ask.acquisition == "batchbald" else 60.0)

    experiments = [
        fakes.experiment_table(f"b{batch}", ["bald", "batchbald"], seeds=seeds, batch_size=batch, max_labels=220)
        for batch in batch_scales
    ]
    return claims.judge_batchbald(_results(tmp_path, *experiments, accuracy=accuracy))


def test_batchbald_without_gain_at_batch_4_is_supported_and_the_batch_size_of_its_gain_is_named(tmp_path: Path) -> None:
    fourth = _fourth(tmp_path, {4: 62.0, 40: 20.0})
    assert fourth.verdict == "supported here"
    assert any("saves at least 10 % of the labels" in note and "B40 (batch 40)" in note for note in fourth.notes)
    assert [each.experiment for each in fourth.additional] == ["B40"]


def test_batchbald_without_gain_at_batch_4_is_contradicted_when_it_needs_far_fewer_labels(tmp_path: Path) -> None:
    assert _fourth(tmp_path, {4: 20.0}).verdict == "contradicted here"


def test_batchbald_at_batch_4_is_not_decided_by_three_seeds(tmp_path: Path) -> None:
    fourth = _fourth(tmp_path, {4: 62.0, 10: 60.0}, seeds=3)
    assert fourth.verdict == "not decided here"
    assert any("the smallest possible p is 0.125" in note for note in fourth.notes)


def test_larger_batches_alone_do_not_measure_batch_4(tmp_path: Path) -> None:
    fourth = _fourth(tmp_path, {10: 20.0})
    assert fourth.verdict == "not measured here"
    assert any("B10 (batch 10)" in note for note in fourth.notes)


def test_a_study_of_one_acquisition_measures_none_of_the_four(tmp_path: Path) -> None:
    results = _results(tmp_path, fakes.experiment_table("digits", ["mean-std"], seeds=2), accuracy=fakes.rising)
    found = claims.judge_claims(results)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert {each.verdict for each in found} == {"not measured here"}
    assert all("this claim requires" in each.summary for each in found)


@pytest.mark.parametrize("order", [["digits", "letters"], ["letters", "digits"]])
def test_experiments_that_disagree_leave_the_claim_open_and_are_both_named(tmp_path: Path, order: list[str]) -> None:
    def accuracy(ask: Asked) -> float:
        slow = (ask.acquisition == "random") == (ask.experiment.name == "digits")
        return fakes.rising(ask, scale=90.0 if slow else 25.0, end=0.92 if slow else 0.97)

    experiments = [fakes.experiment_table(name, SEEDS_METHODS, seeds=6) for name in order]
    first = claims.judge_learning(_results(tmp_path, *experiments, accuracy=accuracy))
    assert first.verdict == "not decided here"
    assert "Digits: supported" in first.summary
    assert "Letters: contradicted" in first.summary
