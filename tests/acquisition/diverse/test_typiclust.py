import pytest
import torch
from diverse_fakes import context_of, random_points

from lindley.acquisition.diverse.clusters import k_means
from lindley.acquisition.diverse.typiclust import typicality, typiclust

CENTRES = torch.tensor([[9.0, 0, 0], [0, 9, 0], [0, 0, 9], [-9, 0, 0], [0, -9, 0]]).double()


def blobs(*sizes, seed=0):
    """Clusters of these sizes, one after the other, so far apart that k-means finds them."""
    of = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return CENTRES[of] + 0.3 * random_points(len(of), 3, seed), of


def plain_typicality(points, num_neighbours):
    count = min(num_neighbours, len(points) // 2)
    away = [sorted(float((point - other).norm()) for other in points)[1 : count + 1] for point in points]
    return torch.tensor([1 / (sum(each) / count + 1e-5) for each in away], dtype=torch.float64)


@pytest.mark.parametrize("num_neighbours", [1, 5, 20])
def test_typicality_is_the_inverse_mean_distance_to_the_nearest(num_neighbours):
    points = random_points(24, 3)
    expected = plain_typicality(points, num_neighbours)
    assert torch.allclose(typicality(points, num_neighbours), expected, rtol=1e-9)


def test_a_point_on_its_own_is_not_typical_and_duplicates_are_as_typical_as_can_be():
    assert typicality(random_points(1, 3), 20).tolist() == [0.0]
    assert typicality(torch.ones(5, 3), 20).tolist() == pytest.approx([1e5] * 5)


def test_clusters_without_labels_come_first_and_large_before_small():
    features, of = blobs(30, 20, 12, 40, 8)
    labelled = CENTRES[[3]] + 0.1
    # Five blobs, one of them labelled: L + B = 5 clusters, and the four without a label are queried by size.
    selection = typiclust(context_of(features, labelled), 4, seed=0, normalise=False)
    assert of[selection.rows].tolist() == [0, 1, 2, 4]
    assert selection.diagnostics == {"clusters": 5, "covered_clusters": 5, "candidates_considered": 110}


def test_the_most_typical_row_of_each_cluster_is_chosen():
    features, of = blobs(30, 20, 12)
    selection = typiclust(context_of(features), 3, seed=0, normalise=False)
    for row, score in zip(selection.rows, selection.scores, strict=True):
        members = (of == of[row]).nonzero()[:, 0]
        typical = plain_typicality(features[members], 20)
        assert members[typical.argmax()] == row
        assert float(score) == pytest.approx(float(typical.max()), rel=1e-9)


def test_once_all_clusters_have_a_row_they_have_another_turn_in_the_same_order():
    features, of = blobs(30, 20, 12)
    selection = typiclust(context_of(features), 7, seed=0, max_clusters=3, normalise=False)
    assert of[selection.rows].tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_clusters_of_five_or_fewer_wait_until_the_others_have_no_rows_left():
    features, of = blobs(8, 5, 7)
    selection = typiclust(context_of(features), 20, seed=0, max_clusters=3, normalise=False)
    assert set(of[selection.rows[:15]].tolist()) == {0, 2}
    assert of[selection.rows[15:]].tolist() == [1] * 5


def test_labelled_rows_count_for_their_cluster_but_are_nobody_s_neighbour():
    features, of = blobs(30, 20)
    beside = CENTRES[[0]].repeat(15, 1)
    selection = typiclust(context_of(features, beside), 2, seed=0, max_clusters=2, normalise=False)
    assert of[selection.rows].tolist() == [1, 0]
    members = (of == 0).nonzero()[:, 0]
    assert float(selection.scores[1]) == pytest.approx(float(plain_typicality(features[members], 20).max()), rel=1e-9)


def test_features_are_divided_by_their_length_unless_normalise_is_off():
    features, _ = blobs(30, 20, 12)
    lengths = 1 + 5 * torch.rand(len(features), 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    plain = typiclust(context_of(features), 3, seed=0).rows.tolist()
    assert typiclust(context_of(features * lengths), 3, seed=0).rows.tolist() == plain
    assert typiclust(context_of(features * lengths), 3, seed=0, normalise=False).rows.tolist() != plain


@pytest.mark.parametrize("num_clusters", [3, 60])
def test_k_means_finds_what_is_apart_and_is_seeded(num_clusters):
    features, of = blobs(90, 80, 70)
    clusters = k_means(features, num_clusters, seed=0)
    assert torch.equal(clusters, k_means(features, num_clusters, seed=0))
    blob_of_cluster = {(int(cluster), int(blob)) for cluster, blob in zip(clusters, of, strict=True)}
    assert len(blob_of_cluster) == clusters.unique().numel()  # no cluster reaches across two blobs


def test_more_clusters_than_distinct_points_are_no_error_and_no_warning():
    assert k_means(torch.ones(20, 3), 5, seed=0).unique().numel() == 1
