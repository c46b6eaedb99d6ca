"""Metrics against numbers worked out by hand, and against scikit-learn."""

import math

import pytest
import torch
from sklearn import metrics as sk

from lindley.errors import InputError
from lindley.measures.calibration import expected_calibration_error
from lindley.measures.scores import accuracy, brier, class_recalls, nll
from lindley.noise import torch_generator

PROBS = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], dtype=torch.float64)
CLASSES = torch.tensor([0, 2, 1, 2])


@pytest.fixture
def random_case():
    generator = torch_generator(7)
    log_probs = (2 * torch.randn(400, 5, generator=generator, dtype=torch.float64)).log_softmax(1)
    return log_probs, torch.randint(5, (400,), generator=generator)


def test_metrics_of_four_rows_worked_out_by_hand():
    log_probs = PROBS.log()
    assert accuracy(log_probs, CLASSES) == 0.5
    assert nll(log_probs, CLASSES) == pytest.approx(-math.log(0.7 * 0.1 * 0.25 * 0.8) / 4, rel=1e-12)
    by_row = [0.09 + 0.04 + 0.01, 0.09 + 0.36 + 0.81, 0.25 + 0.5625 + 0.0625, 0.01 + 0.01 + 0.04]
    assert brier(log_probs, CLASSES) == pytest.approx(sum(by_row) / 4, rel=1e-12)
    assert class_recalls(log_probs, CLASSES) == [1.0, 0.0, 0.5]


def test_a_perfect_prediction_has_no_error():
    log_probs = torch.tensor([[0.0, -math.inf], [-math.inf, 0.0]])
    classes = torch.tensor([0, 1])
    assert accuracy(log_probs, classes) == 1.0
    assert nll(log_probs, classes) == 0.0
    assert brier(log_probs, classes) == 0.0
    assert expected_calibration_error(log_probs, classes) == 0.0


def test_a_true_class_of_probability_zero_costs_infinitely_many_nats():
    assert nll(torch.tensor([[0.0, -math.inf]]), torch.tensor([1])) == math.inf


def test_metrics_agree_with_scikit_learn(random_case):
    log_probs, classes = random_case
    predicted, probs = log_probs.argmax(1), log_probs.exp().numpy()
    assert accuracy(log_probs, classes) == pytest.approx(sk.accuracy_score(classes, predicted), rel=1e-12)
    assert nll(log_probs, classes) == pytest.approx(sk.log_loss(classes, probs), rel=1e-9)
    assert class_recalls(log_probs, classes) == pytest.approx(sk.recall_score(classes, predicted, average=None))


def test_brier_of_two_classes_is_twice_scikit_learns(random_case):
    log_probs = random_case[0][:, :2].log_softmax(1)
    classes = random_case[1] % 2
    expected = 2 * sk.brier_score_loss(classes, log_probs[:, 1].exp())
    assert brier(log_probs, classes) == pytest.approx(expected, rel=1e-12)


def test_a_class_without_rows_has_no_recall():
    assert class_recalls(PROBS[:1].log(), CLASSES[:1]) == [1.0, None, None]


@pytest.mark.parametrize("metric", [accuracy, nll, brier, expected_calibration_error, class_recalls])
@pytest.mark.parametrize(("shape", "rows"), [((4, 10, 3), 4), ((4, 3), 3), ((0, 3), 0)])
def test_other_shapes_are_refused(metric, shape, rows):
    with pytest.raises((InputError, TypeError)) as caught:  # TypeError: the check of shapes that the tests switch on
        metric(torch.zeros(shape), torch.zeros(rows, dtype=torch.int64))
    assert isinstance(caught.value, TypeError) or caught.value.argument == "log_probs"
