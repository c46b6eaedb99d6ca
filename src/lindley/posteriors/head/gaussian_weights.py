"""A Gaussian over the weights of a softmax regression, with a full covariance or Kronecker's approximation of it.

The precision is the prior's and Σ_i ω_i x_i x_iᵀ ⊗ Λ_i, where Λ_i is the curvature of label i's loss along the
contrasts of its logits: at the most probable weights for Laplace's posterior, on average for the variational one.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lindley.posteriors.head.softmax_regression import DenseCurvatures, SoftmaxRegression, eigen_curvature
from lindley.posteriors.option_checks import check_choice
from lindley.torch_state import no_autocast

FULL_LIMIT = 4096
"""Coefficients up to which the covariance is exact: its Cholesky factor takes up to 64 MiB and half a second."""
DOUBLE_LIMIT = 2048
"""Coefficients up to which that factor is in float64; above in float32, in half the time."""
COVARIANCES = ("auto", "full", "kronecker")


@runtime_checkable
class GaussianWeights(Protocol):
    """A Gaussian without its mean."""

    kind: str
    log_det_ratio: float
    """log det (posterior precision) - log det (prior precision): at least 0."""

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        """Multiply standard normal noise by a square root of the covariance: deviations from the mean.

        [K, J, M] -> [K, J, M]
        """
        ...

    def output_covariance(self, design: Tensor) -> Tensor:
        """Covariance of the contrasts of logits at each row of a design.  [n, J] -> [n, M, M]"""
        ...

    def covariance(self) -> Tensor:
        """Covariance of the coefficients, column after column of W.  -> [M J, M J]"""
        ...


def is_full(regression: SoftmaxRegression, covariance: str = "auto") -> bool:
    """Whether the covariance is full.

    "auto" is "full" up to FULL_LIMIT coefficients, min(L, D) + 1 times C - 1, and "kronecker" above.
    """
    check_choice("covariance", covariance, COVARIANCES)
    size = regression.design.shape[1] * (regression.num_classes - 1)
    return size <= FULL_LIMIT if covariance == "auto" else covariance == "full"


def build_gaussian(regression: SoftmaxRegression, curvature: Tensor, covariance: str = "auto") -> GaussianWeights:
    """Return the Gaussian whose precision is the prior's and the curvature of the labels' losses.

    Args:
        regression: The regression, at whose design the curvature was taken.
        curvature: [L, M, M], the curvature of each label's loss along the contrasts of its logits.
        covariance: One of COVARIANCES.
    """
    exact = is_full(regression, covariance)
    return FullGaussian(regression, curvature) if exact else KroneckerGaussian(regression, curvature)


class FullGaussian:
    """The inverse of the whole negative Hessian, by its Cholesky factor; input and output are float64."""

    kind = "full"

    def __init__(self, regression: SoftmaxRegression, curvature: Tensor) -> None:
        self._shape = regression.design.shape[1], curvature.shape[1]
        size = self._shape[0] * self._shape[1]
        self._dtype = torch.float64 if size <= DOUBLE_LIMIT else torch.float32
        self._factor, failed = torch.linalg.cholesky_ex(precision_matrix(regression, curvature, self._dtype))
        if int(failed) and self._dtype == torch.float32:  # the prior is too weak beside the labels for float32
            self._dtype = torch.float64
            self._factor = torch.linalg.cholesky(precision_matrix(regression, curvature))
        log_det = 2 * self._factor.diagonal().double().log().sum()
        self.log_det_ratio = float(log_det - self._shape[1] * regression.precision.log().sum())

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        columns = noise.transpose(1, 2).flatten(1).T.to(self._dtype)  # [M J, K]
        solved = torch.linalg.solve_triangular(self._factor.T, columns, upper=True).double()
        deviations: Tensor = solved.T.unflatten(1, (self._shape[1], self._shape[0])).transpose(1, 2)
        return deviations

    @no_autocast()
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
    """The precision with the products of design columns and directions of the contrasts as its eigenvectors.

    It is exact where all labelled rows have the same curvature, or lie along one column each. The columns of the
    design are meant to be orthogonal. The cost is about L C² J, instead of (C J)³.
    """

    kind = "kronecker"

    def __init__(self, regression: SoftmaxRegression, curvature: Tensor) -> None:
        self._eigenvectors, eigenvalues = eigen_curvature(regression, DenseCurvatures(curvature))
        self._precision = eigenvalues + regression.precision[:, None]  # [J, M]
        self.log_det_ratio = float((eigenvalues / regression.precision[:, None]).log1p().sum())

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        return (noise / self._precision.sqrt()) @ self._eigenvectors.T

    def output_covariance(self, design: Tensor) -> Tensor:
        variance = design.square() @ (1 / self._precision)  # [n, M]
        return torch.einsum("am,nm,bm->nab", self._eigenvectors, variance, self._eigenvectors)

    def covariance(self) -> Tensor:
        num_columns, num_contrasts = self._precision.shape
        blocks = torch.einsum("am,jm,bm->abj", self._eigenvectors, 1 / self._precision, self._eigenvectors)
        whole = torch.diag_embed(blocks)  # [M, M, J, J]
        return whole.transpose(1, 2).reshape(num_contrasts * num_columns, num_contrasts * num_columns)


@no_autocast()
def precision_matrix(regression: SoftmaxRegression, curvature: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Precision of the posterior, column after column of W: the negative Hessian of its density.  -> [M J, M J]

    Args:
        regression: The regression, with L rows and J columns in its design.
        curvature: [L, M, M], the curvature of each label's loss along the contrasts of its logits.
        dtype: The precision of the numbers.
    """
    design, num_contrasts = regression.design.to(dtype), curvature.shape[1]
    num_columns = design.shape[1]
    weighted = (regression.sample_weight[:, None, None] * curvature).to(dtype)
    precision = design.new_empty(num_contrasts, num_columns, num_contrasts, num_columns)
    for one in range(num_contrasts):
        for other in range(one + 1):
            block = design.T @ (weighted[:, one, other, None] * design)
            precision[one, :, other], precision[other, :, one] = block, block.T
        precision[one, :, one].diagonal().add_(regression.precision.to(dtype))
    return precision.view(num_contrasts * num_columns, num_contrasts * num_columns)
