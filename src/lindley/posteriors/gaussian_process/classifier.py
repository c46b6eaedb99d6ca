"""A Gaussian process classifier for few labels, with draws that are functions of any input.

Each class has a latent function, drawn from a Gaussian process; class probabilities are their softmax. The posterior
of the latent values at the labelled inputs is approximated by a Gaussian. A draw is a function from the prior that is
led through a sample of this Gaussian (Matheron's rule), hence the same for every row, in any order.
Sources: Rasmussen and Williams 2006, ch. 3.5; Wilson et al. 2020, arXiv:2002.09309; 2021, arXiv:2011.04026.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lindley.contracts import Categorical, Inputs, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.gaussian_process.kernel_evidence import Hyperparameters, maximise_evidence
from lindley.posteriors.gaussian_process.kernels import KERNELS, PathwiseFunctions
from lindley.posteriors.gaussian_process.latent_functions import GaussianProcessFit
from lindley.posteriors.gaussian_process.latent_laplace import LatentClassifier, find_mode
from lindley.posteriors.gaussian_process.latent_variational import MAX_UNKNOWNS, fit_variational
from lindley.posteriors.head.input_features import ReadFeatures, pool_scale, read_features, refuse_other_features
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.option_checks import check_choice, check_evidence_or_positive, check_finite
from lindley.posteriors.state_checks import (
    POSITIVE,
    TensorSpec,
    check_settings,
    check_tensors,
    index_spec,
    is_count,
    is_positive,
    one_of,
)
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features
from lindley.torch_state import isolated_torch_state

MAX_ELEMENTS = 40_000_000
"""Limit of C L²: 2,000 labels of ten classes. A fit holds a few matrices of this size, in float64."""
APPROXIMATIONS = ("auto", "variational", "laplace")
_BLOCK_ROWS = 1000
_PARTS = {
    "inputs": TensorSpec("L D"),
    "origin": TensorSpec("D"),
    "scale": TensorSpec("D", least=POSITIVE),
    "lengthscales": TensorSpec("D", least=POSITIVE),
    "classes": index_spec("L", below="C"),
    "sample_weight": TensorSpec("L", least=POSITIVE),
    "coefficients": TensorSpec("L C"),
    "curvature": TensorSpec("L M M"),
}


@dataclass(frozen=True)
class GaussianProcess:
    """A learner on the inputs themselves (images are read as long vectors), or on what `features` makes of them.

    Inputs are measured in standard deviations of the pool. It is meant for up to about 1,000 labels: the time of a fit
    grows with C L³.
    """

    features: ReadFeatures | None = None
    kernel: str = "matern-5/2"
    """"rbf", "matern-3/2" or "matern-5/2"."""
    ard: bool = False
    """Whether each input has a lengthscale of its own, which few labels seldom determine; else all share one."""
    lengthscale: float | str = "evidence"
    """The lengthscale in standard deviations of the pool, or "evidence"."""
    amplitude: float | str = "evidence"
    """Standard deviation of latent values in the prior, in nats, or "evidence"."""
    frequencies: int = 512
    """Number of random frequencies in a prior draw: correlations are off by about 1 / sqrt(2 · frequencies), 0.03."""
    class_weights: Sequence[float] | None = None
    approximation: str = "auto"
    """"variational", the Gaussian nearest to the posterior, or "laplace", about the most probable values.

    "auto" is "variational" up to L (C - 1) = latent_variational.MAX_UNKNOWNS, and "laplace" above. Lengthscale and
    amplitude are always chosen by Laplace's evidence.
    """
    device: str = "cpu"
    """Device of the features and draws, in float64; the fit itself runs on the CPU."""

    def __post_init__(self) -> None:
        check_choice("kernel", self.kernel, KERNELS)
        check_choice("approximation", self.approximation, APPROXIMATIONS)
        if self.frequencies < 1:
            raise InputError(argument="frequencies", expected="at least 1", got=self.frequencies)
        check_evidence_or_positive("lengthscale", self.lengthscale)
        check_evidence_or_positive("amplitude", self.amplitude)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> GaussianProcessPosterior:
        """See Learner.fit. Nothing in the fit is random: `seed` and `previous` are ignored."""
        check_supported(self, data, sample_weight=True)
        labels, num_classes = data.labels, data.num_classes
        classes = labels.values.cpu()
        if num_classes * len(labels) ** 2 > MAX_ELEMENTS:
            raise InputError(
                "A BayesianHead takes any number of labels.",
                argument="labels",
                expected=f"few, with C L² at most {MAX_ELEMENTS:,} for a Gaussian process of {num_classes} classes",
                got=len(labels),
            )
        given = read_features(data.pool.read(labels.rows), self.features, self.device).cpu().double()  # [L, D]
        check_finite("inputs", given, labels.rows)
        origin, scale = given.mean(0), pool_scale(data.pool, self.features, self.device)
        inputs, sample_weight = (given - origin) / scale, label_weights(data, self.class_weights)
        parameters = maximise_evidence(
            self.kernel,
            inputs,
            classes,
            sample_weight,
            num_classes,
            ard=self.ard,
            lengthscale=None if isinstance(self.lengthscale, str) else self.lengthscale,
            amplitude=None if isinstance(self.amplitude, str) else self.amplitude,
        )
        covariance = parameters.covariance(self.kernel, inputs)
        classifier = LatentClassifier(covariance, classes, sample_weight, num_classes)
        coefficients, curvature = find_mode(classifier), None
        few = len(labels) * (num_classes - 1) <= MAX_UNKNOWNS
        if self.approximation == "variational" or (self.approximation == "auto" and few):
            coefficients, curvature = fit_variational(classifier, coefficients)
        fit = GaussianProcessFit(
            self.kernel, self.frequencies, inputs, origin, scale, parameters, classifier, coefficients, curvature
        )
        return GaussianProcessPosterior(fit, features=self.features, device=self.device)


class GaussianProcessPosterior:
    """Latent functions of each class; `lengthscales` [D] in standard deviations, `amplitude` in nats."""

    def __init__(self, fit: GaussianProcessFit, *, features: ReadFeatures | None = None, device: str = "cpu") -> None:
        self.fit_result = fit
        self.lengthscales, self.amplitude = fit.parameters.lengthscales, fit.parameters.amplitude
        self._features, self._device = features, device

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood of the labels by Laplace's approximation, in nats."""
        classifier = self.fit_result.classifier
        return float(classifier.log_evidence(find_mode(classifier)))

    def draw(self, num_draws: int, *, seed: int) -> GaussianProcessDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        return self._draws(self.fit_result.sample(num_draws, seed=seed), num_draws)

    def point(self) -> GaussianProcessDraws:
        """Return the mean of the latent functions; by Laplace's approximation, the most probable ones."""
        return self._draws(self.fit_result.mean(), 1)

    def features(self, inputs: Inputs) -> Features:
        """Return the inputs in lengthscales, in which the kernel measures distance.  n inputs -> [n, D] float32"""
        fit, given = self.fit_result, read_features(inputs, self._features, self._device)
        scaled = (given.cpu().double() - fit.origin) / (fit.scale * fit.parameters.lengthscales)
        return scaled.float().to(given.device)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that `from_state_dict` requires but the features' function. Holds the labelled inputs."""
        fit = self.fit_result
        tensors = {
            "inputs": fit.inputs,
            "origin": fit.origin,
            "scale": fit.scale,
            "lengthscales": fit.parameters.lengthscales,
            "classes": fit.classifier.classes,
            "sample_weight": fit.classifier.sample_weight,
            "coefficients": fit.coefficients,
        }
        if fit.curvature is not None:
            tensors["curvature"] = fit.curvature
        return tensors, {
            "kernel": fit.kernel,
            "frequencies": fit.frequencies,
            "amplitude": self.amplitude,
            "features": self._features is not None,
        }

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        features: ReadFeatures | None = None,
        device: str = "cpu",
    ) -> GaussianProcessPosterior:
        """Return the posterior that was saved.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            features: The function that its learner had.
            device: Where features are read and draws computed.

        Raises:
            InputError: If `features` is missing, or given to a posterior that had none.
        """
        refuse_other_features(features, settings)
        check_settings(settings, {"kernel": one_of(KERNELS), "frequencies": is_count, "amplitude": is_positive})
        coefficients = tensors.get("coefficients", torch.empty(0, 0))
        num_classes = coefficients.shape[1] if coefficients.dim() == 2 else 0
        parts = {name: each for name, each in _PARTS.items() if name != "curvature" or name in tensors}
        check_tensors(tensors, parts, C=num_classes, M=num_classes - 1)
        kernel, inputs, coefficients = settings["kernel"], tensors["inputs"], tensors["coefficients"]
        parameters = Hyperparameters(tensors["lengthscales"], settings["amplitude"])
        covariance = parameters.covariance(kernel, inputs)
        classifier = LatentClassifier(covariance, tensors["classes"], tensors["sample_weight"], coefficients.shape[1])
        fit = GaussianProcessFit(
            kernel,
            settings["frequencies"],
            inputs,
            tensors["origin"],
            tensors["scale"],
            parameters,
            classifier,
            coefficients,
            tensors.get("curvature"),
        )
        return cls(fit, features=features, device=device)

    def _draws(self, functions: PathwiseFunctions, num_draws: int) -> GaussianProcessDraws:
        fit = self.fit_result
        return GaussianProcessDraws(
            functions,
            fit.origin,
            fit.scale * fit.parameters.lengthscales,
            num_draws=num_draws,
            features=self._features,
            device=self._device,
        )


