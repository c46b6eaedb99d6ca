"""The fit of a Bayesian head: its prior by evidence, its most probable weights, and a Gaussian posterior.

A prior mean of the weights, a teacher's, is scaled by a number that leaving one label out chooses, and so is the prior
precision beside it. The evidence is no judge of them: it takes the weights' deviations from the mean for isotropic, and
prefers a large scale with a strong prior even where the teacher predicts worse than the labels (measured).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lindley.posteriors.head.gaussian_weights import FullGaussian, GaussianWeights, build_gaussian, is_full
from lindley.posteriors.head.head_coordinates import HeadCoordinates, fit_coordinates
from lindley.posteriors.head.log_determinant import log_det_ratio
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, find_mode, label_curvature
from lindley.posteriors.head.variational_weights import fit_variational
from lindley.shapes import ClassIndices, LabelledFeatures, MeanLogProbs, Scores

APPROXIMATIONS = ("variational", "laplace")
BIAS_PRECISION = 0.1
"""The prior precision of the biases: a standard deviation of 3.2 nats."""
_MAX_EXPONENT_SHIFT = 10
"""The prior precision is searched from D / 2^10 to D 2^10: logits with a standard deviation of 32 to 1 / 32 nats."""
_USUAL_SHIFT, _SHIFT_DEVIATION = -5, 2.0
"""The mean and standard deviation of the prior of log2(precision / D) under which labels are left out: ten labels, each
left out in turn, are a poor guide, and would take a prior so strong that nothing is learnt."""
PRIOR_SCALES = (0.5, 1.0, 2.0)
"""The scales of a prior mean that leaving one label out chooses from, besides 0; without labels it is 1."""
_NUM_FOLDS = 5
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
    prior_mean: Tensor | None = None  # [D + 1, M], of scaled features about the origin, the bias below
    prior_scale: float = 0.0

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood of the labels by Laplace's approximation, in nats."""
        return log_evidence(self.regression, self.coefficients)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the most probable head without it, approximately.  [L] nats"""
        log_probs = left_out_log_probs(self.regression, self.coefficients)
        return log_probs[torch.arange(len(log_probs)), self.regression.classes]

    @property
    def scaled_prior_mean(self) -> Tensor | None:
        """The mean of the prior of the weights.  [D + 1, M]"""
        return None if self.prior_mean is None else self.prior_scale * self.prior_mean

    @property
    def weights(self) -> Tensor:
        """The most probable weights of the scaled features, the bias below.  [D + 1, M]"""
        return self.coordinates.to_features(self.coefficients, self.scaled_prior_mean)


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
    prior_mean: Tensor | None = None,
    prior_scale: float | str = "leave-one-out",
    origin: Tensor | None = None,
) -> HeadFit:
    """Fit a head to features.

    Args:
        features: [L, D], of the labelled rows.
        classes: [L], their classes.
        num_classes: C.
        scale: [D], the units of the features; or [S, D], of which those with the best score are taken.
        sample_weight: [L], the weights of the labels' losses; None weighs them equally.
        prior_precision: That of the weights; "evidence" for the power of two of the largest evidence; "leave-one-out"
            for the power of two with which the labels are predicted best, each by the others.
        bias_precision: The prior precision of the biases.
        covariance: One of gaussian_weights.COVARIANCES.
        approximation: One of APPROXIMATIONS.
        previous: A fit from which the searches for the prior and for the most probable weights start.
        prior_mean: [D, C], the mean of the prior of the classes' weights of unscaled features, or [D + 1, C] with their
            biases below; None is 0.
        prior_scale: The number by which it is multiplied, or "leave-one-out" for the best of PRIOR_SCALES.
        origin: [D], where the prior of the biases is 0 if there are no labels.
    """
    sample_weight = torch.ones(len(classes), dtype=torch.float64) if sample_weight is None else sample_weight
    candidates = []
    for units in torch.atleast_2d(scale):
        coordinates = fit_coordinates(features, sample_weight, units, origin)
        design = coordinates.design(features)
        precision = torch.full((design.shape[1],), bias_precision, dtype=torch.float64)
        regression = SoftmaxRegression(design, classes, sample_weight, precision, num_classes)
        candidates.append(_search_prior(regression, coordinates, prior_precision, previous))
    best = max(candidates, key=lambda each: each.score)
    if prior_mean is not None:
        best = _search_prior_scale(best, prior_mean, prior_scale, prior_precision)
    regression, coordinates = best.regression, best.coordinates
    coefficients = find_mode(regression, best.coefficients)
    if approximation == "variational" and len(classes):  # without labels both are the prior
        mean, curvature = fit_variational(regression, coefficients, covariance)
    else:
        mean, curvature = coefficients, label_curvature(regression, coefficients)
    gaussian = build_gaussian(regression, curvature, covariance)
    return HeadFit(
        regression,
        coordinates,
        coefficients,
        mean,
        curvature,
        gaussian,
        best.prior_precision,
        best.prior_mean,
        best.prior_scale,
    )


def log_evidence(regression: SoftmaxRegression, coefficients: Tensor) -> float:
    """log ∫ p(classes | W) p(W) dW by Laplace's approximation at the most probable W, in nats.

    The determinant is exact up to log_determinant.EXACT_LIMIT coefficients, and estimated above.
    """
    return regression.log_density(coefficients) - log_det_ratio(regression, coefficients) / 2


def left_out_log_probs(regression: SoftmaxRegression, coefficients: Tensor) -> MeanLogProbs:
    """Log-probabilities of the classes at each label by the most probable coefficients without it.  [L, C] nats

    Up to gaussian_weights.FULL_LIMIT coefficients it is one Newton step from the fit on all labels, in closed form; the
    prior, its centre and the units stay. Above, each fifth of the labels is left out of a refit: Kronecker's covariance
    gives a label more influence than its own curvature allows.
    Source: Rad and Maleki 2020, arXiv:1801.10243 (ALO).

    Args:
        regression: The regression.
        coefficients: [J, M], the most probable ones.
    """
    log_probs = regression.log_probs(coefficients)  # [L, C]
    if not is_full(regression):
        fold = torch.arange(len(log_probs)) % _NUM_FOLDS
        for each in range(_NUM_FOLDS):
            mode = rough_mode(regression.take(fold != each), coefficients)
            log_probs[fold == each] = regression.take(fold == each).log_probs(mode)
        return log_probs
    probs, basis, sample_weight = log_probs.exp(), regression.contrasts, regression.sample_weight[:, None]
    residual = sample_weight * (probs - nn.functional.one_hot(regression.classes, regression.num_classes))
    curvature = label_curvature(regression, coefficients)  # [L, M, M]
    covariance = FullGaussian(regression, curvature).output_covariance(regression.design)  # [L, M, M]
    kept = torch.eye(basis.shape[1], dtype=torch.float64) - covariance @ (sample_weight[:, :, None] * curvature)
    moved = torch.linalg.solve(kept, covariance @ (residual @ basis)[:, :, None])[:, :, 0]  # [L, M]
    without: Tensor = (log_probs + moved @ basis.T).log_softmax(1)
    return without


def left_out_score(regression: SoftmaxRegression, coefficients: Tensor) -> float:
    """Log-likelihood of the labels, each left out of the fit, in nats.

    Args:
        regression: The regression.
        coefficients: [J, M], the most probable ones.
    """
    log_probs = left_out_log_probs(regression, coefficients)
    return float(regression.sample_weight @ log_probs[torch.arange(len(log_probs)), regression.classes])


def rough_mode(regression: SoftmaxRegression, start: Tensor) -> Tensor:
    """Find coefficients as near the most probable ones as a comparison of priors needs.  [J, M] -> [J, M]"""
    return find_mode(regression, start, gap=_ROUGH_GAP)


_Score = Callable[[SoftmaxRegression, Tensor], float]
_SCORES: Mapping[str, _Score] = {"evidence": log_evidence, "leave-one-out": left_out_score}
"""How good a prior is, by the regression and its most probable coefficients, in nats."""


@dataclass(frozen=True)
class _RoughFit:
    """A head whose prior is chosen, with coefficients near the most probable ones."""

    coordinates: HeadCoordinates
    regression: SoftmaxRegression
    coefficients: Tensor  # [J, M]
    prior_precision: float
    score: float
    """How good the prior is, in nats; of two fits it is known which criterion they share."""
    prior_mean: Tensor | None = None  # [D + 1, M]
    prior_scale: float = 0.0


def _search_prior(
    regression: SoftmaxRegression, coordinates: HeadCoordinates, prior_precision: float | str, previous: HeadFit | None
) -> _RoughFit:
    start = _initial_coefficients(coordinates, regression.num_classes, previous)
    begin = None if previous is None else previous.prior_precision
    num_features = len(coordinates.origin)
    if isinstance(prior_precision, str) and len(regression.classes):
        return _RoughFit(coordinates, *_search_precision(regression, num_features, start, begin, prior_precision))
    # Without labels nothing is found: logits then deviate from the prior mean by about 1 nat.
    precision = float(num_features) if isinstance(prior_precision, str) else prior_precision
    regression = replace_prior_precision(regression, precision)
    coefficients = rough_mode(regression, start)
    return _RoughFit(coordinates, regression, coefficients, precision, log_evidence(regression, coefficients))


def _search_prior_scale(
    rough: _RoughFit, prior_mean: Tensor, prior_scale: float | str, prior_precision: float | str
) -> _RoughFit:
    """Return the fit with a prior mean, its scale given or chosen by the labels left out in turn.

    The climb through PRIOR_SCALES begins at 0, with the precision that is best there, and ends where the labels are no
    longer predicted better; the precision is then searched again.
    """
    coordinates, regression = rough.coordinates, rough.regression
    mean = coordinates.from_unscaled(prior_mean.double() @ regression.contrasts)  # [D + 1, M]
    inside = coordinates.from_features(mean, coordinates.origin, coordinates.scale)  # [J, M]

    def fit_scale(scale: float, start: Tensor) -> _RoughFit:
        moved = replace(regression, prior_mean=scale * inside)
        coefficients = rough_mode(moved, start)
        score = left_out_score(moved, coefficients) if len(moved.classes) else 0.0
        return _RoughFit(coordinates, moved, coefficients, rough.prior_precision, score, mean, scale)

    if not isinstance(prior_scale, str) or not len(regression.classes):
        best = fit_scale(1.0 if isinstance(prior_scale, str) else prior_scale, rough.coefficients)
    else:
        best = fit_scale(0.0, rough.coefficients)
        for scale in PRIOR_SCALES:
            following = fit_scale(scale, best.coefficients)
            if following.score <= best.score:
                break
            best = following
    if not isinstance(prior_precision, str) or not len(regression.classes):
        return best
    found = _search_precision(
        best.regression, len(coordinates.origin), best.coefficients, best.prior_precision, prior_precision
    )
    return _RoughFit(coordinates, *found, mean, best.prior_scale)


def _initial_coefficients(coordinates: HeadCoordinates, num_classes: int, previous: HeadFit | None) -> Tensor:
    zeros = torch.zeros(coordinates.basis.shape[1] + 1, num_classes - 1, dtype=torch.float64)
    if previous is None or previous.coordinates.origin.shape != coordinates.origin.shape:
        return zeros
    known = previous.weights
    if known.shape[1] != zeros.shape[1]:
        return zeros
    return coordinates.from_features(known, previous.coordinates.origin, previous.coordinates.scale)


def replace_prior_precision(regression: SoftmaxRegression, prior_precision: float) -> SoftmaxRegression:
    """Return a regression with another prior precision of the weights; that of the biases stays."""
    precision = regression.precision.clone()
    precision[:-1] = prior_precision
    return replace(regression, precision=precision)


def _search_precision(
    regression: SoftmaxRegression, num_features: int, start: Tensor, begin: float | None, criterion: str
) -> tuple[SoftmaxRegression, Tensor, float, float]:
    """Climb from `begin` (else D / 16) to the best power of two.

    On a grid the start of the search makes no difference where the score has one peak.

    Args:
        regression: The regression; its prior precision is replaced.
        num_features: D.
        start: [J, M], coefficients from which the search for the most probable ones starts.
        begin: The precision at which the climb begins.
        criterion: One of _SCORES.

    Returns:
        The regression with its prior precision, rough coefficients, the precision, and its score.
    """
    middle = round(math.log2(num_features))
    known: dict[int, tuple[float, SoftmaxRegression, Tensor]] = {}

    def evaluate(exponent: int, start: Tensor) -> float:
        if exponent not in known:
            under = replace_prior_precision(regression, 2.0**exponent)
            coefficients = rough_mode(under, start)
            score = _SCORES[criterion](under, coefficients)
            if criterion == "leave-one-out":
                score -= ((exponent - middle - _USUAL_SHIFT) / _SHIFT_DEVIATION) ** 2 / 2
            known[exponent] = score, under, coefficients
        return known[exponent][0]

    lowest, highest = middle - _MAX_EXPONENT_SHIFT, middle + _MAX_EXPONENT_SHIFT
    best = middle - 4 if begin is None else min(max(round(math.log2(begin)), lowest), highest)
    evaluate(best, start)
    for towards in (1, -1):
        while lowest <= best + towards <= highest and evaluate(best + towards, known[best][2]) > evaluate(best, start):
            best += towards
    score, regression, coefficients = known[best]
    return regression, coefficients, 2.0**best, score
