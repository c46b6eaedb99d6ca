import pytest
import torch

FIRST_TRAIN = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
FIRST_TEST = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
TRAIN_HISTOGRAM = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_HISTOGRAM = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="module")
def mnist(load_real):
    return load_real("mnist")


def test_the_first_labels_are_the_known_ones(mnist):
    assert mnist.classes[:10].tolist() == FIRST_TRAIN
    assert mnist.test_classes[:10].tolist() == FIRST_TEST


def test_the_classes_are_as_many_as_published(mnist):
    assert mnist.classes.bincount().tolist() == TRAIN_HISTOGRAM
    assert mnist.test_classes.bincount().tolist() == TEST_HISTOGRAM


def test_the_pixels_have_the_known_mean_and_spread(mnist):
    assert len(mnist.pool) == 60_000
    train = mnist.pool.read(torch.arange(60_000)).double()
    assert (train.mean().item(), train.std().item()) == pytest.approx((0.1306604763, 0.3081078039), abs=1e-7)
    test = mnist.test_inputs.double()
    assert (test.mean().item(), test.std().item()) == pytest.approx((0.1325146058, 0.3104802479), abs=1e-7)
    assert test.shape == (10_000, 1, 28, 28)
