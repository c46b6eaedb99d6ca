import math

import pytest
import scipy.stats
import torch

from lindley.acquisition.batchbald import race as module
from lindley.acquisition.batchbald.race import race

NUM_CONFIGURATIONS = 1024


def gains_with_common_noise(means, *, own=0.1, common=0.5, num_configurations=NUM_CONFIGURATIONS, seed=0):
    """[N, M]: what configurations have in common moves all candidates alike; the rest is each candidate's own."""
    generator = torch.Generator().manual_seed(seed)
    shared = common * torch.randn(num_configurations, generator=generator, dtype=torch.float64)
    alone = own * torch.randn(len(means), num_configurations, generator=generator, dtype=torch.float64)
    return means.double()[:, None] + shared + alone


def run(gains, bounds=None, ties=None, *, tied=0.0, tolerance=0.0):
    bounds = torch.full((len(gains),), 10.0, dtype=torch.float64) if bounds is None else bounds
    ties = torch.rand(len(gains), generator=torch.Generator().manual_seed(1)) if ties is None else ties
    requests = []

    def compute_gains(ranks, start, stop):
        requests.append((len(ranks), start, stop))
        return gains[ranks, start:stop]

    pick = race(bounds, compute_gains, ties, num_configurations=gains.shape[1], tied=tied, tolerance=tolerance)
    assert pick.columns == sum(count * (stop - start) for count, start, stop in requests)
    return pick, requests


def test_the_best_on_all_configurations_wins_although_most_are_dropped_early():
    gains = gains_with_common_noise(torch.linspace(0, 1, 300))
    pick, requests = run(gains)
    assert pick.rank == gains.mean(1).argmax()
    seen = gains[pick.rank, : requests[-1][2]]
    assert pick.gain == pytest.approx(seen.mean().item())
    assert pick.standard_error == pytest.approx(seen.std().item() / math.sqrt(len(seen)))
    assert sum(count for count, start, _ in requests if start > 0) < 60


def test_what_is_lost_against_all_configurations_for_all_is_next_to_nothing():
    lost = []
    for seed in range(100):
        means = torch.rand(200, generator=torch.Generator().manual_seed(seed))
        gains = gains_with_common_noise(means, own=0.3, seed=seed)
        lost.append(float(gains.mean(1).max() - gains[run(gains)[0].rank].mean()))
    assert sum(each == 0 for each in lost) >= 95
    assert max(lost) < 0.01


def test_bounds_fall_to_the_gains_on_the_first_configurations_and_their_noise():
    gains = gains_with_common_noise(torch.tensor([0.9, 0.8, 0.1]), own=0.01)
    bounds = torch.tensor([2.0, 2.0, 0.2], dtype=torch.float64)
    run(gains, bounds)
    first = gains[:2, : module.STAGES[0]]
    noise = scipy.stats.t.ppf(scipy.stats.norm.cdf(module.NUM_ERRORS), 15) * first.std(1) / 4
    assert ((bounds[:2] - first.mean(1)) / noise - 1).abs().max() < 0.01
    assert bounds[2] <= 0.2


def test_a_bound_that_is_far_below_the_leader_is_not_evaluated():
    means = torch.cat([torch.ones(300), torch.full((500,), 5.0)])  # the bounds of the last 500 are not true
    gains = gains_with_common_noise(means, own=0.01)
    bounds = torch.cat([torch.full((300,), 10.0), torch.full((500,), 0.3)]).double()
    pick, _ = run(gains, bounds)
    assert pick.rank < 300
    assert pick.evaluated == 300


def test_the_noise_of_the_leader_is_allowed_for():
    means = torch.cat([torch.ones(300), torch.tensor([1.05])])
    gains = gains_with_common_noise(means, own=0.001, common=2.0, seed=3)
    gains[:, :16] += 0.3 - gains[:300, :16].mean() + 1.0  # the first configurations are kind to all
    bounds = torch.cat([means[:300] + 0.5, torch.tensor([1.05])]).double()
    assert run(gains, bounds)[0].rank == 300


def test_a_picked_candidate_is_not_picked_again():
    gains = gains_with_common_noise(torch.tensor([0.9, 0.5, 0.1]))
    bounds = torch.tensor([-math.inf, 1.0, 1.0], dtype=torch.float64)
    assert run(gains, bounds)[0].rank == 1


def test_equals_go_by_the_tie_break_and_cost_a_bounded_number_of_configurations(monkeypatch):
    monkeypatch.setattr(module, "_BUDGET", 1 << 14)
    gains = gains_with_common_noise(torch.ones(1000), own=0.0)
    ties = torch.rand(1000, generator=torch.Generator().manual_seed(2))
    pick, requests = run(gains, ties=ties)
    assert pick.rank == ties.argmax()
    assert all(count * stop <= 1 << 14 for count, start, stop in requests if start > 0)


def test_a_tolerance_saves_work_and_costs_no_more_than_itself():
    gains = gains_with_common_noise(torch.linspace(0.95, 1, 200), own=0.1)
    exact, _ = run(gains)
    rough, _ = run(gains, tolerance=0.02)
    assert rough.columns < exact.columns
    assert gains[rough.rank].mean() >= gains[exact.rank].mean() - 0.02
