import math
from dataclasses import replace

import pytest
import torch
from head_problems import log_density, normals, regression, zeros

from lindley.errors import FitError
from lindley.posteriors.head.softmax_regression import (
    Curvature,
    DenseCurvatures,
    contrasts,
    eigen_curvature,
    find_mode,
    label_curvature,
    point_curvature,
)


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_contrasts_are_orthonormal_and_blind_to_a_constant(num_classes):
    basis = contrasts(num_classes)
    torch.testing.assert_close(basis.T @ basis, torch.eye(num_classes - 1, dtype=torch.float64))
    torch.testing.assert_close(basis.sum(0), torch.zeros(num_classes - 1, dtype=torch.float64))


def test_gradient_is_that_of_autograd():
    problem = regression()
    at = normals(4, 2, seed=3).requires_grad_()
    (gradient,) = torch.autograd.grad(log_density(problem, at), at)
    torch.testing.assert_close(problem.gradient(at.detach()), gradient)
    assert math.isclose(problem.log_density(at.detach()), log_density(problem, at).item())


def test_product_with_the_hessian_is_that_of_autograd():
    problem, at, direction = regression(), normals(4, 2, seed=3), normals(5, 4, 2, seed=4)
    hessian = torch.autograd.functional.hessian(lambda w: -log_density(problem, w), at)  # [J, M, J, M]
    expected = torch.einsum("jmab,nab->njm", hessian, direction)
    dense = Curvature(problem, DenseCurvatures(label_curvature(problem, at)))
    torch.testing.assert_close(dense.multiply(direction), expected)
    torch.testing.assert_close(point_curvature(problem, at).multiply(direction), expected)
    torch.testing.assert_close(point_curvature(problem, at).diagonal, dense.diagonal)


def test_curvature_along_its_directions_is_that_of_the_hessian():
    problem, at = regression(), normals(4, 2, seed=3)
    turn, curvature = eigen_curvature(problem, DenseCurvatures(label_curvature(problem, at)))
    hessian = torch.autograd.functional.hessian(lambda w: -log_density(problem, w), at)
    along = torch.einsum("jajb,am,bm->jm", hessian, turn, turn)
    torch.testing.assert_close(curvature + problem.precision[:, None], along)


def test_curvature_over_several_coefficients_is_their_average():
    problem, several = regression(), normals(5, 4, 2, seed=3)
    each = torch.stack([label_curvature(problem, one) for one in several])
    torch.testing.assert_close(label_curvature(problem, several), each.mean(0))


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_the_most_probable_weights_are_a_stationary_point(num_classes):
    problem = regression(num_labels=30, num_classes=num_classes)
    assert problem.gradient(find_mode(problem, zeros(problem))).abs().max() < 1e-5
    tight = find_mode(problem, zeros(problem), gap=1e-22)
    assert problem.gradient(tight).abs().max() < 1e-10


def test_the_start_makes_no_difference():
    problem = regression(num_labels=30)
    far = find_mode(problem, 20 * normals(4, 2, seed=9), gap=1e-20)
    torch.testing.assert_close(far, find_mode(problem, zeros(problem), gap=1e-20))


def test_two_classes_are_logistic_regression():
    problem = regression(num_labels=30, num_classes=2)
    found = find_mode(problem, zeros(problem), gap=1e-22)
    slope = (found @ problem.contrasts.T) @ torch.tensor([-1.0, 1.0], dtype=torch.float64)  # of the log odds
    residual = problem.sample_weight * (problem.classes.double() - (problem.design @ slope).sigmoid())
    # Weights of two classes of variance 1/λ each: log odds have twice that.
    torch.testing.assert_close(problem.design.T @ residual, problem.precision / 2 * slope)


@pytest.mark.parametrize("precision", [1e-8, 1e-3])
def test_separable_labels_have_finite_weights(precision):
    problem = regression(num_labels=2, num_features=5, precision=precision)
    problem = replace(problem, classes=torch.tensor([0, 1]))
    found = find_mode(problem, zeros(problem))
    assert found.isfinite().all()
    assert problem.gradient(found).abs().max() < 1e-5


def test_features_that_overflow_are_an_error():
    problem = regression()
    problem = replace(problem, design=problem.design * 1e308)
    with pytest.raises(FitError) as caught:
        find_mode(problem, zeros(problem))
    assert caught.value.step
