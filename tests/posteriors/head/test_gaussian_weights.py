from dataclasses import replace

import pytest
import torch
from head_problems import log_density, normals, regression, zeros

from lindley.errors import InputError
from lindley.posteriors.head import gaussian_weights
from lindley.posteriors.head.gaussian_weights import FullGaussian, KroneckerGaussian, build_gaussian, precision_matrix
from lindley.posteriors.head.head_coordinates import fit_coordinates
from lindley.posteriors.head.softmax_regression import find_mode, label_curvature


def by_columns(hessian):
    """[J, M, J, M] -> [M J, M J]"""
    num_columns, num_contrasts = hessian.shape[:2]
    return hessian.permute(1, 0, 3, 2).reshape(num_columns * num_contrasts, -1)


def all_noise(gaussian, problem):
    """What each unit of noise becomes: a square root of the covariance, in the order of its rows."""
    num_columns, num_contrasts = zeros(problem).shape
    units = torch.eye(num_columns * num_contrasts, dtype=torch.float64).view(-1, num_contrasts, num_columns).mT
    return gaussian.multiply_covariance_root(units).mT.flatten(1).T  # [M J, noise]


@pytest.mark.parametrize("num_classes", [2, 4])
def test_full_covariance_is_the_inverse_hessian_of_autograd(num_classes):
    problem = regression(num_classes=num_classes)
    at = find_mode(problem, zeros(problem))
    hessian = by_columns(torch.autograd.functional.hessian(lambda w: -log_density(problem, w), at))
    torch.testing.assert_close(precision_matrix(problem, label_curvature(problem, at)), hessian)
    torch.testing.assert_close(
        FullGaussian(problem, label_curvature(problem, at)).covariance(), torch.linalg.inv(hessian)
    )


@pytest.mark.parametrize("kind", [FullGaussian, KroneckerGaussian])
def test_coloured_noise_has_the_covariance(kind):
    problem = regression()
    gaussian = kind(problem, label_curvature(problem, find_mode(problem, zeros(problem))))
    root = all_noise(gaussian, problem)
    torch.testing.assert_close(root @ root.T, gaussian.covariance())


@pytest.mark.parametrize("kind", [FullGaussian, KroneckerGaussian])
def test_covariance_of_outputs_is_that_of_the_coefficients(kind):
    problem = regression()
    gaussian = kind(problem, label_curvature(problem, find_mode(problem, zeros(problem))))
    design = normals(3, 4, seed=5)
    covariance = gaussian.covariance().view(2, 4, 2, 4)
    torch.testing.assert_close(
        gaussian.output_covariance(design), torch.einsum("nj,ajbk,nk->nab", design, covariance, design)
    )


@pytest.mark.parametrize("kind", [FullGaussian, KroneckerGaussian])
def test_determinants_are_those_of_the_covariance(kind):
    problem = regression()
    gaussian = kind(problem, label_curvature(problem, find_mode(problem, zeros(problem))))
    expected = -torch.logdet(gaussian.covariance()) - 2 * problem.precision.log().sum()
    assert gaussian.log_det_ratio == pytest.approx(expected.item())
    assert gaussian.log_det_ratio > 0


def test_kronecker_is_exact_for_one_label():
    problem = replace(
        regression(num_labels=1), design=torch.tensor([[0.0, 2.0, 0.0, 0.0]], dtype=torch.float64)
    )  # along one column, as one row is in its principal directions
    at = find_mode(problem, zeros(problem))
    torch.testing.assert_close(
        KroneckerGaussian(problem, label_curvature(problem, at)).covariance(),
        FullGaussian(problem, label_curvature(problem, at)).covariance(),
    )


def test_kronecker_is_exact_where_all_labels_have_the_same_curvature():
    problem = regression(num_labels=9)
    features, weight = problem.design[:, :-1], problem.sample_weight
    coordinates = fit_coordinates(features, weight, torch.ones(3, dtype=torch.float64))
    problem = replace(problem, design=coordinates.design(features))
    at = zeros(problem)  # every prediction uniform
    at[-1] = torch.tensor([0.3, -1.0])  # or the same for all
    torch.testing.assert_close(
        KroneckerGaussian(problem, label_curvature(problem, at)).covariance(),
        FullGaussian(problem, label_curvature(problem, at)).covariance(),
    )


def test_kronecker_never_makes_the_determinant_smaller():
    """Hadamard's inequality: it keeps the Hessian's diagonal in another basis."""
    problem = regression(num_labels=40)
    at = find_mode(problem, zeros(problem))
    assert (
        KroneckerGaussian(problem, label_curvature(problem, at)).log_det_ratio
        > FullGaussian(problem, label_curvature(problem, at)).log_det_ratio
    )


def test_without_labels_that_matter_the_prior_is_left():
    problem = regression()
    problem = replace(problem, sample_weight=problem.sample_weight * 1e-14)
    for kind in (FullGaussian, KroneckerGaussian):
        expected = (1 / problem.precision).repeat(2).diag()
        torch.testing.assert_close(kind(problem, label_curvature(problem, zeros(problem))).covariance(), expected)


def test_float32_factor_of_large_ones_is_near_that_of_float64(monkeypatch):
    problem = regression(num_labels=200, num_features=30, num_classes=5, precision=0.5)
    at = find_mode(problem, zeros(problem))
    exact = FullGaussian(problem, label_curvature(problem, at))
    monkeypatch.setattr(gaussian_weights, "DOUBLE_LIMIT", 10)
    rounded = FullGaussian(problem, label_curvature(problem, at))
    noise = normals(20, 31, 4, seed=2)
    assert not torch.equal(rounded.multiply_covariance_root(noise), exact.multiply_covariance_root(noise))
    torch.testing.assert_close(
        rounded.multiply_covariance_root(noise), exact.multiply_covariance_root(noise), atol=1e-5, rtol=0
    )
    assert rounded.log_det_ratio == pytest.approx(exact.log_det_ratio, abs=1e-3)


def test_a_prior_too_weak_for_float32_is_factored_in_float64(monkeypatch):
    problem = regression(num_labels=3, num_features=8, precision=1e-9)
    problem = replace(problem, design=problem.design * 1e3)
    exact = FullGaussian(problem, label_curvature(problem, zeros(problem)))
    monkeypatch.setattr(gaussian_weights, "DOUBLE_LIMIT", 0)
    again = FullGaussian(problem, label_curvature(problem, zeros(problem)))
    assert again.log_det_ratio == pytest.approx(exact.log_det_ratio)


def test_auto_is_full_up_to_the_limit(monkeypatch):
    problem = regression()
    assert build_gaussian(problem, label_curvature(problem, zeros(problem))).kind == "full"
    monkeypatch.setattr(gaussian_weights, "FULL_LIMIT", 7)
    assert build_gaussian(problem, label_curvature(problem, zeros(problem))).kind == "kronecker"
    assert build_gaussian(problem, label_curvature(problem, zeros(problem)), "full").kind == "full"
    with pytest.raises(InputError) as caught:
        build_gaussian(problem, label_curvature(problem, zeros(problem)), "diagonal")
    assert (caught.value.argument, caught.value.got) == ("covariance", "diagonal")
