"""The curvature of a network's loss and its evidence, by the package laplace-torch (extra `laplace`).

The one file that imports it. Source: Daxberger et al. 2021, arXiv:2106.14806.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lindley.errors import FitError, InputError
from lindley.posteriors.laplace.network_gaussian import BlockwiseGaussian, DiagonalGaussian, NetworkGaussian
from lindley.torch_state import isolated_torch_state
from lindley.training.network_copies import deep_copy
from lindley.training.random_state import fork_rng

PACKAGES = (
    "asdfghjkl==0.1a4",
    "backpack-for-pytorch",
    "curvlinops-for-pytorch",
    "einconv",
    "einops",
    "laplace-torch",
    "lightning-utilities",
    "linear_operator",
    "opt_einsum",
    "torchmetrics",
    "tqdm",
    "unfoldNd",
)
"""laplace-torch and its dependencies, without torch, NumPy, SciPy and torchvision."""
PRIOR_PRECISIONS = (1e-4, 1e6)
"""Bounds of the search for the largest evidence."""
_MAX_JACOBIAN_ELEMENTS = 1 << 25
"""Numbers in the Jacobians of one batch of the diagonal: 128 MiB."""
_ROWS = 256


def fit_gaussian(
    module: nn.Module, inputs: Tensor, classes: Tensor, *, hessian: str, prior_precision: float | None, seed: int
) -> tuple[NetworkGaussian, float, float]:
    """Fit a Gaussian at the module's weights, whose curvature is the generalised Gauss-Newton matrix of the losses.

    Global generators are left as they were.

    Args:
        module: The trained network.
        inputs: [L, ...], the labelled inputs.
        classes: [L], their classes.
        hessian: "kron", a Kronecker-factored block for each parameter, or "diag".
        prior_precision: That of every weight; None is that of the largest evidence.
        seed: Seed of the global generators during the fit.

    Returns:
        The Gaussian, its prior precision and its log evidence in nats.

    Raises:
        InputError: If the package is missing.
        FitError: If the evidence is not finite.
    """
    size = sum(value.numel() for value in module.parameters())
    with (
        fork_rng(seed % 2**32, inputs.device.type),  # a DataLoader takes a seed from the global generator
        isolated_torch_state(inputs.device.type, gradients=True),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # from torch, about calls inside the package
        fitted = require_package().Laplace(
            deep_copy(module)[0], "classification", subset_of_weights="all", hessian_structure=hessian
        )
        with torch.no_grad():
            num_classes = fitted.model(inputs[:1]).shape[1]
        rows = _ROWS if hessian == "kron" else max(1, min(_ROWS, _MAX_JACOBIAN_ELEMENTS // (num_classes * size)))
        fitted.fit(DataLoader(TensorDataset(inputs, classes), batch_size=rows))
        chosen = _maximise_evidence(fitted) if prior_precision is None else prior_precision
        log_evidence = _log_evidence(fitted, chosen)
    if not math.isfinite(log_evidence):
        raise FitError(f"The evidence of this network is {log_evidence} at a prior precision of {chosen:g}.")
    return _build_gaussian(fitted, hessian, chosen), chosen, log_evidence


def _log_evidence(fitted: Any, prior_precision: float) -> float:
    with torch.no_grad():
        return float(fitted.log_marginal_likelihood(torch.tensor(prior_precision, device=fitted._device)))


def _maximise_evidence(fitted: Any) -> float:
    # The package's own search is a hundred steps of Adam, which may end before the maximum of one variable.
    bounds = tuple(math.log(value) for value in PRIOR_PRECISIONS)
    found = minimize_scalar(
        lambda log: -_log_evidence(fitted, math.exp(log)), bounds=bounds, method="bounded", options={"xatol": 1e-4}
    )
    return math.exp(float(found.x))


def _build_gaussian(fitted: Any, hessian: str, prior_precision: float) -> NetworkGaussian:
    if hessian == "diag":
        return DiagonalGaussian((fitted.H.detach() + prior_precision).rsqrt())
    factors = [  # contiguous, as they are once stored: products of another layout differ in the last bits
        [(vectors.detach().contiguous(), values.detach().clamp(min=0)) for vectors, values in zip(*block, strict=True)]
        for block in zip(fitted.H.eigenvectors, fitted.H.eigenvalues, strict=True)
    ]
    return BlockwiseGaussian(factors, prior_precision)


def require_package() -> Any:
    """Return the package. Raises InputError where it is missing or cannot be imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import laplace
            from laplace import Laplace  # noqa: F401  any folder of that name can be imported, and has none
    except ImportError:
        raise InputError(
            "Full-network Laplace requires laplace-torch, which is not installed: pip install 'lindley[laplace]'. "
            "Beside a CPU build of torch on Linux that brings torchvision and gigabytes of CUDA. There: "
            f"pip install --no-deps {' '.join(PACKAGES)}",
            argument="laplace-torch",
        ) from None
    except RuntimeError as error:  # torchvision's, where it was built for another torch
        raise InputError(
            f"laplace-torch is installed but cannot be imported: {error}. If that names torchvision, uninstall it, or "
            "install the one that belongs to this torch, from the index that torch came from; lindley does not use it.",
            argument="laplace-torch",
        ) from error
    return laplace
