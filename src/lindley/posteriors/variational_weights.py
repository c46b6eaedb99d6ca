"""The Gaussian nearest to the posterior of a softmax regression, by Kullback and Leibler's divergence KL(q | p).

Laplace's Gaussian has the curvature of the most probable weights, where labels that are fitted well hardly curve the
density: with more weights than labels it is far too wide. Here gradient and curvature are averages over q itself,
    E_q[∇ log p] = 0 and precision = -E_q[∇² log p],
whose solution maximises the evidence lower bound. Source: Opper and Archambeau 2009, "The variational Gaussian
approximation revisited"; the averages are over antithetic draws of a fixed seed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.posteriors.gaussian_weights import GaussianWeights, KroneckerGaussian, gaussian_of, is_full
from lindley.posteriors.softmax_regression import Curvature, SoftmaxRegression, label_curvature
from lindley.seeds import torch_generator

ITERATE_FULL_LIMIT = 1000
"""Coefficients up to which every iteration has the full covariance; above they have Kronecker's, the last excepted."""
_NUM_ITERATIONS = 12
_NUM_PAIRS = 32


def variational(
    regression: SoftmaxRegression, most_probable: Tensor, covariance: str = "auto"
) -> tuple[Tensor, Tensor]:
    """Mean and curvatures of the labels' losses, from the most probable coefficients.  [J, M] -> [J, M], [L, M, M]

    Newton's steps for the mean, damped fixed-point steps for the curvatures, a fixed number of both: what is left to
    gain after them changes predictions less than Kronecker's covariance in the iterations does (measured).
    """
    half = torch.randn(
        _NUM_PAIRS, *most_probable.shape, generator=torch_generator(0, "variational noise"), dtype=torch.float64
    )
    noise = torch.cat([half, -half])  # [S, J, M]
    full = is_full(regression, covariance)
    small = full and most_probable.numel() <= ITERATE_FULL_LIMIT
    # From the narrow side: half the identity bounds the curvature of any softmax (Böhning 1992), and from a Gaussian
    # that is too wide the first steps overshoot.
    num_contrasts = most_probable.shape[1]
    curvature = torch.eye(num_contrasts, dtype=torch.float64).repeat(len(regression.design), 1, 1) / 2
    mean = most_probable
    for _ in range(_NUM_ITERATIONS):
        gaussian: GaussianWeights = (
            gaussian_of(regression, curvature, covariance) if small else KroneckerGaussian(regression, curvature)
        )
        draws = mean + gaussian.coloured(noise)
        curvature = (curvature + label_curvature(regression, draws)) / 2
        mean = mean + Curvature(regression, curvature).solve(mean_gradient(regression, draws))
    return mean, curvature


def mean_gradient(regression: SoftmaxRegression, draws: Tensor) -> Tensor:
    """Of the log posterior, averaged over coefficients.  [S, J, M] -> [J, M]"""
    basis = regression.contrasts
    logits = torch.einsum("lj,sjm,cm->lcs", regression.design, draws, basis)
    residual = -logits.softmax(1).mean(2)  # [L, C]
    residual[torch.arange(len(residual)), regression.classes] += 1
    pulled = regression.design.T @ (regression.importance[:, None] * (residual @ basis))
    return pulled - regression.precision[:, None] * draws.mean(0)
