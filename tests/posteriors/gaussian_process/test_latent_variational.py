import math

import pytest
import torch
from latent_problems import dense_covariance, dense_curvature, problem

from lindley.posteriors.gaussian_process.latent_laplace import Curvature, find_mode
from lindley.posteriors.gaussian_process.latent_variational import BlockCurvature, fit_variational
from lindley.posteriors.head.softmax_regression import contrasts


def of_softmax(classifier, values):
    """Laplace's curvature, in contrasts."""
    basis, probs = contrasts(3), values.softmax(1)
    return torch.stack(
        [w * basis.T @ (p.diag() - p.outer(p)) @ basis for w, p in zip(classifier.sample_weight, probs, strict=True)]
    )


def test_products_are_those_of_laplaces_curvature_where_it_is_that():
    classifier, _ = problem()
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    given = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    one = BlockCurvature(classifier.covariance, of_softmax(classifier, values))
    other = Curvature(classifier, values)
    torch.testing.assert_close(one.multiply(given), other.multiply(given))
    torch.testing.assert_close(one.solve_newton_system(given), other.solve_newton_system(given))


def test_marginals_and_noise_are_those_of_the_dense_matrices():
    classifier, _ = problem()
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    curvature = BlockCurvature(classifier.covariance, of_softmax(classifier, values))
    dense, prior = dense_curvature(classifier, values), dense_covariance(classifier.covariance, 3)
    covariance = prior @ torch.linalg.inv(torch.eye(21, dtype=torch.float64) + dense @ prior)
    basis = contrasts(3)
    for label, found in enumerate(curvature.marginal_covariances()):
        block = covariance[3 * label : 3 * label + 3, 3 * label : 3 * label + 3]
        torch.testing.assert_close(found, basis.T @ block @ basis)
    root = curvature.multiply_root(torch.eye(21, dtype=torch.float64).view(21, 7, 3)).flatten(1).T
    torch.testing.assert_close(root @ root.T, dense)


def test_residual_and_curvature_are_averages_over_the_gaussian_itself():
    classifier, _ = problem(amplitude=4.0)
    coefficients, curvature = fit_variational(classifier, find_mode(classifier))
    basis = contrasts(3)
    factor = torch.linalg.cholesky(BlockCurvature(classifier.covariance, curvature).marginal_covariances())
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = (classifier.covariance @ coefficients)[:, None] + noise @ (basis @ factor).mT  # [L, S, C]
    probs = values.softmax(2)
    residual = classifier.sample_weight[:, None] * (torch.eye(3)[classifier.classes] - probs.mean(1))
    assert (residual - coefficients).abs().max() < 0.03
    spread = torch.einsum("lsc,ca,cb->lab", probs, basis, basis) / 20_000
    spread -= torch.einsum("lsa,lsb->lab", probs @ basis, probs @ basis) / 20_000
    assert (classifier.sample_weight[:, None, None] * spread - curvature).abs().max() < 0.03


def sample(classifier, chains=400, steps=400):
    """Latent values by elliptical slice sampling, chains side by side (Murray et al. 2010).  -> [S, L, C]"""
    generator = torch.Generator().manual_seed(0)
    num_labels, num_classes = len(classifier.classes), classifier.num_classes
    root = torch.linalg.cholesky(classifier.covariance + 1e-8 * torch.eye(num_labels, dtype=torch.float64))

    def prior():
        return root @ torch.randn(chains, num_labels, num_classes, generator=generator, dtype=torch.float64)

    def likelihood(values):
        chosen = values.log_softmax(2)[:, torch.arange(num_labels), classifier.classes]
        return chosen @ classifier.sample_weight

    def uniform():
        return torch.rand(chains, generator=generator, dtype=torch.float64)

    values, kept = prior(), []
    for step in range(steps):
        level, ellipse = likelihood(values) + uniform().log(), prior()
        angle = 2 * math.pi * uniform()
        low, high = angle - 2 * math.pi, angle.clone()
        while True:
            moved = values * angle.cos()[:, None, None] + ellipse * angle.sin()[:, None, None]
            outside = likelihood(moved) < level
            if not outside.any():
                break
            low, high = torch.where(outside & (angle < 0), angle, low), torch.where(outside & (angle >= 0), angle, high)
            angle = torch.where(outside, low + (high - low) * uniform(), angle)
        values = moved
        if step >= 100 and step % 10 == 0:
            kept.append(values)
    return torch.cat(kept)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_predictions_at_the_labels_are_near_those_of_long_sampling(num_classes):
    classifier, _ = problem(amplitude=4.0, num_classes=num_classes)
    truth = sample(classifier).softmax(2).mean(0)  # [L, C]
    mode, basis = find_mode(classifier), contrasts(num_classes)
    noise = torch.randn(20_000, num_classes - 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def predicted(coefficients, curvature):
        factor = torch.linalg.cholesky(BlockCurvature(classifier.covariance, curvature).marginal_covariances())
        values = (classifier.covariance @ coefficients)[:, None] + noise @ (basis @ factor).mT
        return values.softmax(2).mean(1)

    found = predicted(*fit_variational(classifier, mode))
    probs = (classifier.covariance @ mode).softmax(1)
    laplace = torch.stack(
        [w * basis.T @ (p.diag() - p.outer(p)) @ basis for w, p in zip(classifier.sample_weight, probs, strict=True)]
    )
    off, off_laplace = (found - truth).abs().max(), (predicted(mode, laplace) - truth).abs().max()
    assert off < 0.03
    assert off_laplace > 2 * off
