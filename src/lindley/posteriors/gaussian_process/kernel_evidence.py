"""The lengthscales and the amplitude of largest evidence for a Gaussian process classifier."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lindley.posteriors.gaussian_process.kernels import correlation
from lindley.posteriors.gaussian_process.latent_laplace import LatentClassifier, find_mode
from lindley.shapes import ClassIndices

TUNING_LABELS = 300
"""The most labels that the search uses, spread evenly over their order: one evaluation costs C L³."""
_LENGTHSCALE_RANGE = math.log(32)
"""Logarithm of the largest factor between a lengthscale and the typical distance between labelled inputs."""
_AMPLITUDES = (math.log(1 / 4), math.log(16))
"""Logarithms of the bounds of the amplitude."""
_FIRST_AMPLITUDE = 2.0
_MAX_STEPS = 50


@dataclass(frozen=True)
class Hyperparameters:
    """k(x, x') = amplitude² correlation((x - x') / lengthscales)."""

    lengthscales: Tensor  # [D] float64, in the units of the inputs
    amplitude: float

    def covariance(self, kernel: str, inputs: Tensor) -> Tensor:
        """Return the covariance of the latent values at inputs.  [L, D] -> [L, L]"""
        scaled = inputs / self.lengthscales
        return self.amplitude**2 * correlation(kernel, scaled, scaled)


def maximise_evidence(
    kernel: str,
    inputs: Tensor,
    classes: ClassIndices,
    sample_weight: Tensor,
    num_classes: int,
    *,
    ard: bool,
    lengthscale: float | None = None,
    amplitude: float | None = None,
) -> Hyperparameters:
    """Maximise Laplace's evidence by L-BFGS.

    The search starts from the typical distance, so that the answer depends on nothing but the labels. Where the
    evidence has several peaks, it is the peak found from there.

    Args:
        kernel: One of kernels.KERNELS.
        inputs: [L, D], the labelled inputs.
        classes: [L], their classes.
        sample_weight: [L], the weights of the labels.
        num_classes: C.
        ard: Whether each column has a lengthscale of its own.
        lengthscale: A fixed lengthscale; None searches.
        amplitude: A fixed amplitude; None searches.
    """
    from scipy.optimize import minimize

    chosen = torch.linspace(0, len(inputs) - 1, min(len(inputs), TUNING_LABELS), dtype=torch.float64).round().long()
    inputs, classes, sample_weight = inputs[chosen], classes[chosen], sample_weight[chosen]
    num_columns, base = inputs.shape[1], math.log(typical_distance(inputs))
    first = [base if lengthscale is None else math.log(lengthscale)] * (num_columns if ard else 1)
    first.append(math.log(_FIRST_AMPLITUDE if amplitude is None else amplitude))
    bounds = (
        [(each, each) for each in first]
        if lengthscale
        else [(base - _LENGTHSCALE_RANGE, base + _LENGTHSCALE_RANGE)] * len(first)
    )
    bounds[-1] = (first[-1], first[-1]) if amplitude else _AMPLITUDES
    known: Tensor | None = None

    @torch.enable_grad()
    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal known
        logs = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        lengths = logs[:-1].exp().expand(num_columns)
        scaled = inputs / lengths
        covariance = (2 * logs[-1]).exp() * correlation(kernel, scaled, scaled)
        fixed = LatentClassifier(covariance.detach(), classes, sample_weight, num_classes)
        known = find_mode(fixed, known)
        evidence = differentiable_evidence(LatentClassifier(covariance, classes, sample_weight, num_classes), known)
        evidence.backward()
        return -float(evidence.detach()), -_gradient(logs)

    if lengthscale is None or amplitude is None:
        found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _MAX_STEPS})
        first = found.x.tolist()
    lengthscales = torch.tensor(first[:-1], dtype=torch.float64).exp().expand(num_columns).contiguous()
    return Hyperparameters(lengthscales, math.exp(first[-1]))


def differentiable_evidence(classifier: LatentClassifier, mode: Tensor) -> Tensor:
    """Return the log evidence with the derivatives of the mode itself.  [L, C] -> nats

    A Newton step from the mode stays there, but its derivative by the covariance is that of the mode.
    """
    return classifier.log_evidence(classifier.take_newton_step(mode.detach()))


def typical_distance(inputs: Tensor) -> float:
    """Root mean square distance of two inputs, over √2: √D for D independent columns of unit variance."""
    centred = inputs - inputs.mean(0)
    squared = float(centred.square().sum(1).mean())
    return math.sqrt(squared) if squared > 0 else math.sqrt(inputs.shape[1])


def _gradient(logs: Tensor) -> np.ndarray:
    assert logs.grad is not None
    return logs.grad.numpy()
