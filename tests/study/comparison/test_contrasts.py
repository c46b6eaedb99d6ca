"""Comparisons of experiments whose truth is planted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from experiment_fakes import GRID, experiment_reaching, with_metrics

from lindley.errors import InputError
from lindley.study.comparison import contrasts as contrasts_module
from lindley.study.comparison.contrasts import Contrast, compare_acquisitions, reference_acquisition
from lindley.study.comparison.curves import mean_over_labels
from lindley.study.comparison.exact_tests import detectable_shift, two_sided_p
from lindley.study.comparison.labels_to_target import Crossing
from lindley.study.comparison.paired_labels import common_accuracy, log_saving, paired_label_ratio
from lindley.study.comparison.verdicts import verdict
from lindley.study.results import ExperimentResults

_THEIRS = [100.0, 120.0, 90.0, 110.0, 140.0, 130.0, 80.0, 105.0, 125.0, 95.0]


def _only(found: list[Contrast], measure: str) -> Contrast:
    (one,) = [each for each in found if each.measure == measure]
    return one


def test_a_planted_saving_is_found_and_detected() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": [0.62 * each for each in _THEIRS]})
    labels = _only(compare_acquisitions(experiment, accuracy=0.95), "labels")
    assert labels.estimate == pytest.approx(0.38, abs=0.05)
    assert labels.interval is not None
    assert labels.interval[0] < 0.38 < labels.interval[1]
    assert (labels.ahead, labels.behind) == (10, 0)
    assert labels.p == pytest.approx(2 / 1024)
    assert labels.is_detected


def test_the_area_is_that_of_the_trapezoids() -> None:
    experiment = experiment_reaching({"random": [100.0], "bald": [50.0]}, grid=(20, 40, 80))
    first = experiment.trials_of("random")[0]
    accuracy = [0.95 + 0.02 * math.log(labels / 100) for labels in (20, 40, 80)]
    by_hand = (20 * (accuracy[0] + accuracy[1]) / 2 + 40 * (accuracy[1] + accuracy[2]) / 2) / 60
    assert mean_over_labels(first, "accuracy", 80) == pytest.approx(by_hand)
    assert mean_over_labels(first, "accuracy", 40) == pytest.approx((accuracy[0] + accuracy[1]) / 2)


def test_areas_end_together_where_rounds_do_not() -> None:
    """A trial that once ended in a shortened batch, and was continued, has other rounds than one that did not."""
    experiment = experiment_reaching({"random": [100.0], "bald": [100.0]}, grid=(20, 40, 80))
    first = experiment.trials_of("random")[0]
    start, later = (0.95 + 0.02 * math.log(labels / 100) for labels in (20, 40))
    assert mean_over_labels(first, "accuracy", 30) == pytest.approx(start + (later - start) / 4)


def test_a_gain_in_area_has_students_interval() -> None:
    gains = np.array([0.9, 0.8, 0.85, 0.7, 0.95, 0.75])
    experiment = experiment_reaching({"random": _THEIRS[:6], "bald": (gains * _THEIRS[:6]).tolist()})
    area = _only(compare_acquisitions(experiment, accuracy=0.95), "mean_accuracy")
    planted = -0.02 * np.log(gains)  # the curves are parallel until they meet 1
    assert area.estimate == pytest.approx(planted.mean(), rel=1e-6)
    assert area.interval is not None
    half = 2.570582 * planted.std(ddof=1) / math.sqrt(6)
    assert area.interval == pytest.approx((planted.mean() - half, planted.mean() + half), rel=1e-5)


def test_the_family_is_every_measure_of_every_pair() -> None:
    same = {"random": _THEIRS, "margin": _THEIRS, "bald": [0.5 * each for each in _THEIRS]}
    found = compare_acquisitions(experiment_reaching(same), accuracy=0.95)
    assert [(each.measure, each.acquisition, each.family, each.family_pairs) for each in found] == [
        ("labels", "margin", 4, 2),
        ("labels", "bald", 4, 2),
        ("mean_accuracy", "margin", 4, 2),
        ("mean_accuracy", "bald", 4, 2),
    ]
    assert [each.is_detected for each in found] == [False, True, False, True]


def _with_nll(experiment: ExperimentResults, nll: dict[str, list[float | None]]) -> ExperimentResults:
    """The same experiment with one NLL for all rounds of a trial; None is what a journal holds for an infinite one."""
    trials = [
        replace(
            trial,
            rounds=[
                with_metrics(each, {**each.metrics, "nll": nll[trial.acquisition][trial.seed]}) for each in trial.rounds
            ],
        )
        for trial in experiment.trials
    ]
    return replace(experiment, trials=trials)


def test_a_worse_nll_is_detected_beside_a_better_accuracy() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": [0.5 * each for each in _THEIRS]})
    planted = [0.01 * seed for seed in range(1, 11)]
    experiment = _with_nll(experiment, {"random": [0.3] * 10, "bald": [0.3 + each for each in planted]})
    nll = _only(compare_acquisitions(experiment, accuracy=0.95), "mean_nll")
    assert nll.estimate == pytest.approx(-np.mean(planted))
    assert nll.interval is not None
    half = 2.262157 * np.std(planted, ddof=1) / math.sqrt(10)
    assert nll.interval == pytest.approx((-np.mean(planted) - half, -np.mean(planted) + half), rel=1e-5)
    assert (nll.ahead, nll.behind, nll.family, nll.is_detected, nll.favours_first) == (0, 10, 3, True, False)
    assert (nll.median, nll.median_against) == (f"{(0.3 + 0.055) / math.log(2):.3f}", f"{0.3 / math.log(2):.3f}")


def test_an_infinite_nll_ranks_as_the_worst_and_two_are_a_tie() -> None:
    experiment = experiment_reaching({"random": _THEIRS[:8], "bald": _THEIRS[:8]})
    mine: list[float | None] = [None, None, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    theirs: list[float | None] = [None, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, None]
    nll = _only(
        compare_acquisitions(_with_nll(experiment, {"random": theirs, "bald": mine}), accuracy=0.95), "mean_nll"
    )
    assert (nll.pairs, nll.ahead, nll.behind, nll.estimate, nll.interval) == (8, 6, 1, None, None)
    # ranks 1-5 are of the finite ones, 6.5 each of the infinite: as with the differences of 1 and 9 here
    assert nll.p == two_sided_p([0.0, -9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0])
    assert "∞" not in nll.median


def test_trials_without_an_nll_are_not_compared_in_it() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": _THEIRS})
    assert {each.measure for each in compare_acquisitions(experiment)} == {"labels", "mean_accuracy"}
    measured = _with_nll(experiment, {"random": [0.3] * 10, "bald": [0.3] * 10})
    some = [trial if trial.seed else old for trial, old in zip(measured.trials, experiment.trials, strict=True)]
    assert _only(compare_acquisitions(replace(experiment, trials=some)), "mean_nll").pairs == 9


def test_labels_saved_are_the_inverse_when_the_two_are_exchanged() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": [0.7 * each for each in _THEIRS]})
    one, other = (paired_label_ratio(experiment, *pair, 0.95) for pair in (("random", "bald"), ("bald", "random")))
    assert one is not None
    assert other is not None
    assert (one.median * other.median, one.low * other.high) == pytest.approx((1, 1))


def test_what_one_never_reaches_counts_for_the_other() -> None:
    experiment = experiment_reaching({"random": [1000.0] * 8, "bald": _THEIRS[:8]})
    labels = _only(compare_acquisitions(experiment, accuracy=0.95), "labels")
    assert (labels.ahead, labels.behind, labels.is_detected) == (8, 0, True)
    assert labels.estimate is None  # how much was saved was not seen
    assert labels.median_against == "> 220"


def test_what_could_be_seen_lies_beyond_what_the_interval_leaves_open() -> None:
    """Crossings of eight seeds in one wide cell, and crossings that mostly were not seen."""
    coarse = {"random": [350.0] * 8, "bald": [350.0] * 8}
    late = {"random": [*_THEIRS[:7], 1000.0], "bald": [*_THEIRS[1:7], 1000.0, 1000.0]}
    for experiment in (experiment_reaching(coarse, grid=range(20, 1021, 100)), experiment_reaching(late)):
        labels = _only(compare_acquisitions(experiment, accuracy=0.95), "labels")
        assert labels.interval is not None
        low, high = np.log1p(np.negative(labels.interval))
        assert -math.log1p(-labels.detectable_gain) > (low - high) / 2


def test_pairs_that_neither_reached_can_show_nothing() -> None:
    """Of eight seeds seven tell something: with one pair they can show a difference, with six they cannot.

    Of the 128 ways to exchange them 2 make labels as clear as they can be, and 2 others the mean accuracy as much.
    """
    late = {"random": [*_THEIRS[:7], 1000.0], "bald": [*_THEIRS[1:8], 1000.0]}
    labels = _only(compare_acquisitions(experiment_reaching(late), accuracy=0.95), "labels")
    assert (labels.pairs, labels.decided, labels.min_attainable_p) == (8, 7, 4 / 128)
    names = ("margin", "entropy", "bald", "mean-std", "variation-ratios", "power-bald")
    many = compare_acquisitions(
        experiment_reaching({"random": late["random"], **dict.fromkeys(names, late["bald"])}), accuracy=0.95
    )
    assert not any(each.detectable for each in many if each.measure == "labels")
    assert all(math.isinf(each.detectable_gain) for each in many if each.measure == "labels")


def test_where_the_second_did_not_reach_it_no_loss_can_show() -> None:
    late = {"random": [*_THEIRS[:5], *[1000.0] * 3], "bald": [0.9 * each for each in _THEIRS[:8]]}
    labels = _only(compare_acquisitions(experiment_reaching(late), accuracy=0.95), "labels")
    assert (labels.decided, labels.reached) == (8, 5)
    assert math.isfinite(replace(labels, max_log_ratio=math.inf).detectable_gain)
    assert math.isinf(labels.detectable_loss)


def test_ties_tell_something() -> None:
    labels = _only(
        compare_acquisitions(experiment_reaching({"random": _THEIRS, "bald": _THEIRS}), accuracy=0.95), "labels"
    )
    assert (labels.ahead, labels.behind, labels.decided) == (0, 0, len(_THEIRS))


def test_of_an_area_as_much_could_be_seen_as_of_normal_gains() -> None:
    gains = np.random.default_rng(0).uniform(0.7, 1.1, 10)
    experiment = experiment_reaching({"random": _THEIRS, "bald": (gains * _THEIRS).tolist()})
    planted = -0.02 * np.log(gains)
    area = _only(compare_acquisitions(experiment, accuracy=0.95), "mean_accuracy")
    assert area.effective_comparisons in (1, 2)
    shift = detectable_shift(10, area.effective_comparisons, estimated=True)
    assert area.detectable_gain == pytest.approx(shift * planted.std(ddof=1))


def test_no_more_could_be_seen_than_lies_between_the_first_round_and_the_last() -> None:
    """Of 20 to 40 labels no pair can show more than a half; crossings so far apart ask for more."""
    theirs = [21.0, 39.0, 22.0, 38.0, 24.0, 37.0, 26.0, 36.0]
    experiment = experiment_reaching({"random": theirs, "bald": theirs[::-1]}, grid=range(20, 41, 2))
    labels = _only(compare_acquisitions(experiment, accuracy=0.95), "labels")
    assert labels.max_log_ratio == pytest.approx(math.log(2))
    assert labels.interval is not None
    assert replace(labels, max_log_ratio=math.inf).detectable_gain > 0.5
    assert labels.detectable_gain == math.inf
    assert labels.detectable


def test_of_unequal_seeds_the_few_can_show_what_is_left_to_them() -> None:
    """Ten pairs that agree leave all of 5 % to six, whose smallest p is 0.031; ten that do not leave them half."""
    six = [0.8 * each for each in _THEIRS[:6]]
    agreeing = experiment_reaching({"random": _THEIRS, "margin": [0.5 * each for each in _THEIRS], "bald": six})
    mixed = [each * (0.9 if place % 2 else 1.1) for place, each in enumerate(_THEIRS)]
    differing = experiment_reaching({"random": _THEIRS, "margin": mixed, "bald": six})
    for experiment, detected in ((agreeing, True), (differing, False)):
        found = [each for each in compare_acquisitions(experiment, accuracy=0.95) if each.measure == "labels"]
        (few,) = [each for each in found if each.acquisition == "bald"]
        assert (few.pairs, few.family_pairs, few.is_detected, few.detectable) == (6, 2, detected, detected)
        assert few.adjusted_p == pytest.approx(2**-5 if detected else 2**-4)
        assert ("cannot show a difference" in verdict(few)) != detected


def test_an_arm_that_ended_early_says_up_to_where_its_area_goes() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": _THEIRS})
    short = [
        replace(trial, rounds=trial.rounds[:4], complete=False) if trial.acquisition == "bald" else trial
        for trial in experiment.trials
    ]
    assert _only(compare_acquisitions(experiment), "mean_accuracy").up_to is None
    assert (
        _only(compare_acquisitions(replace(experiment, trials=short), accuracy=0.9), "mean_accuracy").up_to == GRID[3]
    )


def test_a_level_that_all_have_from_the_start_could_show_nothing() -> None:
    experiment = experiment_reaching({"random": [15.0] * 8, "bald": [12.0] * 8})
    assert _only(compare_acquisitions(experiment, accuracy=0.95), "labels").detectable_gain == math.inf


def test_pairs_that_both_never_reach_it_say_nothing() -> None:
    experiment = experiment_reaching({"random": [1000.0] * 8, "bald": [1000.0] * 8})
    labels = _only(compare_acquisitions(experiment, accuracy=0.95), "labels")
    assert (labels.ahead, labels.behind, labels.p) == (0, 0, 1.0)


def test_the_accuracy_is_one_that_no_acquisition_misses_in_more_than_a_third_of_its_trials() -> None:
    never = [10_000.0, 10_000.0, *_THEIRS[:4]]
    experiment = experiment_reaching({"random": never, "bald": _THEIRS[:6]})
    level = common_accuracy(experiment)
    assert level is not None
    for name in ("random", "bald"):
        kept = [any(trial.metric("accuracy") >= level) for trial in experiment.trials_of(name)]
        assert sum(kept) >= 4


def test_trials_under_way_do_not_lower_the_accuracy() -> None:
    experiment = experiment_reaching({"random": _THEIRS[:6], "bald": _THEIRS[:6]})
    begun = [
        replace(trial, seed=trial.seed + 6, rounds=trial.rounds[:1], complete=False) for trial in experiment.trials
    ]
    assert common_accuracy(replace(experiment, trials=[*experiment.trials, *begun])) == common_accuracy(experiment)
    assert common_accuracy(replace(experiment, trials=begun)) is None  # there is nothing else to choose it from


def test_the_accuracy_does_not_ask_which_trial_is_whose() -> None:
    experiment = experiment_reaching({"random": _THEIRS[:6], "bald": [0.6 * each for each in _THEIRS[:6]]})
    other = {"random": "bald", "bald": "random"}
    exchanged = [
        replace(trial, acquisition=other[trial.acquisition]) if trial.seed in (1, 4) else trial
        for trial in experiment.trials
    ]
    assert common_accuracy(replace(experiment, trials=exchanged)) == common_accuracy(experiment)


def test_a_level_that_all_have_from_the_start_is_none() -> None:
    assert common_accuracy(experiment_reaching({"random": [1e-7] * 3, "bald": [1e-7] * 3})) is None


def test_trials_under_way_are_compared_over_the_rounds_that_both_have() -> None:
    experiment = experiment_reaching({"random": _THEIRS[:3], "bald": _THEIRS[:3]})
    short = [
        replace(trial, rounds=trial.rounds[:5]) if trial.acquisition == "bald" else trial for trial in experiment.trials
    ]
    found = compare_acquisitions(replace(experiment, trials=short), accuracy=0.95)
    labels = _only(found, "labels")
    assert (labels.median, labels.median_against) == (f"> {GRID[4]}", f"> {GRID[4]}")
    assert _only(found, "mean_accuracy").estimate == pytest.approx(0.0)


def test_the_reference_is_random_or_the_first() -> None:
    assert reference_acquisition(experiment_reaching({"bald": [90.0], "random": [100.0]}), None) == "random"
    assert reference_acquisition(experiment_reaching({"bald": [90.0], "batchbald": [100.0]}), None) == "bald"
    with pytest.raises(InputError) as caught:
        reference_acquisition(experiment_reaching({"bald": [90.0]}), "typo")
    assert (caught.value.argument, caught.value.got) == ("against", "typo")
    assert "Made up (bald)" in caught.value.expected


def test_one_acquisition_alone_is_compared_with_nothing() -> None:
    assert compare_acquisitions(experiment_reaching({"bald": [90.0, 80.0]})) == []


def test_without_a_difference_few_families_raise_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three acquisitions that are as good as random, 8 seeds, crossings on the grid, some never reached."""
    monkeypatch.setattr(contrasts_module, "paired_label_ratio", lambda *told: None)  # slow, and no part of a test
    generator = np.random.default_rng(2)
    alarms = 0
    for _ in range(100):
        common = 130 * np.exp(0.3 * generator.standard_normal(8))
        experiment = experiment_reaching(
            {
                name: (common * np.exp(0.25 * generator.standard_normal(8))).tolist()
                for name in ("random", "margin", "entropy", "bald")
            }
        )
        alarms += any(each.is_detected for each in compare_acquisitions(experiment))
    # 5 % of 100 is 5; 11 or more would have a chance of 1 % even at 5 %.
    assert alarms < 11


