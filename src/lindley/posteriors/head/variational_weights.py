"""The Gaussian nearest to the posterior of a softmax regression, by Kullback and Leibler's divergence KL(q | p).

Laplace's Gaussian has the curvature of the most probable weights, where labels that are fitted well hardly curve the
density: with more weights than labels it is far too wide. In this fit, gradient and curvature are averages over q,
    E_q[∇ log p] = 0 and precision = -E_q[∇² log p],
whose solution maximises the evidence lower bound. Source: Opper and Archambeau 2009, "The variational Gaussian
approximation revisited"; the averages are over antithetic draws of a fixed seed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.noise import torch_generator
from lindley.posteriors.head.gaussian_weights import GaussianWeights, KroneckerGaussian, build_gaussian, is_full
from lindley.posteriors.head.softmax_regression import (
    Curvature,
    DenseCurvatures,
    SoftmaxRegression,
    label_probs,
    probs_curvature,
)

ITERATE_FULL_LIMIT = 1000
"""Coefficients up to which every iteration uses the full covariance; above, all but the last use Kronecker's."""
_NUM_ITERATIONS = 12
_NUM_DRAWS = 64
_NUM_DRAWS_ABOVE = 32


def fit_variational(regression: SoftmaxRegression, mode: Tensor, covariance: str = "auto") -> tuple[Tensor, Tensor]:
    """Fit the mean [J, M] and the curvatures of the labels' losses [L, M, M].

    The fit takes Newton's steps for the mean and damped fixed-point steps for the curvatures, a fixed number of both:
    further steps change predictions less than Kronecker's covariance in the iterations does (measured).

    Args:
        regression: The regression.
        mode: [J, M], the most probable coefficients.
        covariance: One of gaussian_weights.COVARIANCES.
    """
    full = is_full(regression, covariance)
    small = full and mode.numel() <= ITERATE_FULL_LIMIT
    noise = _antithetic_noise(mode, _NUM_DRAWS if small else _NUM_DRAWS_ABOVE)  # [S, J, M]
    # From the narrow side: half the identity bounds the curvature of any softmax (Böhning 1992), and from a Gaussian
    # that is too wide the first steps overshoot.
    num_contrasts = mode.shape[1]
    curvature = torch.eye(num_contrasts, dtype=torch.float64).repeat(len(regression.design), 1, 1) / 2
    mean = mode
    for _ in range(_NUM_ITERATIONS):
        gaussian: GaussianWeights = (
            build_gaussian(regression, curvature, covariance) if small else KroneckerGaussian(regression, curvature)
        )
        draws = mean + gaussian.multiply_covariance_root(noise)
        probs = label_probs(regression, draws)  # [L, C, S]
        curvature = (curvature + probs_curvature(regression, probs)) / 2
        mean = mean + Curvature(regression, DenseCurvatures(curvature)).solve(
            _mean_gradient(regression, probs.mean(2), mean)
        )
    return mean, curvature


def _antithetic_noise(like: Tensor, num_draws: int) -> Tensor:
    generator = torch_generator(0, "variational noise")
    half = torch.randn(num_draws // 2, *like.shape, generator=generator, dtype=like.dtype)
    return torch.cat([half, -half])


def _mean_gradient(regression: SoftmaxRegression, probs: Tensor, mean: Tensor) -> Tensor:
    """Average gradient of the log posterior, from average predictions.  [L, C], [J, M] -> [J, M]"""
    residual = -probs  # [L, C]
    residual[torch.arange(len(residual)), regression.classes] += 1
    pulled = regression.design.T @ (regression.sample_weight[:, None] * (residual @ regression.contrasts))
    return pulled - regression.precision[:, None] * (mean - regression.prior_mean)
