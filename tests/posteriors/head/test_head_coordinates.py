import torch
from head_problems import normals

from lindley.posteriors.head.head_coordinates import common_deviation, fit_coordinates, standard_deviations


def test_design_has_orthogonal_columns_and_keeps_lengths():
    features, weight = 3 + normals(20, 6), torch.rand(20, dtype=torch.float64) + 0.5
    scale = torch.rand(6, dtype=torch.float64) + 0.5
    coordinates = fit_coordinates(features, weight, scale)
    design = coordinates.design(features)
    gram = design.T @ (weight[:, None] * design)
    torch.testing.assert_close(gram, gram.diagonal().diag())
    mean = (weight @ features) / weight.sum()
    torch.testing.assert_close(design[:, :-1].norm(dim=1), ((features - mean) / scale).norm(dim=1))


def test_few_labels_need_few_columns_and_lose_nothing():
    features, one = normals(4, 50), torch.ones(50, dtype=torch.float64)
    coordinates = fit_coordinates(features, torch.ones(4, dtype=torch.float64), one)
    design = coordinates.design(features)
    assert design.shape == (4, 5)
    centred = features - features.mean(0)
    torch.testing.assert_close(design[:, :-1] @ design[:, :-1].T, centred @ centred.T)


def test_weights_of_features_give_the_logits_of_the_design():
    features, scale = normals(20, 6), torch.rand(6, dtype=torch.float64) + 0.5
    coordinates = fit_coordinates(features, torch.ones(20, dtype=torch.float64), scale)
    coefficients = normals(7, 2, seed=1)
    weights = coordinates.to_features(coefficients)
    new = normals(5, 6, seed=2)
    logits = (new - coordinates.origin) / scale @ weights[:-1] + weights[-1]
    torch.testing.assert_close(logits, coordinates.design(new) @ coefficients)


def test_weights_about_another_origin_are_the_same_function():
    features = normals(20, 6)
    here = fit_coordinates(features, torch.ones(20, dtype=torch.float64), torch.ones(6, dtype=torch.float64))
    there = fit_coordinates(
        1 + 2 * features, torch.ones(20, dtype=torch.float64), 3 * torch.ones(6, dtype=torch.float64)
    )
    coefficients = normals(7, 2, seed=1)
    moved = there.from_features(here.to_features(coefficients), here.origin, here.scale)
    new = normals(5, 6, seed=2)
    torch.testing.assert_close(there.design(new) @ moved, here.design(new) @ coefficients)


def test_spread_is_the_standard_deviation_and_leaves_constant_features():
    features = torch.tensor([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]])
    torch.testing.assert_close(standard_deviations(features), torch.tensor([1.0, (8 / 3) ** 0.5], dtype=torch.float64))


def test_common_deviation_is_the_root_mean_variance_of_the_features_that_vary():
    features = torch.tensor([[0.1, 1.0, 0.0], [0.1, 3.0, 2.0], [0.1, 5.0, 4.0]])
    features[:, 2] *= 2
    expected = ((8 / 3 + 4 * 8 / 3) / 2) ** 0.5
    torch.testing.assert_close(common_deviation(features), torch.full((3,), expected, dtype=torch.float64))
    constant = torch.ones(4, 2)
    torch.testing.assert_close(common_deviation(constant), torch.ones(2, dtype=torch.float64))


def test_common_deviation_turns_with_the_features():
    features = normals(50, 4) * torch.tensor([1.0, 3.0, 0.1, 2.0])
    turn = torch.linalg.qr(normals(4, 4, seed=2)).Q
    torch.testing.assert_close(common_deviation(features @ turn), common_deviation(features))
    assert not torch.allclose(standard_deviations(features @ turn), standard_deviations(features), rtol=0.1)
