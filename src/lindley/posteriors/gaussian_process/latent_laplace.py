"""Laplace's approximation for a Gaussian process classifier with softmax: mode, curvature and evidence.

C latent functions with the same kernel, independent in the prior; their values at L labelled inputs are [L, C]. The
prior's covariance is multiplied, never inverted, so that it requires no jitter; all in float64.
Source: Rasmussen and Williams 2006, ch. 3.5, with weights for labels. The evidence includes the term log |Σ_c E_c|,
which follows from its equation 3.44 and is missing from its algorithm 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lindley.errors import FitError

_MAX_NEWTON_STEPS = 100


@dataclass(frozen=True)
class LatentClassifier:
    """log p(f | labels) up to a constant: Σ_i ω_i log softmax(f_i)[y_i] - ½ Σ_c f_cᵀ K⁻¹ f_c, with f = K a."""

    covariance: Tensor  # [L, L] K
    classes: Tensor  # [L]
    sample_weight: Tensor  # [L] ω, the weight of each label, 1 on average
    num_classes: int

    def log_density(self, coefficients: Tensor) -> float:
        """Log-density of coefficients a [L, C], in nats."""
        return float(self._log_density(coefficients))

    def residual(self, values: Tensor) -> Tensor:
        """The derivative of the log-likelihood by the latent values.  [L, C] -> [L, C]"""
        wanted = nn.functional.one_hot(self.classes, self.num_classes).double()
        return self.sample_weight[:, None] * (wanted - values.softmax(1))

    def take_newton_step(self, coefficients: Tensor) -> Tensor:
        """Return the coefficients a after a Newton step.  [L, C] -> [L, C]"""
        values = self.covariance @ coefficients
        curvature = Curvature(self, values)
        return curvature.solve_newton_system(curvature.multiply(values) + self.residual(values))

    def log_evidence(self, coefficients: Tensor) -> Tensor:
        """Laplace's log marginal likelihood of the labels at the mode, in nats. It is differentiable."""
        curvature = Curvature(self, self.covariance @ coefficients)
        return self._log_density(coefficients) - curvature.log_det_ratio() / 2

    def _log_density(self, coefficients: Tensor) -> Tensor:
        values = self.covariance @ coefficients
        chosen = values.log_softmax(1).gather(1, self.classes[:, None])[:, 0]
        return self.sample_weight @ chosen - (coefficients * values).sum() / 2


class Curvature:
    """W, the negative second derivative of the log-likelihood at latent values, ω (diag p - p pᵀ) for each label.

    S = (K + W⁻¹)⁻¹ is computed by Cholesky factors of I + D_c^½ K D_c^½, D_c = ω p_c, one per class.
    """

    def __init__(self, classifier: LatentClassifier, values: Tensor) -> None:
        self._covariance, self._sample_weight = classifier.covariance, classifier.sample_weight
        log_probs = values.log_softmax(1)
        self._probs = log_probs.exp()  # [L, C]
        # Computed through the logarithm: the square root of a probability has no derivative at 0.
        roots = (log_probs.T / 2).exp() * self._sample_weight.sqrt()  # [C, L] D^½
        identity = torch.eye(len(values), dtype=torch.float64)
        self._factors = torch.linalg.cholesky(identity + roots[:, :, None] * self._covariance * roots[:, None])
        self._halves = torch.linalg.solve_triangular(self._factors, torch.diag_embed(roots), upper=False)
        within = torch.einsum("cij,cik->jk", self._halves, self._halves)  # Σ_c E_c
        self._sum_factor = torch.linalg.cholesky(within)

    def multiply(self, values: Tensor) -> Tensor:
        """Return W f.  [..., L, C] -> [..., L, C]"""
        moved = self._probs * values
        return self._sample_weight[:, None] * (moved - self._probs * moved.sum(-1, keepdim=True))

    def multiply_root(self, noise: Tensor) -> Tensor:
        """Multiply standard normal noise by a square root of W: its covariance is W.  [..., L, C] -> [..., L, C]"""
        roots = self._probs.sqrt()
        moved = roots * noise - self._probs * (roots * noise).sum(-1, keepdim=True)
        return self._sample_weight.sqrt()[:, None] * moved

    def _multiply_inverse(self, values: Tensor) -> Tensor:
        """Return S b = (K + W⁻¹)⁻¹ b.  [..., L, C] -> [..., L, C]"""
        each = self._solve_each_class(values)
        shared = each.sum(-1)  # [..., L]
        solved = torch.cholesky_solve(shared.reshape(-1, shared.shape[-1]).T, self._sum_factor).T
        return each - self._solve_each_class(solved.reshape(shared.shape)[..., None].expand_as(each))

    def solve_newton_system(self, values: Tensor) -> Tensor:
        """Solve (I + W K) x = b, the system of a Newton step: x = b - S K b.  [..., L, C] -> [..., L, C]"""
        return values - self._multiply_inverse(self._covariance @ values)

    def log_det_ratio(self) -> Tensor:
        """log |I + K W|, in nats."""
        of_factors = torch.diagonal(self._factors, dim1=1, dim2=2).log().sum()
        whole: Tensor = 2 * (of_factors + self._sum_factor.diagonal().log().sum()) - self._sample_weight.log().sum()
        return whole

    def _solve_each_class(self, values: Tensor) -> Tensor:
        """Return E_c b_c for each class.  [..., L, C] -> [..., L, C]"""
        half = torch.einsum("cij,...jc->...ic", self._halves, values)
        return torch.einsum("cij,...ic->...jc", self._halves, half)


def find_mode(classifier: LatentClassifier, start: Tensor | None = None, *, gap: float = 1e-12) -> Tensor:
    """Find the coefficients a = K⁻¹ f of the most probable latent values, by Newton's method.  -> [L, C]

    The density has one maximum; a is the likelihood's derivative there.

    Args:
        classifier: The classifier.
        start: [L, C], the coefficients to start from; None starts from zero.
        gap: Nats that may be left to gain.

    Raises:
        FitError: If the steps do not converge.
    """
    shape = len(classifier.classes), classifier.num_classes
    coefficients = torch.zeros(shape, dtype=torch.float64) if start is None else start
    for _ in range(_MAX_NEWTON_STEPS):
        step = classifier.take_newton_step(coefficients) - coefficients
        pulled = classifier.covariance @ step
        promised = float(((classifier.residual(classifier.covariance @ coefficients) - coefficients) * pulled).sum())
        if promised <= 2 * gap:
            return coefficients + step
        before, length = classifier.log_density(coefficients), 1.0
        while promised > 1e-6 and classifier.log_density(coefficients + length * step) < before:
            length /= 2
            if length < 1e-10:
                raise FitError("No step along Newton's direction makes the latent values more probable.")
        coefficients = coefficients + length * step
    raise FitError(
        f"The most probable latent values of {shape[0]} labels were not found in {_MAX_NEWTON_STEPS} steps. Look for "
        "inputs that are huge beside their standard deviation in the pool, or set the amplitude.",
        step=_MAX_NEWTON_STEPS,
    )
