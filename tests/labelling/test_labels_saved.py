"""Chosen labels against random ones, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from lindley.labelling.labels_saved import MIN_LABELS, estimate_labels_saved, isotonic

NUM_TEST = 100


def exactly(shares: list[float]) -> np.ndarray:
    """Return for each share a model that predicts exactly that part of the test labels, the first ones.  [r, n]"""
    return np.array([np.arange(NUM_TEST) < round(NUM_TEST * share) for share in shares])


def test_the_labels_saved_are_read_off_the_curve() -> None:
    found = estimate_labels_saved([10, 50, 100], exactly([0.4, 0.6, 0.8]), exactly([0.7])[0], 90)
    assert found is not None
    assert (found.num_random, found.random_share) == (90, pytest.approx(0.7))
    assert found.num_chosen == pytest.approx(75)  # half way from 60 % at 50 to 80 % at 100
    assert found.saved == pytest.approx(15)
    assert found.chosen_share == pytest.approx(0.76)  # four fifths of that way
    assert found.gain == pytest.approx(0.06)
    assert found.saved_low <= found.saved <= found.saved_high
    assert found.low <= found.gain <= found.high


def test_as_good_as_random_saves_nothing() -> None:
    curve = exactly([0.4, 0.6, 0.8])
    found = estimate_labels_saved([10, 50, 100], curve, curve[1], 50)
    assert found is not None
    assert (found.gain, found.low, found.high) == (0, 0, 0)
    assert found.saved == pytest.approx(0)


def test_where_the_curve_ends_the_labels_saved_end() -> None:
    never = estimate_labels_saved([10, 100], exactly([0.4, 0.5]), exactly([0.9])[0], 90)
    at_once = estimate_labels_saved([10, 100], exactly([0.4, 0.5]), exactly([0.1])[0], 90)
    assert never is not None
    assert at_once is not None
    assert never.saved == never.saved_low == never.saved_high == -10
    assert at_once.saved == at_once.saved_low == at_once.saved_high == 80


@pytest.mark.parametrize(("num_random", "num_chosen"), [(15, 20), (25, 25), (90, 30)])
def test_where_the_curve_is_level_the_nearest_number_counts(num_random: int, num_chosen: int) -> None:
    curve = exactly([0.4, 0.7, 0.5, 0.8])  # the middle two count as 60 % each
    found = estimate_labels_saved([10, 20, 30, 100], curve, exactly([0.6])[0], num_random)
    assert found is not None
    assert found.num_chosen == pytest.approx(num_chosen)
    assert found.saved_low <= num_random - 30 < num_random - 20 <= found.saved_high


def test_where_all_models_are_right_nothing_is_saved_for_certain() -> None:
    found = estimate_labels_saved([10, 100], exactly([1, 1]), exactly([1])[0], 60)
    assert found is not None
    assert (found.saved_low, found.saved, found.saved_high) == (-40, 0, 50)


@pytest.mark.parametrize(
    ("num_train", "num_random"), [([100, 200], 90), ([10, 50], 90), ([], 90)], ids=["later", "earlier", "no round"]
)
def test_without_a_round_on_either_side_nothing_is_estimated(num_train: list[int], num_random: int) -> None:
    curve = exactly([0.5] * len(num_train)).reshape(len(num_train), NUM_TEST)
    assert estimate_labels_saved(num_train, curve, exactly([0.5])[0], num_random) is None


def test_few_test_labels_estimate_nothing() -> None:
    few = MIN_LABELS - 1
    assert estimate_labels_saved([1, 100], np.ones((2, few), dtype=bool), np.ones(few, dtype=bool), 50) is None
    enough = estimate_labels_saved([1, 100], np.ones((2, few + 1), dtype=bool), np.ones(few + 1, dtype=bool), 50)
    assert enough is not None


def test_isotonic_values_are_those_of_least_squares() -> None:
    values = np.random.default_rng(0).normal(size=(20, 13))
    np.testing.assert_allclose(isotonic(values), [isotonic_regression(each) for each in values])
    np.testing.assert_allclose(isotonic(np.sort(values)), np.sort(values))


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Each item has a difficulty; a model is right where that, and some luck, is below its accuracy."""
    rng, counts = np.random.default_rng(1), np.array([20, 40, 60, 80, 100, 140, 200])
    shares, random_share = 0.4 + 0.002 * counts, 0.56  # chosen labels reach 56 % at 80, and have 60 % at 100
    gains, saved = 0, 0
    for _ in range(300):
        difficulty = rng.random(NUM_TEST)
        luck = rng.random((len(counts) + 1, NUM_TEST)) < 0.3
        other = np.where(luck, rng.random(luck.shape), difficulty)
        found = estimate_labels_saved(counts.tolist(), other[:-1] < shares[:, None], other[-1] < random_share, 100)
        assert found is not None
        gains += found.low <= 0.04 <= found.high
        saved += found.saved_low <= 20 <= found.saved_high
    assert 0.92 <= gains / 300 <= 0.98
    assert saved / 300 >= 0.92
