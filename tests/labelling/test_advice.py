"""Advice when to stop, and what more labels should bring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lindley.labelling.accuracy import estimate_accuracy
from lindley.labelling.advice import RoundChange, advise, forecast_gain


def rounds(agreements: Sequence[float], information: Sequence[float] = (), *, every: int = 10) -> list[RoundChange]:
    """Rounds after every so many labels; the first has nothing to agree with."""
    size = max(len(agreements) + 1, len(information))
    agree = [None, *agreements, *[0.0] * size]
    bits = [*[None] * (size - len(information)), *information]
    return [RoundChange(every * (place + 1), agree[place], bits[place]) for place in range(size)]


@pytest.mark.parametrize(
    ("correct", "agreements", "information", "stop"),
    [
        (195, [0.9, 0.992, 0.99, 0.99], [2.0, 1.0], True),  # sure of the target, and steady
        (195, [0.9], [2.0, 0.09], True),  # sure of the target, and little left to tell
        (120, [0.992] * 3, [2.0, 0.09], True),
        (195, [0.99, 0.99, 0.98], [2.0, 0.1], False),  # the target alone
        (120, [0.99] * 3, [2.0, 0.2], False),
        (120, [0.5] * 3, [], False),
    ],
)
def test_two_of_three_signs_advise_to_stop(
    correct: int, agreements: list[float], information: list[float], stop: bool
) -> None:
    assert advise(estimate_accuracy(correct, 200), rounds(agreements, information), target=0.9).stop is stop


def test_each_sign_says_its_reason_with_its_numbers() -> None:
    advice = advise(estimate_accuracy(195, 200), rounds([0.995] * 3, [2.0, 0.5]), target=0.9)
    assert [(sign.name, sign.holds) for sign in advice.signs] == [
        ("target", True),
        ("predictions", True),
        ("information", False),
    ]
    assert "90 %" in advice.signs[0].reason
    assert "1.5 %" in advice.signs[1].reason
    assert "25 %" in advice.signs[2].reason


def test_without_a_target_the_accuracy_is_no_sign() -> None:
    assert not advise(estimate_accuracy(200, 200), [], target=None).signs[0].holds


def test_the_target_is_reached_by_the_interval_of_all_looks_only() -> None:
    found = estimate_accuracy(57, 60)
    target = (found.low + found.always_low) / 2
    assert found.low > target > found.always_low
    assert not advise(found, [], target=target).signs[0].holds


def test_rounds_of_one_label_each_are_not_steady_by_being_many() -> None:
    few = rounds([0.995] * 3, every=1)  # nearly all agree with the round before: each learned one label
    many = rounds([0.995] * 40, every=1)
    assert not advise(estimate_accuracy(0, 0), few, target=None).signs[1].holds
    sign = advise(estimate_accuracy(0, 0), many, target=None).signs[1]
    assert not sign.holds
    assert "15.0 %" in sign.reason  # 30 rounds of half a percent each


def test_rounds_that_cannot_be_compared_are_no_sign() -> None:
    changed = [*rounds([1.0, 1.0]), RoundChange(40, None), *rounds([1.0, 1.0])[1:]]  # the classes were changed
    assert not advise(estimate_accuracy(0, 0), changed, target=None).signs[1].holds


def misses(counts: Sequence[int], num_test: int = 100) -> np.ndarray:
    """Rounds whose models miss so many of the test labels, always the same first ones.  -> [r, n]"""
    return np.arange(num_test) >= np.array(counts)[:, None]


def test_a_power_law_is_extended_as_it_is() -> None:
    labels = [20, 80, 120, 180, 320]
    found = forecast_gain(labels, misses([round(2e5 * n**-0.5) for n in labels], 100_000))
    assert found is not None
    assert found.gain == pytest.approx(2 * (320**-0.5 - 420**-0.5), abs=1e-4)
    assert found.low < found.gain < found.high


def test_early_rounds_and_rounds_next_to_each_other_count_for_nothing() -> None:
    labels, wrong = [80, 120, 180, 320], [50, 30, 35, 20]
    found = forecast_gain(labels, misses(wrong))
    near = [n + more for n in labels for more in (-2, -1, 0)]
    assert forecast_gain(near, misses([each for each in wrong for _ in range(3)])) == found
    assert forecast_gain([10, 20, *labels], misses([90, 80, *wrong])) == found


def test_more_test_labels_make_a_forecast_surer() -> None:
    labels, wrong = [40, 57, 81, 116, 160], [50, 45, 40, 36, 33]
    few, many = forecast_gain(labels, misses(wrong)), forecast_gain(labels, misses([9 * n for n in wrong], 900))
    assert few is not None
    assert many is not None
    assert many.gain == pytest.approx(few.gain, abs=0.002)
    assert many.high - many.low < 0.7 * (few.high - few.low)


def test_a_rising_error_is_not_extended_into_harm() -> None:
    found = forecast_gain([40, 57, 81, 116, 160], misses([20, 25, 30, 35, 40]))
    assert found is not None
    assert (found.low, found.gain) == (0.0, 0.0)


def test_a_short_curve_or_few_test_labels_say_nothing() -> None:
    assert forecast_gain([40, 80, 160], misses([50, 40, 30])) is None
    assert forecast_gain([100, 110, 120, 130], misses([50, 40, 30, 20])) is None  # too near each other
    assert forecast_gain([40, 57, 81, 116, 160], misses([9, 8, 7, 6, 5], 19)) is None
    assert forecast_gain([], np.zeros((0, 30), dtype=bool)) is None


def test_an_error_of_zero_is_a_point_of_the_curve() -> None:
    found = forecast_gain([40, 57, 81, 116, 160], misses([30, 10, 3, 0, 0]))
    assert found is not None
    assert found.gain < 0.02
