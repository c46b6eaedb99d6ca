"""Calibration errors against bins worked out by hand, and against a plain loop."""

import pytest
import torch

from lindley.measures.calibration import adaptive_calibration_error, expected_calibration_error
from lindley.noise import torch_generator

PROBS = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], dtype=torch.float64)
CLASSES = torch.tensor([0, 2, 1, 2])


@pytest.fixture
def random_case():
    generator = torch_generator(7)
    log_probs = (2 * torch.randn(400, 5, generator=generator, dtype=torch.float64)).log_softmax(1)
    return log_probs, torch.randint(5, (400,), generator=generator)


def test_calibration_error_of_two_bins_worked_out_by_hand():
    # confidences 0.7, 0.6, 0.5, 0.8; bins (0, 0.5] and (0.5, 1]: 0.5 falls into the first
    expected = (abs(0 - 0.5) * 1 + abs(2 / 3 - 0.7) * 3) / 4
    assert expected_calibration_error(PROBS.log(), CLASSES, num_bins=2) == pytest.approx(expected, rel=1e-12)


def test_calibration_error_has_fifteen_bins():
    # confidences 0.61 and 0.65 share the bin (9/15, 10/15], 0.67 lies in the next
    probs = torch.tensor([[0.61, 0.39], [0.65, 0.35], [0.67, 0.33]], dtype=torch.float64)
    expected = (abs(1 - 0.61 - 0.65) + abs(1 - 0.67)) / 3
    error = expected_calibration_error(probs.log(), torch.tensor([0, 1, 0]))
    assert error == pytest.approx(expected, rel=1e-12)


def test_calibration_error_agrees_with_a_plain_loop(random_case):
    log_probs, classes = random_case
    confidence, predicted = log_probs.exp().max(1)
    error = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            hits = (predicted == classes)[inside].double().mean()
            error += float(inside.double().mean() * (hits - confidence[inside].mean()).abs())
    assert expected_calibration_error(log_probs, classes) == pytest.approx(error, rel=1e-9)


def test_adaptive_error_of_two_bins_worked_out_by_hand():
    # by confidence: 0.5 and 0.6 are wrong, 0.7 and 0.8 are right
    expected = (abs(0 - 0.5 - 0.6) + abs(2 - 0.7 - 0.8)) / 4
    assert adaptive_calibration_error(PROBS.log(), CLASSES, num_bins=2) == pytest.approx(expected, rel=1e-12)


def test_adaptive_error_of_one_bin_is_the_gap_of_all_rows(random_case):
    log_probs, classes = random_case
    confidence, predicted = log_probs.exp().max(1)
    expected = abs(float((predicted == classes).double().mean() - confidence.mean()))
    assert adaptive_calibration_error(log_probs, classes, num_bins=1) == pytest.approx(expected, rel=1e-9)
    assert expected_calibration_error(log_probs, classes, num_bins=1) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_bins", [7, 15, 400, 1000])
def test_adaptive_error_agrees_with_a_plain_loop_over_bins_of_equal_mass(random_case, num_bins):
    log_probs, classes = random_case
    confidence, predicted = log_probs.exp().max(1)
    order = sorted(range(400), key=lambda row: float(confidence[row]))
    bins = [[row for place, row in enumerate(order) if place * num_bins // 400 == each] for each in range(num_bins)]
    sizes = {len(rows) for rows in bins}
    assert max(sizes) - min(sizes) <= 1
    gaps = [abs(sum(float(predicted[row] == classes[row]) - float(confidence[row]) for row in rows)) for rows in bins]
    assert adaptive_calibration_error(log_probs, classes, num_bins=num_bins) == pytest.approx(sum(gaps) / 400, rel=1e-9)


def test_adaptive_error_does_not_depend_on_the_order_of_rows_of_one_confidence():
    log_probs = torch.tensor([[0.75, 0.25]], dtype=torch.float64).log().expand(8, 2)
    classes = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])  # three in four are right
    for order in (torch.arange(8), torch.tensor([6, 0, 1, 2, 7, 3, 4, 5])):
        assert adaptive_calibration_error(log_probs, classes[order], num_bins=4) == pytest.approx(0, abs=1e-12)
