"""Stationary kernels of unit variance, and functions drawn from Gaussian processes with these covariances.

Source: Rasmussen and Williams 2006, ch. 4.2; Rahimi and Recht 2007, "Random features for large-scale kernel machines".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.noise import torch_generator

_MIN_SQUARED_DISTANCE = 1e-24
"""The smallest squared distance: its square root has a derivative."""


def _rbf(squared: Tensor) -> Tensor:
    return (-squared / 2).exp()


def _matern32(squared: Tensor) -> Tensor:
    far = (3 * squared.clamp_min(_MIN_SQUARED_DISTANCE)).sqrt()
    return (1 + far) * (-far).exp()


def _matern52(squared: Tensor) -> Tensor:
    far = (5 * squared.clamp_min(_MIN_SQUARED_DISTANCE)).sqrt()
    return (1 + far + far.square() / 3) * (-far).exp()


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"rbf": _rbf, "matern-3/2": _matern32, "matern-5/2": _matern52}
"""Correlations of function values, as functions of the squared distance in lengthscales."""
_DEGREES = {"matern-3/2": 3, "matern-5/2": 5}


def correlation(kernel: str, one: Tensor, other: Tensor) -> Tensor:
    """Correlation of function values at inputs: 1 where they are the same.  -> [n, m]

    Args:
        kernel: One of KERNELS.
        one: [n, D], in lengthscales.
        other: [m, D], in lengthscales.
    """
    squared = one.square().sum(1)[:, None] + other.square().sum(1) - 2 * one @ other.T
    return KERNELS[kernel](squared.clamp_min(0.0))


@dataclass(frozen=True)
class RandomFeatures:
    """2F functions of inputs whose sum under standard normal weights is nearly a draw from the prior.

    At each input the variance is exactly 1; correlations are off by about 1 / sqrt(2F).
    """

    frequencies: Tensor  # [D, F] per lengthscale

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the features of inputs.  [n, D] in lengthscales -> [n, 2F]"""
        angles = inputs @ self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1) / math.sqrt(self.frequencies.shape[1])


def random_features(kernel: str, num_inputs: int, num_frequencies: int, *, seed: int) -> RandomFeatures:
    """Draw frequencies from the kernel's spectral density: normal for "rbf", Student's t for a Matérn kernel.

    Args:
        kernel: One of KERNELS.
        num_inputs: D.
        num_frequencies: F.
        seed: Seed of the frequencies.
    """
    generator = torch_generator(seed, "frequencies")
    frequencies = torch.randn(num_inputs, num_frequencies, generator=generator, dtype=torch.float64)
    if kernel in _DEGREES:
        degrees = _DEGREES[kernel]
        chi_squared = torch.randn(degrees, num_frequencies, generator=generator, dtype=torch.float64).square().sum(0)
        frequencies = frequencies * (degrees / chi_squared).sqrt()
    return RandomFeatures(frequencies)


@dataclass(frozen=True)
class PathwiseFunctions:
    """J functions, each a draw from the prior and its update by labelled inputs; all in float64.

    x -> φ(x) w + k(x, X) v, where w are standard normal and v corrects the prior draw at X (Matheron's rule). A
    function has one value per input, whatever else is predicted with it.
    Source: Wilson et al. 2020, arXiv:2002.09309; 2021, arXiv:2011.04026.
    """

    kernel: str
    features: RandomFeatures
    weights: Tensor  # [2F, J] w, times the amplitude
    labelled_inputs: Tensor  # [L, D] X, in lengthscales
    updates: Tensor  # [L, J] v, times the squared amplitude

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the values of the functions.  [n, D] in lengthscales -> [n, J]"""
        known = correlation(self.kernel, inputs, self.labelled_inputs)
        return torch.addmm(self.features(inputs) @ self.weights, known, self.updates)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the tensors that determine the values, beside the kernel."""
        return self.features.frequencies, self.weights, self.labelled_inputs, self.updates

    def to_device(self, device: str) -> PathwiseFunctions:
        """Return the same functions on another device."""
        frequencies, weights, labelled, updates = (tensor.to(device) for tensor in self.tensors())
        return PathwiseFunctions(self.kernel, RandomFeatures(frequencies), weights, labelled, updates)
