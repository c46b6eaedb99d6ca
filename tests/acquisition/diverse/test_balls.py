import pytest
import torch
from diverse_fakes import random_points

from lindley.acquisition.diverse.balls import Balls


def plain_counts(points, at, among, radius):
    return (torch.cdist(points[at], points[among]) <= radius).sum(1)


@pytest.mark.parametrize("tile", [(1, 2), (3, 4), (512, 4096)])
def test_counts_are_those_of_all_pairs_whatever_the_tiles(tile):
    points = random_points(40, 3)
    at, among = torch.arange(0, 40, 2), torch.arange(5, 30)
    for radius in (0.5, 1.0, 2.0):
        balls = Balls(points, radius, tile=tile)
        assert torch.equal(balls.counts(at, among), plain_counts(points, at, among, radius))
        assert torch.equal(balls.counts_within(among), plain_counts(points, among, among, radius))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_at_exactly_the_radius_are_in_the_ball(dtype):
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)).to(dtype) + 0.1
    inner = Balls(grid, 1.0).counts_within(torch.arange(25))[12]
    assert inner == 5
    assert Balls(grid, 1.0).radius == pytest.approx(1.0, abs=1e-4)


def test_nobody_is_counted_among_nobody():
    balls, nobody = Balls(random_points(4, 2), 1.0), torch.arange(0)
    assert balls.counts(torch.arange(4), nobody).tolist() == [0] * 4
    assert balls.counts_within(nobody).tolist() == []
