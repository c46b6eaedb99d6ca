import pytest
import torch
from diverse_fakes import random_points

from lindley.acquisition.diverse.distances import distances, iterate_squared_distances, nearest_distance


def plain(points, others):
    return (points[:, None] - others[None]).square().sum(2).sqrt()


def test_distances_are_the_plain_ones():
    points, others = random_points(20, 5), random_points(4, 5, seed=1)
    assert torch.allclose(distances(points, others), plain(points, others), atol=1e-12)
    assert torch.allclose(nearest_distance(points, others), plain(points, others).amin(1), atol=1e-12)


def test_with_no_centres_everything_is_infinitely_far():
    assert nearest_distance(random_points(3, 2), random_points(0, 2)).tolist() == [torch.inf] * 3


def test_a_point_far_from_the_origin_is_at_zero_from_itself():
    points = random_points(10, 64, dtype=torch.float32) * 1e-3 + 1e3
    assert distances(points, points[4:5])[4, 0] == 0
    twice = torch.cat([points, points])
    away = distances(twice, points[:1])[:, 0]
    assert torch.equal(away[:10], away[10:])


@pytest.mark.parametrize("tile", [1, 40, 1 << 22])
def test_blocks_cover_all_pairs_whatever_their_size(tile):
    points, others = random_points(13, 3), random_points(7, 3, seed=1)
    found = torch.full((13, 7), torch.nan, dtype=torch.float64)
    for rows, squared in iterate_squared_distances(points, others, tile=tile):
        assert squared.numel() <= max(tile, 7)
        found[rows] = squared
    assert torch.allclose(found, plain(points, others).square(), atol=1e-12)


def test_duplicates_are_at_exactly_zero_in_a_matrix_product_too():
    points = random_points(6, 64, dtype=torch.float32) + 5
    twice = torch.cat([points, points])
    (_, squared), *_ = iterate_squared_distances(twice, twice)
    assert torch.equal(squared == 0, torch.eye(6, dtype=torch.bool).repeat(2, 2))
