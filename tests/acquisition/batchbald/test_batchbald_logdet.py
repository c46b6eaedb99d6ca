"""BatchBALD-logdet is BatchBALD before its switch and the Gaussian search after it."""

import math

import pytest
import torch
from joint_fakes import context_of, linear_model

from lindley.acquisition import TensorCandidates, bald
from lindley.acquisition.batchbald.batchbald import batchbald
from lindley.acquisition.batchbald.batchbald_logdet import batchbald_logdet
from lindley.acquisition.batchbald.gaussian_objective import gaussian_search
from lindley.acquisition.batchbald.information_objective import SATURATION_NATS
from lindley.information import estimate_joint_information


@pytest.mark.parametrize("seed", range(4))
def test_it_switches_once_at_most_two_draws_are_in_question(seed):
    log_probs = linear_model(seed, 300, 40, 6)
    switched, own = (method(context_of(log_probs), 12, seed=seed) for method in (batchbald_logdet, batchbald))
    switch = switched.diagnostics["num_joint_picks"]
    assert 0 < switch < 12
    assert switch == own.diagnostics["saturated_after"]
    assert torch.equal(switched.rows[:switch], own.rows[:switch])
    left = [
        math.log(40) - estimate_joint_information(log_probs[own.rows[:size]], num_configurations=40_000, seed=1).value
        for size in (switch - 1, switch)
    ]
    assert left[1] - 0.03 <= SATURATION_NATS < left[0] + 0.03


@pytest.mark.parametrize("seed", range(4))
def test_the_picks_after_the_switch_are_those_of_the_gaussian_search(seed):
    log_probs = linear_model(seed, 300, 40, 6)
    selection = batchbald_logdet(context_of(log_probs), 12, seed=seed)
    switch = selection.diagnostics["num_joint_picks"]
    gaussian = gaussian_search(TensorCandidates(log_probs), bald(log_probs), seed=seed)
    gaussian.add_picked(selection.rows[:switch])
    assert selection.rows[switch:].tolist() == [pick.position for pick in gaussian.picks(12 - switch)]


def test_exact_gains_are_followed_to_the_end():
    log_probs = linear_model(3, 100, 4, 3)  # log 4 = 1.39 nats, most of which two rows tell
    selection = batchbald_logdet(context_of(log_probs), 5, seed=0)
    assert selection.diagnostics["exact_picks"] == selection.diagnostics["num_joint_picks"] == 5
    assert torch.equal(selection.rows, batchbald(context_of(log_probs), 5, seed=0).rows)


def test_gains_within_their_noise_are_not_followed():
    """The first row tells which of 20 groups of three draws it is, each other row tells one draw from its group: one
    configuration in twenty sees a gain, a hundred cannot say how large it is, and log 3 = 1.1 nats are still left."""
    log_probs = torch.full((61, 60, 20), -30.0, dtype=torch.float64)
    draws = torch.arange(60)
    log_probs[0, draws, draws // 3] = 0.0
    log_probs[1:, :, 0] = 0.0
    log_probs[draws + 1, draws, 0], log_probs[draws + 1, draws, 1] = -30.0, 0.0
    selection = batchbald_logdet(context_of(log_probs.log_softmax(-1)), 8, seed=0, num_configurations=100)
    assert selection.diagnostics["joint_information"] < math.log(60) - SATURATION_NATS
    assert selection.diagnostics["exact_picks"] < selection.diagnostics["num_joint_picks"] < 8
