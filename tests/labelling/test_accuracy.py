"""The estimates of a project's accuracy, against closed forms and by counting what they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.labelling.accuracy import (
    adjust_by_confidence,
    audit_interval,
    calibration,
    estimate_accuracy,
    recall_by_class,
)
from lindley.measures.intervals import clopper_pearson_interval, confidence_sequence, wilson_interval


def test_without_skips_the_intervals_are_the_usual_ones() -> None:
    found = estimate_accuracy(51, 60)
    assert found.share == 0.85
    assert (found.low, found.high) == wilson_interval(51, 60)
    assert (found.always_low, found.always_high) == confidence_sequence(51, 60)
    assert audit_interval(51, 60) == clopper_pearson_interval(51, 60)


def test_without_labels_nothing_is_known() -> None:
    found = estimate_accuracy(0, 0)
    assert found.share is None
    assert (found.low, found.high, found.always_low, found.always_high) == (0.0, 1.0, 0.0, 1.0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 8))
def test_items_without_a_label_widen_by_all_that_they_may_hide(correct: int, wrong: int, undecided: int) -> None:
    found = estimate_accuracy(correct, correct + wrong, undecided)
    total = correct + wrong + undecided
    for hidden in range(undecided + 1 if total else 0):  # so many of them would have been predicted correctly
        for interval, low, high in (
            (wilson_interval(correct + hidden, total), found.low, found.high),
            (confidence_sequence(correct + hidden, total), found.always_low, found.always_high),
        ):
            assert low <= interval[0] + 1e-12
            assert interval[1] - 1e-12 <= high


def test_an_audit_with_skips_holds_both_what_is_wrong_and_what_is_right() -> None:
    low, high = audit_interval(50, 56, 4)
    assert (low, high) == (clopper_pearson_interval(50, 60)[0], clopper_pearson_interval(54, 60)[1])


def test_the_adjustment_is_exact_where_correctness_follows_confidence() -> None:
    confidence = np.linspace(0.2, 0.9, 40)
    correct = confidence > 0.55  # 20 of 40, and a line through them by least squares
    slope, middle = np.polyfit(confidence, correct.astype(float), 1)
    stream = [0.6, 0.8]
    found = adjust_by_confidence(correct.tolist(), confidence.tolist(), stream)
    assert found is not None
    assert found.share == pytest.approx(slope * 0.7 + middle)
    residuals = correct - (slope * confidence + middle)
    assert found.standard_error == pytest.approx(np.sqrt(residuals @ residuals / 38 / 40 + slope**2 * 0.01 / 2))


def test_where_the_whole_stream_is_labelled_the_adjustment_changes_nothing() -> None:
    confidence = np.linspace(0.2, 0.9, 40).tolist()
    found = adjust_by_confidence([sure > 0.4 for sure in confidence], confidence, confidence)
    assert found is not None
    assert found.share == pytest.approx(np.mean([sure > 0.4 for sure in confidence]))


def test_the_adjustment_is_unbiased_narrower_than_the_share_and_knows_its_error() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.3, 1.0, 5000)
    hits = rng.uniform(size=5000) < sure
    plain, adjusted, errors = [], [], []
    for _ in range(400):
        stream = rng.choice(5000, 1000, replace=False)  # a random fifth, of which 60 are labelled
        rows = stream[:60]
        found = adjust_by_confidence(hits[rows].tolist(), sure[rows].tolist(), sure[stream].tolist())
        assert found is not None
        plain.append(hits[rows].mean())
        adjusted.append(found.share)
        errors.append(found.standard_error)
    assert abs(np.mean(adjusted) - hits.mean()) < 4 * np.std(adjusted) / 20
    assert np.std(adjusted) < 0.97 * np.std(plain)
    assert np.mean(errors) == pytest.approx(np.std(adjusted), rel=0.15)


def test_few_labels_or_equal_confidences_adjust_nothing() -> None:
    assert adjust_by_confidence([True] * 19, [0.1 * (i % 9) for i in range(19)], [0.5]) is None
    assert adjust_by_confidence([True] * 30, [0.5] * 30, [0.5]) is None


def test_recall_counts_each_class_by_its_own_labels() -> None:
    found = recall_by_class([0, 0, 2, 2, 2], [0, None, 2, 2, 0], {0: "a", 1: "b", 2: "c"})
    assert [(each.name, each.num_correct, each.num_labels) for each in found] == [("a", 1, 2), ("b", 0, 0), ("c", 2, 3)]
    assert (found[1].share, found[1].low, found[1].high) == (None, 0.0, 1.0)
    assert (found[2].low, found[2].high) == wilson_interval(2, 3)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    found = calibration([True, True, True, False] * 5, [0.75] * 20, num_bins=5)
    assert found is not None
    assert [each.num_labels for each in found.bins] == [4] * 5
    assert found.error == pytest.approx(0.0)


def test_calibration_error_is_the_mean_distance_of_confidence_and_accuracy() -> None:
    found = calibration([False, False, True, True], [0.1, 0.3, 0.6, 0.8], num_bins=2)
    assert found is not None
    assert found.error == pytest.approx((0.2 + 0.3) / 2)
    assert calibration([], []) is None


@pytest.mark.parametrize("num_labels", [40, 72, 300])
def test_a_calibrated_model_shows_the_error_of_chance(num_labels: int) -> None:
    rng = np.random.default_rng(1)
    errors, expected = [], []
    for _ in range(300):
        sure = rng.uniform(0.3, 0.95, num_labels)
        found = calibration((rng.uniform(size=num_labels) < sure).tolist(), sure.tolist())
        assert found is not None
        errors.append(found.error)
        expected.append(found.chance_error)
    assert np.mean(errors) == pytest.approx(np.mean(expected), rel=0.06)


def test_every_label_is_in_one_bin() -> None:
    found = calibration([True] * 7, [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8], num_bins=3)
    assert found is not None
    assert sum(each.num_labels for each in found.bins) == 7
    assert [each.confidence for each in found.bins] == sorted(each.confidence for each in found.bins)