class GaussianProcessDraws:
    """K times C latent functions, and their softmax over the classes."""

    def __init__(
        self,
        functions: PathwiseFunctions,
        origin: Tensor,
        unit: Tensor,
        *,
        num_draws: int,
        features: ReadFeatures | None,
        device: str,
    ) -> None:
        """Take functions of (inputs - origin) / unit.

        Args:
            functions: Functions class after class: column c K + k is class c of draw k.
            origin: [D].
            unit: [D].
            num_draws: K.
            features: The function that makes features of inputs.
            device: Where predictions are computed.
        """
        self.num_draws = num_draws
        self._functions = functions.to_device(device)
        self._origin, self._unit = origin.to(device), unit.to(device)
        self._features, self._device = features, device
        digest = hashlib.blake2b(functions.kernel.encode(), digest_size=8)
        for tensor in (*functions.tensors(), origin, unit):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        self.id = f"gaussian-process-{digest.hexdigest()}-{num_draws}"

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        given = read_features(inputs, self._features, self._device)
        if given.shape[1] != len(self._origin):
            raise InputError(
                "Give inputs like those that the Gaussian process was fitted to.",
                argument="inputs",
                expected=f"rows of {len(self._origin)} numbers",
                got=[*given.shape],
            )
        blocks = given.split(_BLOCK_ROWS) if len(given) else (given,)
        with isolated_torch_state(self._device):
            return Categorical(torch.cat([self._block(block) for block in blocks]))

    def _block(self, given: Tensor) -> Tensor:
        values = self._functions((given.double() - self._origin) / self._unit)  # [n, C K]
        by_class = values.unflatten(1, (values.shape[1] // self.num_draws, self.num_draws))  # [n, C, K]
        log_probs: Tensor = by_class.log_softmax(1).transpose(1, 2).float().contiguous()  # [n, K, C]
        return log_probs
