"""The log determinant in Laplace's evidence: exact where the matrix is small, by Lanczos' method where it is large."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.noise import torch_generator
from lindley.posteriors.head.gaussian_weights import FullGaussian
from lindley.posteriors.head.softmax_regression import Curvature, SoftmaxRegression, label_curvature, point_curvature

EXACT_LIMIT = 1000
"""Coefficients up to which the determinant is exact."""
_NUM_PROBES = 8
_NUM_STEPS = 12


def log_det_ratio(regression: SoftmaxRegression, coefficients: Tensor) -> float:
    """log det (posterior precision) - log det (prior precision) at the most probable coefficients.

    Above EXACT_LIMIT coefficients it is an estimate, with the same probes at every call.
    """
    if coefficients.numel() <= EXACT_LIMIT:
        return FullGaussian(regression, label_curvature(regression, coefficients)).log_det_ratio
    return estimate_log_det_ratio(regression, coefficients)


def estimate_log_det_ratio(regression: SoftmaxRegression, coefficients: Tensor) -> float:
    """Estimate the ratio by stochastic Lanczos quadrature of the part that the Kronecker approximation misses.

    With D the Hessian's diagonal in the Kronecker basis and A = D^-½ H D^-½, log det H = log det D + tr log A. The
    diagonal of A is 1, so that tr log A = tr (log A - A + I), which varies less from probe to probe.
    Source: Ubaru, Chen and Saad 2017, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature".
    """
    curvature = point_curvature(regression, coefficients)
    probes = _probes(coefficients)  # [n, J, M]
    diagonal, offdiagonal = _lanczos(curvature, probes)
    tridiagonal = torch.diag_embed(diagonal)
    tridiagonal += torch.diag_embed(offdiagonal, 1) + torch.diag_embed(offdiagonal, -1)
    values, vectors = torch.linalg.eigh(tridiagonal)  # [n, steps], [n, steps, steps]
    values = values.clamp_min(torch.finfo(values.dtype).tiny)
    missed = (vectors[:, 0].square() * (values.log() - values + 1)).sum(1).mean() * coefficients.numel()
    kronecker = (curvature.diagonal / regression.precision[:, None]).log().sum()
    return float(kronecker + missed)


def _probes(coefficients: Tensor) -> Tensor:
    """Draw random signs.  -> [n, J, M]"""
    generator = torch_generator(0, "probes of the log determinant")
    signs = torch.randint(2, (_NUM_PROBES, *coefficients.shape), generator=generator)
    return 2 * signs.to(coefficients.dtype) - 1


def _lanczos(curvature: Curvature, probes: Tensor) -> tuple[Tensor, Tensor]:
    """Return tridiagonal matrices of A from each probe, orthogonalised twice.  -> [n, steps], [n, steps - 1]"""
    vector = probes.flatten(1) / probes[0].numel() ** 0.5  # [n, J M]
    basis, diagonal, offdiagonal = [vector], [], []
    for step in range(min(_NUM_STEPS, vector.shape[1])):
        product = curvature.multiply_preconditioned(vector.view_as(probes)).flatten(1)
        diagonal.append((product * vector).sum(1))
        known = torch.stack(basis, dim=1)  # [n, step + 1, J M]
        for _ in range(2):
            product = product - ((known @ product[:, :, None]).mT @ known)[:, 0]
        norm = product.norm(dim=1)
        if step + 1 == _NUM_STEPS or bool((norm < 1e-10).any()):
            break
        vector = product / norm[:, None]
        basis.append(vector)
        offdiagonal.append(norm)
    return torch.stack(diagonal, 1), torch.stack(offdiagonal, 1) if offdiagonal else probes.new_empty(len(probes), 0)
