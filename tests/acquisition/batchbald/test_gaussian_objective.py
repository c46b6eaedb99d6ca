import math

import pytest
import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.batchbald.gaussian_objective import (
    GaussianObjective,
    calibrate,
    gaussian_search,
    information,
)
from lindley.acquisition.greedy_search import GreedySearch
from lindley.information import bald


def random_log_probs(seed, num_rows, num_draws, num_classes, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, 5, generator=generator, dtype=torch.float64)
    weights = torch.randn(num_draws, 5, num_classes, generator=generator, dtype=torch.float64)
    return (features @ weights).permute(1, 0, 2).log_softmax(-1).to(dtype).contiguous()


def scaled_by_bisection(log_probs, row):
    """sqrt(s) Φ of one row, [C, K], with 1/2 log det(I + s Φ Φᵀ) equal to the row's BALD score."""
    probs = log_probs[row].exp()
    functions = (probs - probs.mean(0)).T / math.sqrt(len(probs))
    target, low, high = bald(log_probs)[row].item(), -30.0, 30.0
    for _ in range(200):
        middle = (low + high) / 2
        covariance = torch.eye(len(functions)).double() + math.exp(middle) * functions @ functions.T
        low, high = (middle, high) if covariance.logdet().item() / 2 < target else (low, middle)
    return functions * math.exp(low / 2)


def joint_by_log_det(functions):
    stacked = torch.cat(functions)
    return (torch.eye(len(stacked)).double() + stacked @ stacked.T).logdet().item() / 2


def picks_of(log_probs, count, known=()):
    search = gaussian_search(TensorCandidates(log_probs), bald(log_probs), seed=0)
    search.add_picked(torch.tensor(known, dtype=torch.int64))
    return search.picks(count)


@pytest.mark.parametrize("seed", range(20))
def test_each_pick_is_the_best_of_all_by_plain_determinants(seed):
    log_probs = random_log_probs(seed, 12, 3 + seed % 4, 2 + seed % 4)
    functions = [scaled_by_bisection(log_probs, row) for row in range(12)]
    batch, before = [3], joint_by_log_det([functions[3]])
    for pick in picks_of(log_probs, 5, known=[3]):
        position = pick.position
        values = {r: joint_by_log_det([functions[i] for i in [*batch, r]]) for r in range(12) if r not in batch}
        assert values[position] >= max(values.values()) - 1e-9
        assert pick.gain == pytest.approx(values[position] - before, abs=1e-8)
        batch, before = [*batch, position], values[position]


@pytest.mark.parametrize(("num_draws", "num_classes"), [(50, 2), (50, 10), (6, 40)])
def test_a_row_by_itself_carries_its_bald_score(num_draws, num_classes):
    log_probs = random_log_probs(0, 200, num_draws, num_classes)
    functions = calibrate(log_probs, bald(log_probs))
    assert torch.allclose(information(functions @ functions.mT), bald(log_probs), atol=1e-9)


def test_certain_and_opposed_draws_are_finite_and_rows_that_say_nothing_stay_so():
    opposed = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).repeat(4, 1)
    agreed = torch.tensor([[0.2, 0.3, 0.5]]).repeat(8, 1)
    log_probs = torch.stack([opposed, agreed]).double().log()
    functions = calibrate(log_probs, bald(log_probs))
    assert information(functions @ functions.mT).tolist() == pytest.approx([math.log(2), 0.0], abs=1e-9)


def test_a_copy_of_a_picked_row_adds_less_than_it_did():
    log_probs = random_log_probs(1, 30, 20, 4).repeat_interleave(2, 0)
    positions = [pick.position for pick in picks_of(log_probs, 8)]
    assert len({position // 2 for position in positions}) == 8


def test_gains_fall_from_pick_to_pick_and_no_row_comes_twice():
    picks = picks_of(random_log_probs(2, 40, 10, 3), 40)
    gains = torch.tensor([pick.gain for pick in picks])
    assert (gains.diff() <= 1e-9).all()
    assert sorted(pick.position for pick in picks) == list(range(40))


def test_known_rows_count_in_any_order():
    log_probs = random_log_probs(3, 40, 10, 3)
    assert picks_of(log_probs, 5, known=[4, 17, 8]) == picks_of(log_probs, 5, known=[8, 4, 17])


def test_single_precision_chooses_what_double_does_and_little_memory_changes_nothing():
    log_probs = random_log_probs(4, 300, 30, 6, torch.float32)
    scores = bald(log_probs)
    single = [pick.position for pick in picks_of(log_probs, 20)]
    assert single == [pick.position for pick in picks_of(log_probs.double(), 20)]
    objective = GaussianObjective(30, scores)
    forgetful = GreedySearch(TensorCandidates(log_probs), scores, objective, seed=0, hold_bytes=0)
    assert single == [pick.position for pick in forgetful.picks(20)]
