"""Laplace's Gaussian over the weights of a softmax regression: exact covariance, or its Kronecker approximation."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.softmax_regression import SoftmaxRegression, eigen_curvature

FULL_LIMIT = 4096
"""Coefficients up to which the covariance is exact: its Cholesky factor takes up to 64 MiB and half a second."""
DOUBLE_LIMIT = 2048
"""Coefficients up to which that factor is in float64; above in float32, in half the time."""
COVARIANCES = ("auto", "full", "kronecker")


@runtime_checkable
class GaussianWeights(Protocol):
    """N(most probable coefficients, inverse of the negative Hessian there); without its mean."""

    kind: str
    log_det_ratio: float
    """log det (posterior precision) - log det (prior precision): at least 0."""

    def coloured(self, noise: Tensor) -> Tensor:
        """Standard normal noise as deviations from the mean.  [K, J, M] -> [K, J, M]"""
        ...

    def output_covariance(self, design: Tensor) -> Tensor:
        """Covariance of the contrasts of logits at each row of a design.  [n, J] -> [n, M, M]"""
        ...

    def covariance(self) -> Tensor:
        """Of the coefficients, column after column of W.  [M J, M J]"""
        ...


def gaussian_at(regression: SoftmaxRegression, coefficients: Tensor, covariance: str = "auto") -> GaussianWeights:
    """The Gaussian at the most probable coefficients.

    "auto" is "full" up to FULL_LIMIT coefficients, min(L, D) + 1 times C - 1, and "kronecker" above.
    """
    if covariance not in COVARIANCES:
        raise InputError(f"covariance must be one of {', '.join(COVARIANCES)}; got {covariance!r}")
    exact = coefficients.numel() <= FULL_LIMIT if covariance == "auto" else covariance == "full"
    return FullGaussian(regression, coefficients) if exact else KroneckerGaussian(regression, coefficients)


class FullGaussian:
    """The inverse of the whole negative Hessian, by its Cholesky factor; what goes in and comes out is float64."""

    kind = "full"

    def __init__(self, regression: SoftmaxRegression, coefficients: Tensor) -> None:
        self._shape = coefficients.shape
        self._dtype = torch.float64 if coefficients.numel() <= DOUBLE_LIMIT else torch.float32
        self._factor, failed = torch.linalg.cholesky_ex(negative_hessian(regression, coefficients, self._dtype))
        if int(failed) and self._dtype == torch.float32:  # a prior too weak for float32 beside the labels
            self._dtype = torch.float64
            self._factor = torch.linalg.cholesky(negative_hessian(regression, coefficients))
        log_det = 2 * self._factor.diagonal().double().log().sum()
        self.log_det_ratio = float(log_det - coefficients.shape[1] * regression.precision.log().sum())

    def coloured(self, noise: Tensor) -> Tensor:
        columns = noise.transpose(1, 2).flatten(1).T.to(self._dtype)  # [M J, K]
        solved = torch.linalg.solve_triangular(self._factor.T, columns, upper=True).double()
        return solved.T.unflatten(1, (self._shape[1], self._shape[0])).transpose(1, 2)

    def output_covariance(self, design: Tensor) -> Tensor:
        num_columns, num_contrasts = self._shape
        each = []
        for rows in design.split(max(1, (1 << 22) // self._factor.shape[0] // num_contrasts)):
            reader = torch.zeros(len(rows), num_contrasts, num_contrasts, num_columns, dtype=self._dtype)
            for contrast in range(num_contrasts):
                reader[:, contrast, contrast] = rows
            half = torch.linalg.solve_triangular(self._factor, reader.flatten(0, 1).flatten(1).T, upper=False)
            half = half.unflatten(1, (len(rows), num_contrasts))  # [M J, n, M]
            each.append(torch.einsum("jna,jnb->nab", half, half))
        return torch.cat(each).double()

    def covariance(self) -> Tensor:
        return torch.cholesky_inverse(self._factor.double())


class KroneckerGaussian:
    """The Hessian as if its eigenvectors were design columns ⊗ directions of the contrasts, with its curvature there.

    Exact where all labelled rows have the same curvature, or lie along one column each; the design's columns are
    meant to be orthogonal. Costs some L C² J, instead of (C J)³.
    """

    kind = "kronecker"

    def __init__(self, regression: SoftmaxRegression, coefficients: Tensor) -> None:
        self._turn, curvature = eigen_curvature(regression, coefficients)
        self._precision = curvature + regression.precision[:, None]  # [J, M]
        self.log_det_ratio = float((curvature / regression.precision[:, None]).log1p().sum())

    def coloured(self, noise: Tensor) -> Tensor:
        return (noise / self._precision.sqrt()) @ self._turn.T

    def output_covariance(self, design: Tensor) -> Tensor:
        variance = design.square() @ (1 / self._precision)  # [n, M]
        return torch.einsum("am,nm,bm->nab", self._turn, variance, self._turn)

    def covariance(self) -> Tensor:
        num_columns, num_contrasts = self._precision.shape
        blocks = torch.einsum("am,jm,bm->abj", self._turn, 1 / self._precision, self._turn)
        whole = torch.diag_embed(blocks)  # [M, M, J, J]
        return whole.transpose(1, 2).reshape(num_contrasts * num_columns, num_contrasts * num_columns)


def negative_hessian(regression: SoftmaxRegression, coefficients: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Of the log posterior, column after column of W.  [J, M] -> [M J, M J]"""
    num_columns, num_contrasts = coefficients.shape
    probs, basis = regression.log_probs(coefficients).exp(), regression.contrasts
    design, mean = regression.design.to(dtype), probs @ basis  # [L, J], [L, M]
    hessian = design.new_empty(num_contrasts, num_columns, num_contrasts, num_columns)
    for one in range(num_contrasts):
        for other in range(one + 1):
            curvature = probs @ (basis[:, one] * basis[:, other]) - mean[:, one] * mean[:, other]  # [L]
            block = design.T @ ((regression.importance * curvature).to(dtype)[:, None] * design)
            hessian[one, :, other], hessian[other, :, one] = block, block.T
        hessian[one, :, one].diagonal().add_(regression.precision.to(dtype))
    return hessian.view(num_contrasts * num_columns, num_contrasts * num_columns)