@pytest.mark.parametrize(("fewer", "more"), [(20.0, 30.0), (100.0, 110.0), (120.0, 220.0)])
def test_crossings_exchanged_within_pairs_are_exact_ties(fewer: float, more: float) -> None:
    """All 2^n ways to exchange nine pairs are equally likely without a difference: p <= 0.05 in no more of them."""
    one, other = Crossing(fewer, labels_before=fewer - 10), Crossing(more, labels_before=more - 10)
    saving, loss = log_saving(one, other), log_saving(other, one)
    alarms = [two_sided_p([saving if way >> pair & 1 else loss for pair in range(9)]) <= 0.05 for way in range(1 << 9)]
    assert 0 < sum(alarms) <= 0.05 * len(alarms)
    assert two_sided_p([saving, loss] * 5) == 1.0


@pytest.mark.parametrize(
    ("mine", "theirs", "sign"),
    [
        (Crossing(100.0, labels_before=90.0), Crossing(150.0, labels_before=140.0), 1),
        (Crossing(100.0, labels_before=90.0), Crossing(220.0, censored=True, labels_before=220.0), 1),
        (Crossing(220.0, censored=True, labels_before=220.0), Crossing(220.0, censored=True, labels_before=220.0), 0),
        (
            Crossing(220.0, provisional=True, labels_before=210.0),
            Crossing(220.0, censored=True, labels_before=220.0),
            0,
        ),
        (
            Crossing(220.0, provisional=True, labels_before=210.0),
            Crossing(210.0, provisional=True, labels_before=200.0),
            0,
        ),
        (Crossing(220.0, provisional=True, labels_before=210.0), Crossing(210.0, labels_before=200.0), -1),
        (Crossing(210.0, provisional=True, labels_before=200.0), Crossing(220.0, labels_before=210.0), 0),
        (Crossing(100.0, labels_before=90.0), Crossing(220.0, provisional=True, labels_before=210.0), 1),
    ],
)
def test_what_may_be_lost_again_is_known_only_to_need_more_than_the_round_before(
    mine: Crossing, theirs: Crossing, sign: int
) -> None:
    saving = log_saving(mine, theirs)
    assert np.sign(saving) == sign
    assert log_saving(theirs, mine) == -saving


