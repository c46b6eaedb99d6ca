"""Calibration errors against bins worked out by hand, and against a plain loop."""

import pytest
import torch

from lindley.measures.calibration import expected_calibration_error
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
