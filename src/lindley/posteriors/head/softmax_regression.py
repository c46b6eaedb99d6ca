"""Softmax regression with a Gaussian prior: density, gradient, curvature, and the mode by Newton's method.

Logits that differ by a constant over the classes are the same prediction, so weights are kept in C - 1 contrasts: an
orthonormal basis of the vectors that are orthogonal to a constant. Independent Gaussian weights of C classes are
independent Gaussian weights of C - 1 contrasts with the same precision; the direction left out changes no prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lindley.errors import FitError

_MAX_NEWTON_STEPS = 100
_MAX_CG_STEPS = 250


@dataclass(frozen=True)
class SoftmaxRegression:
    """log p(classes, W) up to a constant: Σ_i ω_i log softmax(x_i W Bᵀ)[y_i] - ½ Σ_j λ_j |W_j - P_j|²; all in float64.

    Coefficients W are [J, M] with M = C - 1: one row per column of the design, one column per contrast.
    """

    design: Tensor  # [L, J]
    classes: Tensor  # [L]
    sample_weight: Tensor  # [L] ω, the weight of each label's loss, 1 on average
    precision: Tensor  # [J] λ, the prior's
    num_classes: int
    prior_mean: Tensor | float = 0.0  # [J, M] P

    @cached_property
    def contrasts(self) -> Tensor:
        """B: orthonormal columns, each orthogonal to a constant.  [C, C - 1]"""
        return contrasts(self.num_classes)

    def log_probs(self, coefficients: Tensor) -> Tensor:
        """Log-probabilities of the classes at the labelled rows.  [J, M] -> [L, C] nats"""
        return (self.design @ (coefficients @ self.contrasts.T)).log_softmax(1)

    def take(self, kept: Tensor) -> SoftmaxRegression:
        """Return the regression of some of the labels.  [L] booleans"""
        part = self.design[kept], self.classes[kept], self.sample_weight[kept]
        return SoftmaxRegression(*part, self.precision, self.num_classes, self.prior_mean)

    def log_likelihood(self, coefficients: Tensor) -> float:
        """Log-likelihood of the labels, Σ_i ω_i log p(y_i), in nats."""
        chosen = self.log_probs(coefficients)[torch.arange(len(self.classes)), self.classes]  # [L]
        return float(self.sample_weight @ chosen)

    def log_density(self, coefficients: Tensor) -> float:
        """Log-density of the posterior, up to a constant, in nats: the log-likelihood and -½ Σ_j λ_j |W_j - P_j|²."""
        from_mean = coefficients - self.prior_mean
        return self.log_likelihood(coefficients) - float(self.precision @ from_mean.square().sum(1)) / 2

    def gradient(self, coefficients: Tensor) -> Tensor:
        """Gradient of the log posterior.  [J, M] -> [J, M]"""
        residual = -self.log_probs(coefficients).exp()  # [L, C]
        residual[torch.arange(len(self.classes)), self.classes] += 1
        pulled = self.design.T @ (self.sample_weight[:, None] * (residual @ self.contrasts))
        return pulled - self.precision[:, None] * (coefficients - self.prior_mean)


def contrasts(num_classes: int) -> Tensor:
    """An orthonormal basis of the vectors that sum to zero, Helmert's.  [C, C - 1] float64"""
    basis = torch.zeros(num_classes, num_classes - 1, dtype=torch.float64)
    for column in range(num_classes - 1):
        size = column + 1
        basis[:size, column] = 1 / math.sqrt(size * (size + 1))
        basis[size, column] = -size / math.sqrt(size * (size + 1))
    return basis


