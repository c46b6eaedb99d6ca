"""Uncertainty herding against its objective, written out over all candidates."""

import math

import pytest
import torch
from diverse_fakes import context_of, random_log_probs, random_points

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.diverse.u_herding import smallest_distance
from lindley.errors import InputError


def coverage(points, doubts, chosen, sigma):
    """The mean over points of their doubt times the largest kernel to one of the chosen, by loops."""
    near = [max((math.exp(-(math.dist(x, s) ** 2) / sigma**2) for s in chosen), default=0.0) for x in points]
    return sum(doubt * each for doubt, each in zip(doubts, near, strict=True)) / len(near)


@pytest.mark.parametrize("seed", range(3))
def test_each_pick_is_the_best_of_all_by_the_objective(seed):
    points, labelled, log_probs = random_points(12, 3, seed), random_points(3, 3, seed + 50), random_log_probs(12)
    sigma = min(math.dist(a, b) for a, b in [(labelled[i], labelled[j]) for i, j in ((0, 1), (0, 2), (1, 2))])
    choose = acquisition_named("u-herding", {"normalise": False})
    selection = choose(context_of(points, labelled, log_probs), 4, seed=0)
    assert selection.diagnostics["sigma"] == pytest.approx(sigma)
    doubts = [1 - (p[-1] - p[-2]) for p in (sorted(row) for row in log_probs.exp().mean(1).tolist())]
    chosen = labelled.tolist()
    for row, score in zip(selection.rows.tolist(), selection.scores.tolist(), strict=True):
        before = coverage(points.tolist(), doubts, chosen, sigma)
        gains = [coverage(points.tolist(), doubts, [*chosen, each], sigma) - before for each in points.tolist()]
        assert score == pytest.approx(max(gains), abs=1e-9)
        assert gains[row] == pytest.approx(max(gains), abs=1e-9)
        chosen.append(points[row].tolist())


def test_with_a_narrow_kernel_the_least_certain_rows_are_chosen():
    points, log_probs = random_points(20, 3), random_log_probs(20)
    narrow = acquisition_named("u-herding", {"sigma": 1e-3})(context_of(points, log_probs=log_probs), 6, seed=0)
    assert (
        narrow.rows.tolist()
        == acquisition_named("margin")(context_of(points, log_probs=log_probs), 6, seed=0).rows.tolist()
    )


def test_the_bandwidth_passes_over_copies_and_is_one_where_nothing_differs():
    assert smallest_distance(torch.tensor([[0.0], [0.0], [3.0], [5.0]])) == 2
    assert smallest_distance(torch.zeros(2, 1)) == smallest_distance(torch.zeros(0, 1)) == 1


@pytest.mark.parametrize("options", [{"sigma": "wide"}, {"sigma": -1}, {"normalise": None}])
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(InputError) as caught:
        acquisition_named("u-herding", options)
    assert caught.value.argument == next(iter(options))
