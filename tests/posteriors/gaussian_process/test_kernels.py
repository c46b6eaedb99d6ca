import math

import pytest
import torch

from lindley.posteriors.gaussian_process.kernels import KERNELS, PathwiseFunctions, correlation, random_features

POINTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("rbf", lambda r: math.exp(-(r**2) / 2)),
        ("matern-3/2", lambda r: (1 + math.sqrt(3) * r) * math.exp(-math.sqrt(3) * r)),
        ("matern-5/2", lambda r: (1 + math.sqrt(5) * r + 5 * r**2 / 3) * math.exp(-math.sqrt(5) * r)),
    ],
)
def test_correlations_are_those_of_the_books(kernel, expected):
    found = correlation(kernel, POINTS, POINTS)
    for i in range(6):
        for j in range(6):
            assert found[i, j].item() == pytest.approx(expected((POINTS[i] - POINTS[j]).norm().item()), abs=1e-9)


@pytest.mark.parametrize("kernel", KERNELS)
def test_correlations_have_derivatives_also_where_inputs_are_the_same(kernel):
    scale = torch.ones(3, dtype=torch.float64, requires_grad=True)
    correlation(kernel, POINTS / scale, POINTS / scale).sum().backward()
    assert scale.grad.isfinite().all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_random_features_have_the_kernel_as_their_product_and_variance_one(kernel):
    features = random_features(kernel, 3, 20_000, seed=0)(POINTS)
    product = features @ features.T
    torch.testing.assert_close(product.diagonal(), torch.ones(6, dtype=torch.float64))
    assert (product - correlation(kernel, POINTS, POINTS)).abs().max() < 0.03


@pytest.mark.parametrize("kernel", KERNELS)
def test_functions_through_noisy_values_have_the_exact_posterior_of_regression(kernel):
    """Many functions, each led through its own noisy copy of the targets: mean and covariance in closed form.

    Of many random features few functions each, as one set's correlations are a little off.
    """
    labelled, points, noise, sets = POINTS[:4], POINTS[3:] + 0.3, 0.3, 200
    targets = torch.tensor([1.0, -2.0, 0.5, 1.5], dtype=torch.float64)
    known = correlation(kernel, labelled, labelled) + noise**2 * torch.eye(4, dtype=torch.float64)
    generator = torch.Generator().manual_seed(2)
    values = []
    for seed in range(sets):
        features = random_features(kernel, 3, 50, seed=seed)
        weights = torch.randn(100, 100, generator=generator, dtype=torch.float64)
        errors = noise * torch.randn(4, 100, generator=generator, dtype=torch.float64)
        updates = torch.linalg.solve(known, targets[:, None] - features(labelled) @ weights - errors)
        values.append(PathwiseFunctions(kernel, features, weights, labelled, updates)(points))  # [3, J]
    found = torch.cat(values, dim=1)
    crossed = correlation(kernel, points, labelled)
    mean = crossed @ torch.linalg.solve(known, targets)
    covariance = correlation(kernel, points, points) - crossed @ torch.linalg.solve(known, crossed.T)
    assert (found.mean(1) - mean).abs().max() < 4 / found.shape[1] ** 0.5
    assert (found.cov() - covariance).abs().max() < 6 / found.shape[1] ** 0.5
