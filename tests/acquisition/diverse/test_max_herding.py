"""MaxHerding against its objective, written out over all candidates."""

import math

import pytest
import torch
from diverse_fakes import context_of, random_points

from lindley.acquisition.catalogue import acquisition_named
from lindley.errors import InputError


def coverage(points, chosen, sigma):
    """The mean over points of the largest kernel to one of the chosen, by loops."""
    near = [max((math.exp(-(math.dist(x, s) ** 2) / sigma**2) for s in chosen), default=0.0) for x in points]
    return sum(near) / len(near)


@pytest.mark.parametrize("seed", range(4))
def test_each_pick_is_the_best_of_all_by_the_objective(seed):
    points, labelled = random_points(14, 3, seed), random_points(seed, 3, seed + 50)
    choose = acquisition_named("max-herding", {"sigma": 1.5, "normalise": False})
    selection = choose(context_of(points, labelled), 5, seed=0)
    chosen = labelled.tolist()
    for row, score in zip(selection.rows.tolist(), selection.scores.tolist(), strict=True):
        before = coverage(points.tolist(), chosen, 1.5)
        gains = [coverage(points.tolist(), [*chosen, each], 1.5) - before for each in points.tolist()]
        assert score == pytest.approx(max(gains), abs=1e-9)
        assert gains[row] == pytest.approx(max(gains), abs=1e-9)
        chosen.append(points[row].tolist())
    assert selection.diagnostics["coverage"] == pytest.approx(coverage(points.tolist(), chosen, 1.5))


def test_a_narrow_kernel_covers_the_largest_group_of_copies_first():
    points = torch.tensor([[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 5 + [[-1.0, 0.0]] * 3).double()
    rows = acquisition_named("max-herding", {"sigma": 0.01})(context_of(points), 3, seed=0).rows
    assert [int(row) // 2 for row in rows][2] == 0
    assert [points[row].tolist() for row in rows.tolist()] == [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("options", [{"sigma": 0}, {"sigma": True}, {"sigma": math.inf}, {"normalise": 1}])
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(InputError) as caught:
        acquisition_named("max-herding", options)
    assert caught.value.argument == next(iter(options))
