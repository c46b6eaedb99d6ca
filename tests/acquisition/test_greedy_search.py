import math

import torch

from lindley.acquisition.greedy_search import best_pick


def search(bounds, gains, ties=None, slack=0.0, tied=0.0, block=2):
    ties = torch.rand(len(bounds), generator=torch.Generator().manual_seed(0)) if ties is None else ties
    return best_pick(bounds, lambda ranks: gains[ranks], ties, slack=slack, tied=tied, block=block)


def test_the_largest_gain_is_found_without_looking_at_those_it_rules_out():
    bounds = torch.tensor([0.9, 0.8, 0.7, 0.3, 0.2, 0.1]).double()
    gains = torch.tensor([0.25, 0.5, 0.625, 0.3, 0.2, 0.1]).double()
    pick = search(bounds, gains)
    assert (pick.rank, pick.gain, pick.evaluated) == (2, 0.625, 3)
    assert torch.equal(bounds, gains)


def test_a_gain_that_rose_by_less_than_the_slack_is_found():
    bounds, gains = torch.tensor([0.50, 0.495]).double(), torch.tensor([0.50, 0.502]).double()
    assert search(bounds.clone(), gains, block=1).rank == 0
    assert search(bounds.clone(), gains, slack=0.01, block=1).rank == 1


def test_infinite_slack_looks_at_everyone_who_is_left():
    bounds = torch.tensor([0.9, -math.inf, 0.1, 0.0]).double()
    assert search(bounds, bounds.clone(), slack=math.inf).evaluated == 3


def test_ties_go_to_the_largest_tie_break():
    gains = torch.tensor([0.5, 0.5 + 1e-9, 0.5, 0.4]).double()
    assert search(torch.ones(4).double(), gains, torch.tensor([0.1, 0.2, 0.3, 0.4]), tied=1e-6).rank == 2


def test_where_nothing_is_left_to_gain_the_tie_break_decides_and_nobody_is_looked_at():
    bounds = torch.tensor([0.0, -math.inf, 1e-9]).double()
    pick = search(bounds, torch.zeros(3).double(), torch.tensor([0.5, 0.9, 0.1]), tied=1e-6)
    assert (pick.rank, pick.evaluated) == (0, 0)


def test_random_bounds_never_hide_the_best():
    generator = torch.Generator().manual_seed(1)
    for _ in range(100):
        gains = torch.rand(40, generator=generator, dtype=torch.float64)
        bounds = gains + torch.rand(40, generator=generator, dtype=torch.float64) ** 4
        pick = search(bounds, gains, block=3)
        assert pick.gain == gains.max()
        assert pick.evaluated <= 40
