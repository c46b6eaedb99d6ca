"""The latent functions of a fitted Gaussian process classifier: sampled by Matheron's rule, and their mean.

Source: Wilson et al. 2021, arXiv:2011.04026, with a Gaussian of the labelled values in place of Gaussian noise. The
prior's covariance is not inverted: a prior draw f is corrected by (I + W K)⁻¹ (W f + noise of covariance W).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.noise import torch_generator
from lindley.posteriors.gaussian_process.kernel_evidence import Hyperparameters
from lindley.posteriors.gaussian_process.kernels import PathwiseFunctions, RandomFeatures, random_features
from lindley.posteriors.gaussian_process.latent_laplace import Curvature, LatentClassifier
from lindley.posteriors.gaussian_process.latent_variational import BlockCurvature


@dataclass(frozen=True)
class GaussianProcessFit:
    """Labelled inputs in the pool's standard deviations about an origin, and the Gaussian of their latent values."""

    kernel: str
    frequencies: int
    inputs: Tensor  # [L, D]
    origin: Tensor  # [D]
    scale: Tensor  # [D]
    parameters: Hyperparameters
    classifier: LatentClassifier
    coefficients: Tensor  # [L, C] K⁻¹ times the mean of the latent values
    curvature: Tensor | None  # [L, C - 1, C - 1] W in contrasts; None: Laplace's

    @property
    def inputs_in_lengthscales(self) -> Tensor:
        """The labelled inputs, in lengthscales.  [L, D]"""
        return self.inputs / self.parameters.lengthscales

    def build_functions(self, features: RandomFeatures, weights: Tensor, updates: Tensor) -> PathwiseFunctions:
        """Return J C latent functions, class after class.

        Args:
            features: The random features of the prior.
            weights: [J, 2F, C], their standard normal weights.
            updates: [J, L, C], the updates by the labels, as coefficients a.
        """
        amplitude = self.parameters.amplitude
        return PathwiseFunctions(
            self.kernel,
            features,
            amplitude * weights.permute(1, 2, 0).flatten(1),
            self.inputs_in_lengthscales,
            amplitude**2 * updates.permute(1, 2, 0).flatten(1),
        )

    def sample(self, num_draws: int, *, seed: int) -> PathwiseFunctions:
        """Sample latent functions: column c K + k is class c of draw k, the same function whatever num_draws is."""
        features = random_features(self.kernel, self.inputs.shape[1], self.frequencies, seed=seed)
        num_labels, num_classes = self.coefficients.shape
        shape = 2 * self.frequencies + num_labels, num_classes
        noise = torch.stack(
            [
                torch.randn(shape, generator=torch_generator(seed, "latent functions", draw), dtype=torch.float64)
                for draw in range(num_draws)
            ]
        )  # [K, 2F + L, C]
        weights, at_labels = noise[:, : 2 * self.frequencies], noise[:, 2 * self.frequencies :]
        prior = self.parameters.amplitude * torch.einsum("lf,kfc->klc", features(self.inputs_in_lengthscales), weights)
        curvature: Curvature | BlockCurvature
        if self.curvature is None:
            curvature = Curvature(self.classifier, self.classifier.covariance @ self.coefficients)
        else:
            curvature = BlockCurvature(self.classifier.covariance, self.curvature)
        missed = curvature.multiply(prior) + curvature.multiply_root(at_labels)  # W (f + ε), where ε has covariance W⁻¹
        return self.build_functions(features, weights, self.coefficients - curvature.solve_newton_system(missed))

    def mean(self) -> PathwiseFunctions:
        """Return the mean of the latent functions."""
        features = random_features(self.kernel, self.inputs.shape[1], 1, seed=0)
        weights = torch.zeros(1, 2, self.coefficients.shape[1], dtype=torch.float64)
        return self.build_functions(features, weights, self.coefficients[None])
