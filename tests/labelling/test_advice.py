"""Advice when to stop, and what more labels should bring."""

from __future__ import annotations

import pytest

from lindley.labelling.accuracy import estimate_accuracy
from lindley.labelling.advice import advise, forecast_accuracy


@pytest.mark.parametrize(
    ("correct", "agreements", "information", "stop"),
    [
        (195, [0.9, 0.995, 0.991, 0.99], [2.0, 1.0], True),  # sure of the target, and steady
        (195, [0.9], [2.0, 0.09], True),  # sure of the target, and little left to tell
        (120, [0.99] * 3, [2.0, 0.09], True),
        (195, [0.99, 0.99, 0.98], [2.0, 0.1], False),  # the target alone
        (120, [0.99] * 3, [2.0, 0.2], False),
        (120, [0.5] * 3, [], False),
    ],
)
def test_two_of_three_signs_advise_to_stop(
    correct: int, agreements: list[float], information: list[float], stop: bool
) -> None:
    assert advise(estimate_accuracy(correct, 200), agreements, information, target=0.9).stop is stop


def test_each_sign_says_its_reason_with_its_numbers() -> None:
    advice = advise(estimate_accuracy(195, 200), [0.995] * 3, [2.0, 0.5], target=0.9)
    assert [sign.holds for sign in advice.signs] == [True, True, False]
    assert "90%" in advice.signs[0].reason
    assert "99.5%" in advice.signs[1].reason
    assert "25%" in advice.signs[2].reason


def test_without_a_target_the_accuracy_is_no_sign() -> None:
    assert not advise(estimate_accuracy(200, 200), [], [], target=None).signs[0].holds


def test_a_power_law_is_extended_as_it_is() -> None:
    labels = [20, 40, 80, 160, 300]
    found = forecast_accuracy(labels, [2.0 * n**-0.5 for n in labels])
    assert found is not None
    assert found.num_labels == 400
    assert found.accuracy == pytest.approx(1 - 2.0 * 400**-0.5)
    assert found.interval == pytest.approx((found.accuracy, found.accuracy))


def test_a_noisy_curve_has_an_interval_about_its_forecast() -> None:
    found = forecast_accuracy([20, 40, 80, 160], [0.5, 0.3, 0.35, 0.2])
    assert found is not None
    low, high = found.interval
    assert low < found.accuracy < high


def test_a_rising_error_is_not_extended_into_harm() -> None:
    found = forecast_accuracy([20, 40, 80, 160], [0.2, 0.25, 0.3, 0.35])
    assert found is not None
    assert found.accuracy == pytest.approx(1 - (0.2 * 0.25 * 0.3 * 0.35) ** 0.25)


def test_a_short_curve_says_nothing() -> None:
    assert forecast_accuracy([20, 40, 80], [0.5, 0.4, 0.3]) is None
    assert forecast_accuracy([20, 40, 80, 160], [0.5, 0.4, 0.3, 0.0]) is None
