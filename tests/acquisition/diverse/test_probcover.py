from dataclasses import replace
from itertools import combinations

import pytest
import torch
from diverse_fakes import context_of, random_points

from lindley.acquisition.diverse.clusters import k_means
from lindley.acquisition.diverse.probcover import choose_delta, probcover
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.errors import InputError
from lindley.seeds import derive_seed


def covered_by(points, centres, radius):
    return {i for i, point in enumerate(points) if any(float((point - centre).norm()) <= radius for centre in centres)}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("num_labelled", [0, 3])
def test_every_pick_covers_as_many_new_rows_as_any_could(seed, num_labelled):
    features, labelled = random_points(40, 2, seed), random_points(num_labelled, 2, seed + 100)
    selection = probcover(context_of(features, labelled), 12, seed=0, delta=0.7, normalise=False)
    covered = covered_by(features, labelled, 0.7)
    for row, score in zip(selection.rows.tolist(), selection.scores.tolist(), strict=True):
        news = [len(covered_by(features, [point], 0.7) - covered) for point in features]
        assert score == news[row] == max(news)
        covered |= covered_by(features, features[[row]], 0.7)
    assert selection.diagnostics["coverage"] == pytest.approx(len(covered) / 40)


@pytest.mark.parametrize("seed", range(10))
def test_coverage_is_within_the_greedy_bound_of_the_best(seed):
    features = random_points(12, 2, seed)
    best = max(len(covered_by(features, features[list(some)], 0.8)) for some in combinations(range(12), 3))
    coverage = probcover(context_of(features), 3, seed=0, delta=0.8, normalise=False).diagnostics["coverage"]
    assert (1 - (2 / 3) ** 3) * best - 1e-9 <= 12 * coverage <= best + 1e-9


def test_where_all_is_covered_the_rest_is_seeded_and_distinct():
    features = random_points(30, 2)
    chosen = [probcover(context_of(features), 30, seed=seed, delta=9.0, normalise=False) for seed in (0, 1)]
    for selection in chosen:
        assert selection.scores.tolist() == [30.0] + [0.0] * 29
        assert selection.diagnostics["covering_picks"] == 1
        assert set(selection.rows.tolist()) == set(range(30))
    assert chosen[0].rows.tolist() != chosen[1].rows.tolist()


def test_scores_are_right_at_single_precision_for_points_at_exactly_the_radius():
    grid = torch.cartesian_prod(torch.arange(7.0), torch.arange(7.0))
    selection = probcover(context_of(grid), 3, seed=0, delta=1.0, normalise=False)
    assert selection.scores.tolist() == [5.0] * 3


def test_features_are_divided_by_their_length_unless_normalise_is_off():
    features = random_points(30, 2)
    once = probcover(context_of(features), 5, seed=0, delta=0.3)
    scaled = features * torch.linspace(1, 9, 30).double()[:, None]
    assert probcover(context_of(scaled), 5, seed=0, delta=0.3).rows.tolist() == once.rows.tolist()
    assert probcover(context_of(scaled), 5, seed=0, delta=0.3, normalise=False).rows.tolist() != once.rows.tolist()


def purity_at(points, clusters, radius):
    pure = [
        len({int(clusters[j]) for j in range(len(points)) if float((points[i] - points[j]).norm()) <= radius}) == 1
        for i in range(len(points))
    ]
    return sum(pure) / len(points)


@pytest.mark.parametrize("purity", [0.5, 0.8, 0.95])
def test_the_pure_radius_is_the_largest_that_is_pure_enough(purity):
    points = random_points(60, 2)
    radius = choose_delta(points, torch.arange(60), 3, purity=purity, seed=0)
    clusters = k_means(points, 3, seed=derive_seed(0, "probcover"))
    assert purity_at(points, clusters, radius) >= purity
    assert purity_at(points, clusters, 1.002 * radius) < purity


def test_points_that_coincide_need_no_radius():
    assert choose_delta(torch.ones(20, 3), torch.arange(20), 3, purity=0.95, seed=0) == 0.0
    selection = probcover(context_of(torch.ones(20, 3)), 2, seed=0)
    assert selection.scores.tolist() == [20.0, 0.0]


def test_auto_takes_the_pure_radius_of_candidates_and_labelled_rows_and_says_so():
    features, labelled = random_points(50, 2), random_points(5, 2, seed=1)
    everyone, rows = torch.cat([features, labelled]), torch.cat([torch.arange(50), torch.arange(10_000, 10_005)])
    radius = choose_delta(everyone, rows, 3, purity=0.9, seed=4)
    selection = probcover(context_of(features, labelled), 5, seed=4, purity=0.9, normalise=False)
    assert selection.diagnostics["delta"] == radius


def test_an_automatic_radius_requires_predictions():
    context = context_of(random_points(5, 2))
    bare = TensorCandidates(None, torch.arange(5), features=random_points(5, 2))
    with pytest.raises(InputError) as caught:
        probcover(replace(context, candidates=bare), 2, seed=0)
    assert (caught.value.argument, caught.value.got) == ("delta", "auto")
    assert caught.value.arguments == ("delta",)