def find_mode(regression: SoftmaxRegression, start: Tensor, *, gap: float = 1e-13) -> Tensor:
    """Find the coefficients of largest posterior density, the most probable ones.  -> [J, M]

    Newton's method takes each step by conjugate gradients, with exact products of the Hessian. The prior makes the
    mode unique and finite, also where the labels can be separated.

    Args:
        regression: The regression.
        start: [J, M], the coefficients to start from.
        gap: Nats that may be left to gain: the answer is within sqrt(2 gap) posterior standard deviations of the mode.

    Raises:
        FitError: If the steps do not converge.
    """
    coefficients = start
    for _ in range(_MAX_NEWTON_STEPS):
        gradient = regression.gradient(coefficients)
        curvature = point_curvature(regression, coefficients)
        if not bool(gradient.isfinite().all()):
            break
        if curvature.precondition(gradient).mul(gradient).sum() <= 2 * gap:
            return coefficients
        step = curvature.solve(gradient)
        coefficients = coefficients + _step_length(regression, coefficients, step, gradient) * step
    raise FitError(
        f"The most probable weights of {len(regression.design)} labels were not found in {_MAX_NEWTON_STEPS} steps. "
        "Look for features that are huge beside their standard deviation in the pool.",
        step=_MAX_NEWTON_STEPS,
    )


def label_curvature(regression: SoftmaxRegression, coefficients: Tensor) -> Tensor:
    """Curvature of each label's loss along the contrasts of its logits, averaged over coefficients.

    [J, M], or several [S, J, M] -> [L, M, M]; it leaves out the label's sample_weight.
    """
    several = coefficients if coefficients.dim() == 3 else coefficients[None]
    return probs_curvature(regression, label_probs(regression, several))


def label_probs(regression: SoftmaxRegression, coefficients: Tensor) -> Tensor:
    """Predictions at each label under several coefficients, draws last.  [S, J, M] -> [L, C, S]"""
    logits = torch.einsum("lj,sjm,cm->lcs", regression.design, coefficients, regression.contrasts)
    return logits.softmax(1)  # over the middle axis: over a last one of a few classes it takes ten times as long


def probs_curvature(regression: SoftmaxRegression, probs: Tensor) -> Tensor:
    """The `label_curvature` of predictions.  [L, C, S] -> [L, M, M]"""
    basis = regression.contrasts
    along = torch.einsum("lcs,cm->lms", probs, basis)
    spread = torch.einsum("lc,ca,cb->lab", probs.mean(2), basis, basis)
    return spread - along @ along.mT / probs.shape[2]


@runtime_checkable
class LossCurvatures(Protocol):
    """The curvature of each label's loss along the contrasts of its logits, [L, M, M], by its products."""

    def total(self, weights: Tensor) -> Tensor:
        """Sum over the labels.  [L] -> [M, M]"""
        ...

    def along(self, directions: Tensor) -> Tensor:
        """Curvature along directions of the contrasts.  [M, R] -> [L, R]"""
        ...

    def multiply(self, moved: Tensor) -> Tensor:
        """Products with n directions at each label.  [L, n, M] -> [L, n, M]"""
        ...


@dataclass(frozen=True)
class DenseCurvatures:
    """LossCurvatures that are held whole."""

    values: Tensor  # [L, M, M]

    def total(self, weights: Tensor) -> Tensor:
        """See LossCurvatures."""
        return torch.einsum("l,lab->ab", weights, self.values)

    def along(self, directions: Tensor) -> Tensor:
        """See LossCurvatures."""
        return torch.einsum("am,lab,bm->lm", directions, self.values, directions).clamp_min(0.0)

    def multiply(self, moved: Tensor) -> Tensor:
        """See LossCurvatures."""
        return moved @ self.values


@dataclass(frozen=True)
class SoftmaxCurvatures:
    """LossCurvatures under one set of coefficients, diag(p) - p pᵀ in classes: L C numbers in the place of L M²."""

    probs: Tensor  # [L, C]
    contrasts: Tensor  # [C, M]

    def total(self, weights: Tensor) -> Tensor:
        """See LossCurvatures."""
        weighted = weights[:, None] * self.probs
        of_classes = weighted.sum(0).diag() - weighted.T @ self.probs  # [C, C]
        return self.contrasts.T @ of_classes @ self.contrasts

    def along(self, directions: Tensor) -> Tensor:
        """See LossCurvatures."""
        of_classes = self.contrasts @ directions  # [C, R]
        return (self.probs @ of_classes.square() - (self.probs @ of_classes).square()).clamp_min(0.0)

    def multiply(self, moved: Tensor) -> Tensor:
        """See LossCurvatures."""
        logits, probs = moved @ self.contrasts.T, self.probs[:, None]  # [L, n, C], [L, 1, C]
        return (probs * (logits - (probs * logits).sum(2, keepdim=True))) @ self.contrasts


