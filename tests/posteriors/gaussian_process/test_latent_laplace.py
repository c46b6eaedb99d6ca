import math

import pytest
import torch
from latent_problems import dense_covariance, dense_curvature, problem

from lindley.errors import FitError
from lindley.posteriors.gaussian_process import latent_laplace
from lindley.posteriors.gaussian_process.latent_laplace import Curvature, LatentClassifier, find_mode


def test_at_the_mode_coefficients_are_the_likelihoods_derivative():
    classifier, _ = problem()
    mode = find_mode(classifier)
    values = (classifier.covariance @ mode).requires_grad_()
    chosen = values.log_softmax(1)[torch.arange(7), classifier.classes]
    (classifier.sample_weight @ chosen).backward()
    torch.testing.assert_close(mode, values.grad, atol=1e-6, rtol=1e-6)


def test_the_mode_is_found_from_anywhere_and_for_steep_priors():
    classifier, _ = problem(amplitude=30.0)
    far = 5 * torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(find_mode(classifier, far), find_mode(classifier), atol=1e-6, rtol=1e-6)


def test_products_with_the_curvature_are_those_of_the_dense_matrices():
    classifier, _ = problem()
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    given = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    curvature, dense = Curvature(classifier, values), dense_curvature(classifier, values)
    prior = dense_covariance(classifier.covariance, 3)
    identity = torch.eye(21, dtype=torch.float64)
    columns = given.flatten(1).T
    torch.testing.assert_close(curvature.multiply(given).flatten(1).T, dense @ columns)
    torch.testing.assert_close(
        curvature.solve_newton_system(given).flatten(1).T, torch.linalg.solve(identity + dense @ prior, columns)
    )
    torch.testing.assert_close(curvature.log_det_ratio(), torch.logdet(identity + prior @ dense))


def test_noise_has_the_covariance_of_the_curvature():
    classifier, _ = problem()
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    curvature = Curvature(classifier, values)
    unit = torch.eye(21, dtype=torch.float64).view(21, 7, 3)
    root = curvature.multiply_root(unit).flatten(1).T
    torch.testing.assert_close(root @ root.T, dense_curvature(classifier, values))


def test_evidence_is_laplaces_of_the_dense_matrices():
    classifier, _ = problem()
    mode = find_mode(classifier)
    values = classifier.covariance @ mode
    prior = dense_covariance(classifier.covariance, 3)
    likelihood = classifier.sample_weight @ values.log_softmax(1)[torch.arange(7), classifier.classes]
    quadratic = values.flatten() @ torch.linalg.solve(prior, values.flatten()) / 2
    determinant = torch.logdet(torch.eye(21, dtype=torch.float64) + prior @ dense_curvature(classifier, values)) / 2
    torch.testing.assert_close(classifier.log_evidence(mode), likelihood - quadratic - determinant)


def test_evidence_of_one_label_of_two_classes_is_near_the_integral():
    covariance = torch.tensor([[0.5]], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    classifier = LatentClassifier(covariance, torch.tensor([1]), one, 2)
    assert float(classifier.log_evidence(find_mode(classifier))) == pytest.approx(math.log(0.5), abs=0.02)


def test_a_search_that_does_not_end_says_so(monkeypatch):
    monkeypatch.setattr(latent_laplace, "_MAX_NEWTON_STEPS", 1)
    with pytest.raises(FitError) as caught:
        find_mode(problem()[0])
    assert caught.value.step == 1
