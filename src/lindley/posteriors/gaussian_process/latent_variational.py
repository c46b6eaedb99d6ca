"""The Gaussian nearest to the posterior of a Gaussian process classifier, by the divergence KL(q | p).

Laplace's Gaussian has the curvature of the most probable latent values, where labels that are fitted well hardly curve
the density: it is far too wide, and its predictions far too unsure. In this fit, residual and curvature are averages,
    K⁻¹ mean = E_q[∇ log p(labels | f)] and precision = K⁻¹ + W, W = -E_q[∇² log p(labels | f)].
Source: Opper and Archambeau 2009, "The variational Gaussian approximation revisited". The averages are over
a fixed set of points.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.posteriors.gaussian_process.latent_laplace import LatentClassifier
from lindley.posteriors.head.softmax_regression import contrasts

MAX_UNKNOWNS = 2000
"""L (C - 1) up to which "auto" chooses it: up to 25 Cholesky factors of this size, 9 s on a core (measured)."""
_MAX_ITERATIONS = 25
_TOLERANCE = 1e-3
"""Change of a probability's residual or variance at which the iterations end; the points are off by more."""
_NUM_POINTS = 128


class BlockCurvature:
    """W of any curvature of single labels; (K + W⁻¹)⁻¹ takes one Cholesky factor of size L (C - 1)."""

    def __init__(self, covariance: Tensor, curvature: Tensor) -> None:
        """Take the covariance of latent values [L, L] and the curvature of contrasts at each label [L, M, M]."""
        num_labels, num_contrasts = curvature.shape[:2]
        basis = contrasts(num_contrasts + 1)
        values, eigenvectors = torch.linalg.eigh(curvature)
        # Rounding may leave an eigenvalue of -1e-18 where a class is all but certain.
        self._inner = eigenvectors * values.clamp_min(0.0).sqrt()[:, None]  # [L, M, M] whose square is W in contrasts
        self._roots = basis @ self._inner  # [L, C, M]
        self._covariance = covariance
        crossed = torch.einsum("iam,jan->imjn", self._inner, self._inner) * covariance[:, None, :, None]
        inside = crossed.reshape(num_labels * num_contrasts, -1)
        inside.diagonal().add_(1.0)
        self._factor = torch.linalg.cholesky(inside)

    def multiply(self, values: Tensor) -> Tensor:
        """Return W f.  [..., L, C] -> [..., L, C]"""
        return self._expand(self._project(values))

    def multiply_root(self, noise: Tensor) -> Tensor:
        """Multiply standard normal noise by a square root of W; the last class has none.  [..., L, C] -> [..., L, C]"""
        return self._expand(noise[..., :-1])

    def solve_newton_system(self, values: Tensor) -> Tensor:
        """Solve (I + W K) x = b, the system of a Newton step: x = b - (K + W⁻¹)⁻¹ K b.  [..., L, C] -> [..., L, C]"""
        read = self._project(self._covariance @ values)  # [..., L, M]
        solved = torch.cholesky_solve(read.reshape(-1, self._factor.shape[0]).T, self._factor).T
        return values - self._expand(solved.reshape(read.shape))

    def marginal_covariances(self) -> Tensor:
        """Covariance of the contrasts of latent values at each label, (K⁻¹ + W)⁻¹.  -> [L, M, M]"""
        num_labels, num_contrasts = self._inner.shape[:2]
        read = self._inner.mT[:, :, None] * self._covariance[:, None, :, None]  # [L, M, L, M]
        half = torch.linalg.solve_triangular(self._factor, read.reshape(num_labels * num_contrasts, -1), upper=False)
        half = half.unflatten(1, (num_labels, num_contrasts))
        prior = torch.diag_embed(self._covariance.diagonal()[:, None].expand(-1, num_contrasts))
        return prior - torch.einsum("jla,jlb->lab", half, half)

    def _project(self, values: Tensor) -> Tensor:
        return torch.einsum("lcm,...lc->...lm", self._roots, values)

    def _expand(self, values: Tensor) -> Tensor:
        return torch.einsum("lcm,...lm->...lc", self._roots, values)


def fit_variational(classifier: LatentClassifier, mode: Tensor) -> tuple[Tensor, Tensor]:
    """Fit K⁻¹ mean [L, C] and W in contrasts [L, M, M], starting from the coefficients of the mode [L, C].

    The fit takes Newton's steps for the mean and damped fixed-point steps for W.
    """
    num_contrasts = classifier.num_classes - 1
    basis, points = contrasts(classifier.num_classes), _integration_points(num_contrasts)  # [S, M]
    sample_weight = classifier.sample_weight[:, None, None]
    # From the narrow side: half the identity bounds the curvature of any softmax (Böhning 1992), and from a Gaussian
    # that is too wide the first steps overshoot.
    curvature = torch.eye(num_contrasts, dtype=torch.float64) / 2 * sample_weight  # [L, M, M]
    coefficients, residual = mode, mode
    for _ in range(_MAX_ITERATIONS):
        current = BlockCurvature(classifier.covariance, curvature)
        values = classifier.covariance @ coefficients
        before, coefficients = coefficients, current.solve_newton_system(current.multiply(values) + residual)
        factor = torch.linalg.cholesky_ex(current.marginal_covariances()).L  # [L, M, M]
        around = (classifier.covariance @ coefficients)[:, None] + points @ (basis @ factor).mT  # [L, S, C]
        probs = around.softmax(2)
        wanted = nn.functional.one_hot(classifier.classes, classifier.num_classes)
        residual = sample_weight[:, 0] * (wanted - probs.mean(1))
        turned = probs @ basis  # [L, S, M]
        spread = torch.einsum("lsc,ca,cb->lab", probs, basis, basis) - torch.einsum("lsa,lsb->lab", turned, turned)
        change = (sample_weight * spread / len(points) - curvature) / 2
        curvature = curvature + change
        if change.abs().max() < _TOLERANCE and (coefficients - before).abs().max() < _TOLERANCE:
            break
    return coefficients, curvature


def _integration_points(num_contrasts: int) -> Tensor:
    """Return antithetic points that fill a normal distribution evenly, the same at every call.  -> [S, M]"""
    sobol = torch.quasirandom.SobolEngine(num_contrasts, scramble=True, seed=0)
    uniform = sobol.draw(_NUM_POINTS // 2, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    half = torch.special.ndtri(uniform)
    return torch.cat([half, -half])
