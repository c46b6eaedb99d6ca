"""Where a head's weights are fitted: features centred and scaled, then turned to what the labelled rows span.

Directions in which no labelled row differs from the labelled mean change no likelihood, so there the posterior is the
prior, exactly. With L labels of D features that leaves min(L, D) directions and the bias to fit, whatever D is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeadCoordinates:
    """From features [n, D] to the columns of a design: turned features, and ones for the bias. In float64."""

    origin: Tensor  # [D] the labelled rows' mean
    scale: Tensor  # [D] the pool's standard deviations
    basis: Tensor  # [D, R] orthonormal

    def design(self, features: Tensor) -> Tensor:
        """[n, D] -> [n, R + 1], the last column ones"""
        turned = ((features.double() - self.origin) / self.scale) @ self.basis
        return torch.cat([turned, torch.ones_like(turned[:, :1])], dim=1)

    def to_features(self, coefficients: Tensor) -> Tensor:
        """Coefficients as weights of the scaled features, and the bias below them.  [R + 1, M] -> [D + 1, M]"""
        return torch.cat([self.basis @ coefficients[:-1], coefficients[-1:]])

    def from_features(self, weights: Tensor, origin: Tensor, scale: Tensor) -> Tensor:
        """What of such weights, fitted about another origin and scale, lies within reach.  [D + 1, M] -> [R + 1, M]"""
        slopes = weights[:-1] / scale[:, None]  # of features as they are
        bias = weights[-1:] + (self.origin - origin) @ slopes
        return torch.cat([self.basis.T @ (slopes * self.scale[:, None]), bias])


def fit_coordinates(features: Tensor, sample_weight: Tensor, scale: Tensor) -> HeadCoordinates:
    """The coordinates that the labelled rows span, their principal directions.  [L, D], [L], [D]"""
    features = features.double()
    origin = sample_weight @ features / sample_weight.sum()
    centred = ((features - origin) / scale) * sample_weight.sqrt()[:, None]  # [L, D]
    few = len(centred) < centred.shape[1]
    span = torch.linalg.qr(centred.T).Q if few else torch.eye(centred.shape[1], dtype=torch.float64)  # [D, R]
    turned = centred @ span
    return HeadCoordinates(origin, scale, span @ torch.linalg.eigh(turned.T @ turned).eigenvectors)


def standard_deviations(features: Tensor) -> Tensor:
    """Standard deviation of each feature; 1 for one that is constant, which survives as it is.  [n, D] -> [D]"""
    features = features.double()
    deviation = features.std(0, correction=0)
    constant = deviation <= 1e-7 * features.abs().amax(0)  # float32's own rounding is 6e-8
    return torch.where(constant, 1.0, deviation)
