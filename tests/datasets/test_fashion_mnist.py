import pytest
import torch


@pytest.fixture(scope="module")
def fashion(load_real):
    return load_real("fashion-mnist")


def test_the_first_labels_are_the_known_ones(fashion):
    assert fashion.classes[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert fashion.test_classes[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert fashion.task.class_names[fashion.classes[0]] == "Ankle boot"


def test_the_classes_are_balanced(fashion):
    assert fashion.classes.bincount().tolist() == [6000] * 10
    assert fashion.test_classes.bincount().tolist() == [1000] * 10


def test_the_pixels_have_the_known_mean_and_spread(fashion):
    train = fashion.pool.read(torch.arange(60_000)).double()
    assert (train.mean().item(), train.std().item()) == pytest.approx((0.2860405970, 0.3530242445), abs=1e-7)
    test = fashion.test_inputs.double()
    assert (test.mean().item(), test.std().item()) == pytest.approx((0.2868492807, 0.3524441532), abs=1e-7)