def eigen_curvature(regression: SoftmaxRegression, curvatures: LossCurvatures) -> tuple[Tensor, Tensor]:
    """Curvature of the likelihood along design column ⊗ direction of the contrasts.  -> [M, M], [J, M]

    The directions are the eigenvectors of the labels' average curvature. Where the columns of the design are
    orthogonal this is the eigenvalue-corrected Kronecker factorisation (George et al. 2018, arXiv:1806.03884).
    """
    sample_weight = regression.sample_weight
    _, eigenvectors = torch.linalg.eigh(curvatures.total(sample_weight))
    along = curvatures.along(eigenvectors)
    return eigenvectors, regression.design.square().T @ (sample_weight[:, None] * along)


def point_curvature(regression: SoftmaxRegression, coefficients: Tensor) -> Curvature:
    """The precision matrix of the posterior about one set of coefficients.  [J, M]"""
    probs = regression.log_probs(coefficients).exp()
    return Curvature(regression, SoftmaxCurvatures(probs, regression.contrasts))


class Curvature:
    """The precision matrix of curvatures of the labels' losses, as a product with directions [..., J, M].

    `diagonal` is its diagonal in the basis of `eigen_curvature`.
    """

    def __init__(self, regression: SoftmaxRegression, curvatures: LossCurvatures) -> None:
        self._regression, self._curvatures = regression, curvatures
        self._eigenvectors, eigenvalues = eigen_curvature(regression, curvatures)
        self.diagonal = eigenvalues + regression.precision[:, None]  # [J, M]

    def multiply(self, direction: Tensor) -> Tensor:
        regression = self._regression
        moved = torch.einsum("lj,...jm->l...m", regression.design, direction)
        pulled = self._curvatures.multiply(moved.flatten(1, -2) if moved.dim() > 2 else moved[:, None])
        pulled = (regression.sample_weight[:, None, None] * pulled).view_as(moved)  # [L, ..., M]
        back = torch.einsum("lj,l...m->...jm", regression.design, pulled)
        return back + regression.precision[:, None] * direction

    def multiply_preconditioned(self, direction: Tensor) -> Tensor:
        """Multiply by D^-½ H D^-½ in that basis, the matrix preconditioned by its diagonal there, which becomes 1."""
        scale = self.diagonal.rsqrt()
        return (self.multiply((scale * direction) @ self._eigenvectors.T) @ self._eigenvectors) * scale

    def precondition(self, gradient: Tensor) -> Tensor:
        return ((gradient @ self._eigenvectors) / self.diagonal) @ self._eigenvectors.T

    def solve(self, gradient: Tensor) -> Tensor:
        """Solve by conjugate gradients, more exactly nearer the maximum, so that Newton's steps converge fast."""
        step, left = torch.zeros_like(gradient), gradient
        ready = self.precondition(left)
        direction, squared = ready, float((left * ready).sum())
        enough = squared * min(1e-2, squared)
        for _ in range(_MAX_CG_STEPS):
            product = self.multiply(direction)
            length = squared / float((direction * product).sum())
            step, left = step + length * direction, left - length * product
            ready = self.precondition(left)
            before, squared = squared, float((left * ready).sum())
            if squared <= enough:
                break
            direction = ready + (squared / before) * direction
        return step


def _step_length(regression: SoftmaxRegression, coefficients: Tensor, step: Tensor, gradient: Tensor) -> float:
    """Return the length of a Newton step: 1, or less where a full step would gain too little."""
    promised = float((step * gradient).sum())
    if promised < 1e-6:  # below rounding of the density, and within reach of Newton's quadratic convergence
        return 1.0
    before = regression.log_density(coefficients)
    length = 1.0
    while length > 1e-10:
        if regression.log_density(coefficients + length * step) >= before + 1e-4 * length * promised:
            return length
        length /= 2
    raise FitError("No step along Newton's direction raises the posterior density. Look for features that are huge.")
