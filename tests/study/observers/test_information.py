"""Information as a batch grows: against enumeration, and within its bounds."""

import math

import numpy as np
import pytest
import torch
from round_fakes import Slopes, view_of

from lindley.contracts import Labels
from lindley.information import bald, joint_information
from lindley.noise import torch_generator
from lindley.study.observers.information import information_growth, observe_information

NUM_DRAWS = 8


@pytest.fixture
def draws():
    return Slopes(3 * torch.randn(NUM_DRAWS, 2, generator=torch_generator(1)))


@pytest.fixture
def view(draws):
    labels = Labels(torch.tensor([0, 5, 9]), torch.tensor([0, 1, 0]))
    return view_of(draws, labels, inputs=torch.randn(80, 2, generator=torch_generator(0)))


def test_growth_is_exact_while_paths_can_be_enumerated(draws):
    batch = draws.predict(torch.randn(6, 2, generator=torch_generator(2))).log_probs
    values, errors = information_growth(batch, seed=0, num_configurations=64)
    assert values == pytest.approx([joint_information(batch[:size]) for size in range(1, 7)], rel=1e-6)
    assert errors.tolist() == [0.0] * 6


def test_sampled_growth_is_within_its_error_of_enumeration(draws):
    batch = draws.predict(torch.randn(10, 2, generator=torch_generator(2))).log_probs
    values, errors = information_growth(batch, seed=0, num_configurations=500)
    truth = [joint_information(batch[:size]) for size in range(1, 11)]
    assert errors[7] == 0.0  # 2**8 paths
    assert errors[8] > 0.0  # 2**9
    assert np.abs(values - truth)[8:].max() < 4 * errors.max()


def test_nothing_is_stored_at_other_numbers_of_labels(view):
    assert observe_information(5, [4, 10])(view).arrays == {}


def test_the_arrays_of_each_acquisition_hold_its_batch(view, draws):
    arrays = observe_information(12, [3])(view).arrays
    assert arrays["picks"].tolist() == list(range(1, 13))
    assert int(arrays["num_draws"]) == NUM_DRAWS
    assert float(arrays["log_num_draws"]) == math.log(NUM_DRAWS)
    for name in ("bald", "batchbald", "random"):
        inputs = torch.from_numpy(arrays[f"inputs_{name}"])
        log_probs = draws.predict(inputs).log_probs
        assert arrays[f"sum_bald_{name}"] == pytest.approx(bald(log_probs).double().cumsum(0).numpy(), rel=1e-4)
        assert arrays[f"joint_{name}"][:6] == pytest.approx(
            [joint_information(log_probs[:size]) for size in range(1, 7)], rel=1e-4
        )
        assert arrays[f"joint_se_{name}"].shape == (12,)


def test_joint_information_is_at_most_the_sum_of_scores_and_log_k(view):
    arrays = observe_information(20, [3])(view).arrays
    for name in ("bald", "batchbald", "random"):
        joint, error = arrays[f"joint_{name}"], arrays[f"joint_se_{name}"]
        assert (joint <= arrays[f"sum_bald_{name}"] + 4 * error + 1e-9).all()
        assert (joint <= math.log(NUM_DRAWS) + 1e-9).all()


def test_bald_has_the_largest_sum_and_batchbald_the_larger_joint_information(view):
    arrays = observe_information(6, [3])(view).arrays
    assert arrays["sum_bald_bald"][-1] > arrays["sum_bald_batchbald"][-1]
    assert arrays["joint_batchbald"][-1] > arrays["joint_bald"][-1]


def test_fewer_candidates_than_picks_are_all_of_them(view):
    small = view_of(view.draws, view.labels, inputs=view.pool.read(torch.arange(12)))
    arrays = observe_information(12, [3])(small).arrays
    assert arrays["picks"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert all(len(arrays[f"joint_{name}"]) == 9 for name in ("bald", "batchbald", "random"))
