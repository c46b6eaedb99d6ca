"""Against quadrature in one dimension, integration in two, and long chains where there are more weights than labels."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from head_problems import fitted, normals

from lindley.posteriors.head import variational_weights
from lindley.posteriors.head.gaussian_weights import FullGaussian
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, find_mode, label_curvature
from lindley.posteriors.head.variational_weights import fit_variational


def logistic(num_labels, num_columns, *, precision=0.3, seed=0):
    design = normals(num_labels, num_columns, seed=seed)
    classes = (design[:, 0] + 0.3 * normals(num_labels, seed=seed + 1) > 0).long()
    prior = torch.full((num_columns,), precision, dtype=torch.float64)
    return SoftmaxRegression(design, classes, torch.ones(num_labels, dtype=torch.float64), prior, 2)


def gaussians(problem):
    """Mean and covariance by the variational way, and by Laplace's."""
    mode = find_mode(problem, torch.zeros(problem.design.shape[1], 1, dtype=torch.float64))
    mean, curvature = fit_variational(problem, mode)
    by_mode = FullGaussian(problem, label_curvature(problem, mode)).covariance()
    return (mean[:, 0], FullGaussian(problem, curvature).covariance()), (mode[:, 0], by_mode)


@pytest.mark.parametrize(("num_labels", "prior_mean"), [(5, 0.0), (40, 0.0), (5, 2.0)])
def test_average_gradient_is_zero_and_average_curvature_the_precision(num_labels, prior_mean):
    """By Gauss-Hermite quadrature; 64 draws leave a twentieth of a standard deviation, a tenth of the precision."""
    problem = replace(logistic(num_labels, 1), prior_mean=torch.full((1, 1), prior_mean, dtype=torch.float64))
    (mean, covariance), _ = gaussians(problem)
    deviation = covariance[0, 0].sqrt()
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(60))
    places = (mean + deviation * nodes)[:, None, None]
    gradients = torch.stack([problem.gradient(place)[0, 0] for place in places])
    curvatures = torch.stack([label_curvature(problem, place)[:, 0, 0] @ problem.design[:, 0] ** 2 for place in places])
    weights = weights / weights.sum()
    assert abs(float(weights @ gradients) * deviation) < 0.05
    assert float(weights @ curvatures) + 0.3 == pytest.approx(1 / float(covariance[0, 0]), rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_nearer_to_the_posterior_than_laplace(seed):
    problem = logistic(10, 2, seed=seed)
    variational_one, by_mode = gaussians(problem)
    axis = torch.linspace(-14, 14, 281, dtype=torch.float64)
    places = torch.cartesian_prod(axis, axis)
    log_odds = math.sqrt(2) * places @ problem.design.T
    joint = torch.nn.functional.logsigmoid((1 - 2 * problem.classes.double()) * log_odds).sum(1)
    weight = (joint - 0.15 * places.square().sum(1)).softmax(0)
    mean = weight @ places
    exact = (weight[:, None] * (places - mean)).T @ (places - mean)

    def error(gaussian):
        return (gaussian[0] - mean).norm() / exact.diagonal().sum().sqrt()

    assert error(variational_one) < 0.1
    assert error(variational_one) < error(by_mode) / 4
    ratio = variational_one[1].diagonal() / exact.diagonal()
    assert 0.7 < ratio.min() <= ratio.max() < 1.1


def test_with_more_weights_than_labels_it_is_near_long_chains():
    """Laplace's draws are unsure of the very labels they were fitted to; those of 200 Metropolis chains are not."""
    problem = logistic(8, 12, precision=0.2)
    (mean, covariance), (mode, by_mode) = gaussians(problem)
    generator = torch.Generator().manual_seed(0)
    root = torch.linalg.cholesky(covariance)
    sign = 1 - 2 * problem.classes.double()

    def density(states):
        fits = torch.nn.functional.logsigmoid(sign * (math.sqrt(2) * states @ problem.design.T)).sum(1)
        return fits - 0.1 * states.square().sum(1)

    states = mean + torch.randn(200, 12, dtype=torch.float64, generator=generator) @ root.T
    kept = []
    for step in range(1500):
        moved = states + 0.6 * torch.randn(states.shape, dtype=torch.float64, generator=generator) @ root.T
        accept = torch.rand(200, generator=generator).log() < density(moved) - density(states)
        states = torch.where(accept[:, None], moved, states)
        if step >= 500 and step % 20 == 0:
            kept.append(states)
    truth = fit_of(torch.cat(kept), problem, sign)
    draws = {
        name: centre + torch.randn(4000, 12, dtype=torch.float64, generator=generator) @ torch.linalg.cholesky(spread).T
        for name, centre, spread in (("variational", mean, covariance), ("laplace", mode, by_mode))
    }
    assert fit_of(draws["variational"], problem, sign) == pytest.approx(truth, abs=0.03)
    assert fit_of(draws["laplace"], problem, sign) < truth - 0.08


def fit_of(states, problem, sign):
    """Average probability that coefficients give the labels they were fitted to."""
    return float((sign * (math.sqrt(2) * states @ problem.design.T)).sigmoid().mean())


def test_iterations_with_kronecker_end_near_those_with_all_of_the_covariance(monkeypatch):
    options = {"num_labels": 40, "num_features": 8, "num_classes": 4, "prior_precision": 1.0}
    exact = fitted(**options)
    monkeypatch.setattr(variational_weights, "ITERATE_FULL_LIMIT", 1)
    near = fitted(**options)
    assert near.gaussian.kind == "full"
    deviation = exact.gaussian.covariance().diagonal().sqrt()
    assert ((near.mean - exact.mean).T.flatten() / deviation).abs().max() < 0.45
    ratio = near.gaussian.covariance().diagonal().sqrt() / deviation
    assert 0.9 < ratio.min() <= ratio.max() < 1.1


def test_it_is_the_same_at_every_call_and_leaves_global_generators():
    problem = logistic(10, 2)
    before = torch.random.get_rng_state()
    first, second = gaussians(problem)[0], gaussians(problem)[0]
    assert torch.equal(first[0], second[0])
    assert torch.equal(torch.random.get_rng_state(), before)
