"""The coordinates of a head's weights: features centred, scaled, and turned to the directions of the labelled rows.

Directions in which no labelled row differs from the labelled mean change no likelihood, so there the posterior is the
prior, exactly. With L labels of D features that leaves min(L, D) directions and the bias to fit, whatever D is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeadCoordinates:
    """Coordinates that convert features [n, D] to a design: turned features, and ones for the bias, in float64."""

    origin: Tensor  # [D] the labelled rows' mean; without labels the pool's
    scale: Tensor  # [D] the units of the features, by standard deviations of the pool
    basis: Tensor  # [D, R] orthonormal

    def design(self, features: Tensor) -> Tensor:
        """Return the design of features: turned features, and a last column of ones.  [n, D] -> [n, R + 1]"""
        turned = ((features.double() - self.origin) / self.scale) @ self.basis
        return torch.cat([turned, turned.new_ones(len(turned), 1)], dim=1)

    def to_features(self, coefficients: Tensor, prior_mean: Tensor | None = None) -> Tensor:
        """Convert coefficients to weights of the scaled features, the bias below.  [R + 1, M] -> [D + 1, M]

        Args:
            coefficients: [R + 1, M].
            prior_mean: [D + 1, M], the weights in the directions in which no labelled row differs; None is 0.
        """
        slopes = self.basis @ coefficients[:-1]
        if prior_mean is not None:
            slopes = slopes + self.outside(prior_mean)
        return torch.cat([slopes, coefficients[-1:]])

    def outside(self, weights: Tensor) -> Tensor:
        """Return the part of weights, the bias left out, that changes no labelled row.  [D + 1, M] -> [D, M]"""
        return weights[:-1] - self.basis @ (self.basis.T @ weights[:-1])

    def from_unscaled(self, weights: Tensor) -> Tensor:
        """Convert weights of unscaled features to weights of scaled ones, with the bias at the origin below.

        Args:
            weights: [D, M], or [D + 1, M] with biases below.

        Returns:
            The weights, [D + 1, M].
        """
        slopes, bias = weights[: len(self.origin)], weights[len(self.origin) :]
        return torch.cat([slopes * self.scale[:, None], self.origin[None] @ slopes + bias.sum(0)])

    def from_features(self, weights: Tensor, origin: Tensor, scale: Tensor) -> Tensor:
        """Convert weights in other coordinates to coefficients in these, within the directions of the labelled rows.

        Args:
            weights: [D + 1, M], weights of scaled features, the bias below.
            origin: [D], the origin of the features that they belong to.
            scale: [D], the scale of these features.

        Returns:
            The coefficients, [R + 1, M].
        """
        slopes = weights[:-1] / scale[:, None]  # of unscaled features
        bias = weights[-1:] + (self.origin - origin) @ slopes
        return torch.cat([self.basis.T @ (slopes * self.scale[:, None]), bias])


def fit_coordinates(
    features: Tensor, sample_weight: Tensor, scale: Tensor, origin: Tensor | None = None
) -> HeadCoordinates:
    """Return the coordinates that the labelled rows span: their principal directions.

    Args:
        features: [L, D], of the labelled rows.
        sample_weight: [L], the weights of the labels.
        scale: [D], the units of the features.
        origin: [D], the origin where there are no labels.
    """
    features = features.double()
    if len(features) or origin is None:
        origin = sample_weight @ features / sample_weight.sum()
    centred = ((features - origin) / scale) * sample_weight.sqrt()[:, None]  # [L, D]
    few = len(centred) < centred.shape[1]
    span = torch.linalg.qr(centred.T).Q if few else torch.eye(centred.shape[1], dtype=torch.float64)  # [D, R]
    turned = centred @ span
    return HeadCoordinates(origin, scale, span @ torch.linalg.eigh(turned.T @ turned).eigenvectors)


def standard_deviations(features: Tensor) -> Tensor:
    """Standard deviation of each feature, and 1 for a constant one, which stays as it is.  [n, D] -> [D]"""
    features = features.double()
    deviation = features.std(0, correction=0)
    return torch.where(_is_constant(features, deviation), 1.0, deviation)


def common_deviation(features: Tensor) -> Tensor:
    """One deviation for all features, the root mean of the variances of those that vary.  [n, D] -> [D]

    Principal components, LSA and embeddings mean something by their variances: a unit for each of them would enlarge
    the directions of noise.
    """
    features = features.double()
    variance = features.var(0, correction=0)
    varying = variance[~_is_constant(features, variance.sqrt())]
    return torch.full_like(variance, float(varying.mean().sqrt()) if len(varying) else 1.0)


def _is_constant(features: Tensor, deviation: Tensor) -> Tensor:
    return deviation <= 1e-7 * features.abs().amax(0)  # float32's own rounding is 6e-8