def test_areas_are_of_one_range_of_labels_that_half_of_the_pairs_have() -> None:
    experiment = experiment_reaching({"random": _THEIRS[:4], "bald": [0.8 * each for each in _THEIRS[:4]]})
    reached = {0: 21, 1: 12, 2: 12, 3: 3}
    trials = [
        replace(trial, rounds=trial.rounds[: reached[trial.seed]], complete=trial.seed == 0)
        for trial in experiment.trials
    ]
    area = _only(compare_acquisitions(replace(experiment, trials=trials), accuracy=0.95), "mean_accuracy")
    assert area.pairs == 3
    gains = []
    for seed in (0, 1, 2):
        mine, theirs = (next(t for t in experiment.trials_of(name) if t.seed == seed) for name in ("bald", "random"))
        gains.append(mean_over_labels(mine, "accuracy", GRID[11]) - mean_over_labels(theirs, "accuracy", GRID[11]))
    assert area.estimate == pytest.approx(np.mean(gains))


def test_where_the_last_round_was_moved_all_pairs_are_compared_as_far_as_all_have_come() -> None:
    """Of ten seeds six end at 60 labels and four, run before max_labels was lowered to 55, are read to 50."""
    longer = experiment_reaching({"random": [40.0] * 10, "bald": [30.0] * 10}, grid=(20, 30, 40, 50, 55))
    trials = [replace(trial, rounds=trial.rounds[:4]) if trial.seed < 4 else trial for trial in longer.trials]
    area = _only(compare_acquisitions(replace(longer, trials=trials), accuracy=0.95), "mean_accuracy")
    assert (area.pairs, area.up_to) == (10, None)


def test_a_pair_that_was_cut_to_its_first_round_does_not_cut_the_others() -> None:
    """max_labels was lowered between two rounds: of the seed that ran before only 20 labels are left."""
    longer = experiment_reaching({"random": [40.0, 41.0, 42.0], "bald": [30.0, 31.0, 32.0]}, grid=(20, 50))
    trials = [replace(trial, rounds=trial.rounds[:1]) if trial.seed == 0 else trial for trial in longer.trials]
    area = _only(compare_acquisitions(replace(longer, trials=trials), accuracy=0.95), "mean_accuracy")
    assert (area.pairs, math.isfinite(area.estimate)) == (2, True)
