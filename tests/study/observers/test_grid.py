"""The plane of two-dimensional data: where points lie, and what is stored of them."""

import numpy as np
import pytest
import torch
from round_fakes import Slopes, view_of

from lindley.contracts import Classification, Labels, Selection
from lindley.datasets.dataset import Dataset
from lindley.errors import ConfigurationError
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.study.observers.grid import GRID_POINTS, observe_grid


def points(inputs, classes, num_classes=2):
    """A data set of these inputs."""
    task = Classification(tuple("abcdef"[:num_classes]))
    shape = tuple(inputs.shape[1:])
    return Dataset("by-hand", task, MemoryPool(inputs), classes, inputs[:2], classes[:2], shape)


@pytest.fixture
def inputs():
    return torch.randn(40, 2, generator=torch_generator(0)) * torch.tensor([1.0, 3.0])


@pytest.fixture
def classes():
    return torch.arange(40) % 2


@pytest.fixture
def observe(inputs, classes):
    return observe_grid(points(inputs, classes), initial_labels=3, batch_size=2)


@pytest.fixture
def view(inputs, classes):
    def make(index, rows, selected):
        rows = torch.tensor(rows)
        selection = None if selected is None else Selection(torch.tensor(selected), torch.zeros(len(selected)))
        draws = Slopes(torch.tensor([[1.0, 0.0], [2.0, -1.0]]))
        return view_of(draws, Labels(rows, classes[rows]), inputs=inputs, index=index, selection=selection)

    return make


def test_surfaces_are_the_draws_at_each_point(observe, view):
    arrays = observe(view(0, [1, 2, 3], [4, 5])).arrays
    for iy, ix in [(0, 0), (7, 40), (80, 3)]:
        x, y = arrays["xs"][ix], arrays["ys"][iy]
        probs = 1 / (1 + np.exp(-np.array([x, 2 * x - y])))
        entropy = lambda p: -p * np.log(p) - (1 - p) * np.log(1 - p)  # noqa: E731
        assert arrays["mean_prob"][iy, ix] == pytest.approx(probs.mean(), rel=1e-4)
        assert arrays["predictive_entropy"][iy, ix] == pytest.approx(entropy(probs.mean()), rel=1e-4)
        assert arrays["conditional_entropy"][iy, ix] == pytest.approx(entropy(probs).mean(), rel=1e-4)


def test_the_grid_covers_the_pool_with_a_margin(observe, view, classes, inputs):
    arrays = observe(view(0, [1, 2, 3], [4, 5])).arrays
    for axis, values in ((0, arrays["xs"]), (1, arrays["ys"])):
        assert values.shape == (GRID_POINTS,)
        assert values[0] < inputs[:, axis].min() < inputs[:, axis].max() < values[-1]


def test_each_labelled_point_bears_the_round_that_asked_for_it(observe, view, classes, inputs):
    arrays = observe(view(2, [9, 8, 7, 1, 2, 3, 4], [5, 6])).arrays
    assert arrays["labelled_round"].tolist() == [-1, -1, -1, 0, 0, 1, 1]
    assert np.array_equal(arrays["labelled_inputs"], inputs[[9, 8, 7, 1, 2, 3, 4]])
    assert arrays["labelled_classes"].tolist() == [1, 0, 1, 1, 0, 1, 0]
    assert np.array_equal(arrays["selected_inputs"], inputs[[5, 6]])


def test_the_pool_is_stored_in_the_first_round_only(observe, view, classes, inputs):
    first = observe(view(0, [1, 2, 3], [4, 5])).arrays
    assert np.array_equal(first["pool_inputs"], inputs)
    assert first["pool_classes"].tolist() == classes.tolist()
    assert "pool_inputs" not in observe(view(1, [1, 2, 3, 4, 5], [6, 7])).arrays


def test_the_last_round_selects_nothing(observe, view):
    assert observe(view(1, [1, 2, 3, 4, 5], None)).arrays["selected_inputs"].shape == (0, 2)


@pytest.mark.parametrize(("shape", "num_classes"), [((40, 3), 2), ((40, 2), 3), ((40, 1, 8, 8), 2)])
def test_other_data_are_refused(classes, shape, num_classes):
    with pytest.raises(ConfigurationError) as caught:
        observe_grid(points(torch.zeros(shape), classes, num_classes), initial_labels=3, batch_size=2)
    assert caught.value.argument == "observe.grid"
