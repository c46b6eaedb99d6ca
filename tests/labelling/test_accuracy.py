"""The estimates of a project's accuracy, against closed forms and by counting what they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lindley.labelling.accuracy import (
    adjust_by_confidence,
    audit_interval,
    calibration_error,
    estimate_accuracy,
    recall_by_class,
    reliability,
)
from lindley.measures.intervals import clopper_pearson_interval, confidence_sequence, wilson_interval


def test_without_skips_the_intervals_are_the_usual_ones() -> None:
    found = estimate_accuracy(51, 60)
    assert (found.share, found.now, found.always) == (0.85, wilson_interval(51, 60), confidence_sequence(51, 60))
    assert audit_interval(51, 60) == clopper_pearson_interval(51, 60)


def test_without_labels_nothing_is_known() -> None:
    found = estimate_accuracy(0, 0)
    assert (found.share, found.now, found.always) == (None, (0.0, 1.0), (0.0, 1.0))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_skips_widen_by_all_that_they_may_hide(correct: int, wrong: int, skipped: int) -> None:
    found = estimate_accuracy(correct, correct + wrong, skipped)
    for hidden in range(skipped + 1):  # so many of the skipped items would have been right
        shown = correct + wrong + skipped
        if shown:
            low, high = wilson_interval(correct + hidden, shown)
            assert found.now[0] <= low + 1e-12
            assert high - 1e-12 <= found.now[1]


def test_the_adjustment_is_exact_where_correctness_follows_confidence() -> None:
    confidence = np.linspace(0.2, 0.9, 40)
    correct = confidence > 0.55  # 20 of 40, and a line through them by least squares
    slope, middle = np.polyfit(confidence, correct.astype(float), 1)
    estimate, error = adjust_by_confidence(correct.tolist(), confidence.tolist(), 0.7) or (0.0, 0.0)
    assert estimate == pytest.approx(slope * 0.7 + middle)
    residuals = correct - (slope * confidence + middle)
    assert error == pytest.approx(np.sqrt(residuals @ residuals / 38 / 40))


def test_the_adjustment_is_unbiased_and_narrower_than_the_share() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.3, 1.0, 5000)
    right = rng.uniform(size=5000) < sure
    plain, adjusted = [], []
    for _ in range(400):
        rows = rng.choice(5000, 60, replace=False)
        found = adjust_by_confidence(right[rows].tolist(), sure[rows].tolist(), float(sure.mean()))
        assert found is not None
        plain.append(right[rows].mean())
        adjusted.append(found[0])
    assert abs(np.mean(adjusted) - right.mean()) < 4 * np.std(adjusted) / 20
    assert np.std(adjusted) < 0.97 * np.std(plain)


def test_few_labels_or_equal_confidences_adjust_nothing() -> None:
    assert adjust_by_confidence([True] * 19, [0.1 * (i % 9) for i in range(19)], 0.5) is None
    assert adjust_by_confidence([True] * 30, [0.5] * 30, 0.5) is None


def test_recall_counts_each_class_by_its_own_labels() -> None:
    found = recall_by_class([0, 0, 2, 2, 2], [0, 1, 2, 2, 0], [0, 1, 2])
    assert [(each.class_id, each.num_correct, each.num_labels) for each in found] == [(0, 1, 2), (1, 0, 0), (2, 2, 3)]
    assert found[1].interval == (0.0, 1.0)
    assert found[2].interval == wilson_interval(2, 3)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    correct = [True, True, True, False] * 5
    bins = reliability(correct, [0.75] * 20, num_bins=5)
    assert [each.num_labels for each in bins] == [4] * 5
    assert calibration_error(bins) == pytest.approx(0.0)
    assert calibration_error(reliability([True] * 8, [0.6] * 8)) == pytest.approx(0.4)
    assert calibration_error(reliability([], [])) is None


def test_every_label_is_in_one_bin() -> None:
    confidence = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8]
    bins = reliability([True] * 7, confidence, num_bins=3)
    assert sum(each.num_labels for each in bins) == 7
    assert [each.confidence for each in bins] == sorted(each.confidence for each in bins)
