"""What is measured on the test set: the average over the draws, the point beside it."""

import pytest
import torch
from round_fakes import Table, view_of

from lindley.contracts import Labels
from lindley.errors import InputError
from lindley.measures import calibration, scores
from lindley.noise import torch_generator
from lindley.study.observers.test_set import observe_test_set

INPUTS = torch.arange(1100.0)[:, None]  # three chunks


def view(table, point):
    nothing = Labels(torch.tensor([0]), torch.tensor([0]))
    point = None if point is None else Table(point)
    return view_of(Table(table), nothing, inputs=INPUTS, num_classes=3, point=point)


@pytest.fixture
def tables():
    """Predictions of 1100 rows under 4 draws, and a point prediction."""
    logits = torch.randn(1100, 5, 3, generator=torch_generator(0))
    table = logits.log_softmax(2)
    return table[:, :4], table[:, 4:]


@pytest.fixture
def observe():
    classes = torch.arange(1100) % 3
    return observe_test_set(INPUTS, classes, num_classes=3), classes


def test_the_average_is_of_probabilities_over_the_draws(tables, observe):
    observer, classes = observe
    seen = observer(view(*tables))
    mean = tables[0].double().exp().mean(1).log()
    assert seen.metrics["accuracy"] == scores.accuracy(mean, classes)
    assert seen.metrics["nll"] == pytest.approx(scores.nll(mean, classes), rel=1e-12)
    assert seen.metrics["brier"] == pytest.approx(scores.brier(mean, classes), rel=1e-12)
    assert seen.metrics["ece"] == pytest.approx(calibration.expected_calibration_error(mean, classes), rel=1e-9)
    assert seen.metrics["recall"] == scores.class_recalls(mean, classes)
    assert seen.arrays == {}


def test_the_point_prediction_is_measured_beside_it(tables, observe):
    observer, classes = observe
    seen = observer(view(*tables))
    assert seen.metrics["accuracy_point"] == scores.accuracy(tables[1][:, 0], classes)
    assert seen.metrics["nll_point"] == pytest.approx(scores.nll(tables[1][:, 0], classes), rel=1e-12)


def test_a_posterior_without_a_point_prediction_has_null(tables, observe):
    seen = observe[0](view(tables[0], None))
    assert seen.metrics["accuracy_point"] is None
    assert seen.metrics["nll_point"] is None


def test_a_prediction_that_is_nan_is_refused_with_its_test_row(tables, observe):
    table = tables[0].clone()
    table[777, 2, 1] = torch.nan
    with pytest.raises(InputError) as caught:
        observe[0](view(table, None))
    assert caught.value.rows == (777,)


def test_a_loss_is_null_where_a_true_class_has_probability_zero(tables):
    classes = torch.zeros(1100, dtype=torch.int64)
    certain = torch.tensor([-torch.inf, 0.0, -torch.inf]).expand(1100, 2, 3)
    seen = observe_test_set(INPUTS, classes, num_classes=3)(view(certain, certain[:, :1]))
    assert [seen.metrics[name] for name in ("nll", "joint_nll", "nll_point")] == [None, None, None]
    assert (seen.metrics["accuracy"], seen.metrics["brier"]) == (0.0, 2.0)


def test_a_test_set_of_fewer_than_ten_rows_has_no_joint_loss():
    even = torch.full((9, 2, 3), 1 / 3).log()
    seen = observe_test_set(INPUTS[:9], torch.zeros(9, dtype=torch.int64), num_classes=3)(view(even, None))
    assert "joint_nll" not in seen.metrics
    assert seen.metrics["nll"] == pytest.approx(1.0986, abs=1e-4)
