"""The fit of a Bayesian head: its prior by evidence, its most probable weights, and a Gaussian posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lindley.posteriors.head.gaussian_weights import GaussianWeights, build_gaussian
from lindley.posteriors.head.head_coordinates import HeadCoordinates, fit_coordinates
from lindley.posteriors.head.log_determinant import log_det_ratio
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, find_mode, label_curvature
from lindley.posteriors.head.variational_weights import fit_variational
from lindley.shapes import ClassIndices, LabelledFeatures, Scores

APPROXIMATIONS = ("variational", "laplace")
BIAS_PRECISION = 0.1
"""The prior precision of the biases: a standard deviation of 3.2 nats."""
_MAX_EXPONENT_SHIFT = 10
"""The prior precision is searched from D / 2^10 to D 2^10: logits with a standard deviation of 32 to 1 / 32 nats."""
_ROUGH_GAP = 1e-6
"""Nats that may be left to gain while priors are compared."""


@dataclass(frozen=True)
class HeadFit:
    """A softmax regression on features, its most probable coefficients, and the Gaussian that stands for its posterior.

    Laplace's Gaussian lies about the most probable coefficients; the variational one has a mean of its own.
    """

    regression: SoftmaxRegression
    coordinates: HeadCoordinates
    coefficients: Tensor  # [J, M]
    mean: Tensor  # [J, M]
    curvature: Tensor  # [L, M, M]
    gaussian: GaussianWeights
    prior_precision: float

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood of the labels by Laplace's approximation, in nats."""
        return log_evidence(self.regression, self.coefficients)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the most probable head without it, approximately.  [L] nats

        One Newton step from the fit on all labels, in closed form; the prior's precision, centre and scales stay.
        Source: Rad and Maleki 2020, arXiv:1801.10243 (ALO).
        """
        regression = self.regression
        log_probs = regression.log_probs(self.coefficients)  # [L, C]
        probs, basis, sample_weight = log_probs.exp(), regression.contrasts, regression.sample_weight[:, None]
        residual = sample_weight * (probs - nn.functional.one_hot(regression.classes, regression.num_classes))
        curvature = label_curvature(regression, self.coefficients)  # [L, M, M]
        laplace = build_gaussian(regression, curvature, self.gaussian.kind)
        covariance = laplace.output_covariance(regression.design)  # [L, M, M]
        leverage = covariance @ (sample_weight[:, :, None] * curvature)  # [L, M, M]
        residual_maker = torch.eye(basis.shape[1], dtype=torch.float64) - leverage
        shift = torch.linalg.solve(residual_maker, covariance @ (residual @ basis)[:, :, None])[:, :, 0]  # [L, M]
        without: Tensor = (log_probs + shift @ basis.T).log_softmax(1)
        return without[torch.arange(len(without)), regression.classes]


def fit_head(
    features: LabelledFeatures,
    classes: ClassIndices,
    *,
    num_classes: int,
    scale: Tensor,
    sample_weight: Tensor | None = None,
    prior_precision: float | str = "evidence",
    bias_precision: float = BIAS_PRECISION,
    covariance: str = "auto",
    approximation: str = "variational",
    previous: HeadFit | None = None,
) -> HeadFit:
    """Fit a head to features.

    Args:
        features: [L, D], of the labelled rows.
        classes: [L], their classes.
        num_classes: C.
        scale: [D], the units of the features.
        sample_weight: [L], the weights of the labels' losses; None weighs them equally.
        prior_precision: That of the weights, or "evidence" for the power of two of the largest evidence.
        bias_precision: The prior precision of the biases.
        covariance: One of gaussian_weights.COVARIANCES.
        approximation: One of APPROXIMATIONS.
        previous: A fit from which the searches for the prior and for the most probable weights start.
    """
    sample_weight = torch.ones(len(classes), dtype=torch.float64) if sample_weight is None else sample_weight
    coordinates = fit_coordinates(features, sample_weight, scale)
    design = coordinates.design(features)
    precision = torch.full((design.shape[1],), bias_precision, dtype=torch.float64)
    regression = SoftmaxRegression(design, classes, sample_weight, precision, num_classes)
    start = _initial_coefficients(coordinates, num_classes, previous)
    if isinstance(prior_precision, str):
        start_precision = None if previous is None else previous.prior_precision
        prior_precision, start = _maximise_evidence(regression, features.shape[1], start, start_precision)
    regression = _replace_prior_precision(regression, prior_precision)
    coefficients = find_mode(regression, start)
    if approximation == "variational":
        mean, curvature = fit_variational(regression, coefficients, covariance)
    else:
        mean, curvature = coefficients, label_curvature(regression, coefficients)
    gaussian = build_gaussian(regression, curvature, covariance)
    return HeadFit(regression, coordinates, coefficients, mean, curvature, gaussian, prior_precision)


def log_evidence(regression: SoftmaxRegression, coefficients: Tensor) -> float:
    """log ∫ p(classes | W) p(W) dW by Laplace's approximation at the most probable W, in nats.

    The determinant is exact up to log_determinant.EXACT_LIMIT coefficients, and estimated above.
    """
    return regression.log_density(coefficients) - log_det_ratio(regression, coefficients) / 2


def _initial_coefficients(coordinates: HeadCoordinates, num_classes: int, previous: HeadFit | None) -> Tensor:
    zeros = torch.zeros(coordinates.basis.shape[1] + 1, num_classes - 1, dtype=torch.float64)
    if previous is None or previous.coordinates.origin.shape != coordinates.origin.shape:
        return zeros
    known = previous.coordinates.to_features(previous.coefficients)
    if known.shape[1] != zeros.shape[1]:
        return zeros
    return coordinates.from_features(known, previous.coordinates.origin, previous.coordinates.scale)


def _replace_prior_precision(regression: SoftmaxRegression, prior_precision: float) -> SoftmaxRegression:
    precision = regression.precision.clone()
    precision[:-1] = prior_precision
    return replace(regression, precision=precision)


def _maximise_evidence(
    regression: SoftmaxRegression, num_features: int, start: Tensor, start_precision: float | None
) -> tuple[float, Tensor]:
    """Climb to the power of two of largest evidence; return it and its rough coefficients.

    The search starts from `start_precision`, else from D / 16. On a grid that makes no difference where the
    evidence has one peak.
    """
    middle = round(math.log2(num_features))
    fits: dict[int, tuple[float, Tensor]] = {}

    def evidence(exponent: int, start: Tensor) -> float:
        if exponent not in fits:
            under = _replace_prior_precision(regression, 2.0**exponent)
            coefficients = find_mode(under, start, gap=_ROUGH_GAP)
            fits[exponent] = log_evidence(under, coefficients), coefficients
        return fits[exponent][0]

    lowest, highest = middle - _MAX_EXPONENT_SHIFT, middle + _MAX_EXPONENT_SHIFT
    best = middle - 4 if start_precision is None else min(max(round(math.log2(start_precision)), lowest), highest)
    evidence(best, start)
    for towards in (1, -1):
        while lowest <= best + towards <= highest and evidence(best + towards, fits[best][1]) > evidence(best, start):
            best += towards
    return 2.0**best, fits[best][1]
