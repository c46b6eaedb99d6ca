"""A Bayesian head: softmax regression on features, with draws from a Gaussian posterior of its weights.

The prior is N(0, 1 / prior_precision) on every class's weight of every feature, features measured in standard
deviations of the pool, and a broad prior of their own on biases. Each draw is one set of weights, hence one function.
The Gaussian is the one nearest to the posterior. Laplace's is an option: with more weights than labels its draws are
far too unsure, even of the labels that they were fitted to.
Sources: MacKay 1992, "The evidence framework applied to classification networks"; Daxberger et al. 2021,
arXiv:2106.14806.
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
from lindley.noise import torch_generator
from lindley.posteriors.head.gaussian_weights import COVARIANCES, build_gaussian
from lindley.posteriors.head.head_coordinates import HeadCoordinates
from lindley.posteriors.head.head_fit import APPROXIMATIONS, BIAS_PRECISION, HeadFit, fit_head
from lindley.posteriors.head.input_features import ReadFeatures, pool_scale, read_features, refuse_other_features
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, contrasts
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.option_checks import check_choice, check_evidence_or_positive, check_finite, check_positive
from lindley.posteriors.state_checks import (
    POSITIVE,
    TensorSpec,
    check_settings,
    check_tensors,
    index_spec,
    is_count,
    is_device,
    is_positive,
    one_of,
)
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features, Scores
from lindley.torch_state import isolated_torch_state

_SETTINGS = {
    "num_classes": lambda value: is_count(value) and value >= 2,
    "covariance": one_of(("full", "kronecker")),
    "prior_precision": is_positive,
    "device": is_device,
}
_PARTS = {
    "design": TensorSpec("L J"),
    "classes": index_spec("L", below="C"),
    "sample_weight": TensorSpec("L", least=POSITIVE),
    "precision": TensorSpec("J", least=POSITIVE),
    "origin": TensorSpec("D"),
    "scale": TensorSpec("D", least=POSITIVE),
    "basis": TensorSpec("D R"),
    "coefficients": TensorSpec("J M"),
    "mean": TensorSpec("J M"),
    "curvature": TensorSpec("L M M"),
}


@dataclass(frozen=True)
class BayesianHead:
    """A learner on features: the inputs themselves (images are read as long vectors), or what `features` returns."""

    features: ReadFeatures | None = None
    prior_precision: float | str = "evidence"
    """The prior precision of the weights of features in the pool's standard deviations.

    "evidence" takes the power of two with the largest evidence.
    """
    bias_precision: float = BIAS_PRECISION
    covariance: str = "auto"
    """"full"; "kronecker"; or "auto", full up to gaussian_weights.FULL_LIMIT coefficients."""
    class_weights: Sequence[float] | None = None
    approximation: str = "variational"
    """"variational", the Gaussian nearest to the posterior, or "laplace", about the most probable weights."""
    device: str = "cpu"
    """Device of the features and predictions; the fit itself runs on the CPU in float64."""

    def __post_init__(self) -> None:
        check_evidence_or_positive("prior_precision", self.prior_precision)
        check_positive("bias_precision", self.bias_precision)
        check_choice("approximation", self.approximation, APPROXIMATIONS)
        check_choice("covariance", self.covariance, COVARIANCES)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> HeadPosterior:
        """See Learner.fit. Nothing is random: `seed` is ignored. A head as `previous` shortens the search."""
        check_supported(self, data, sample_weight=True)
        features = read_features(data.pool.read(data.labels.rows), self.features, self.device).cpu()  # [L, D]
        check_finite("features", features, data.labels.rows)
        fit = fit_head(
            features,
            data.labels.values.cpu(),
            num_classes=data.num_classes,
            scale=pool_scale(data.pool, self.features, self.device),
            sample_weight=label_weights(data, self.class_weights),
            prior_precision=self.prior_precision,
            bias_precision=self.bias_precision,
            covariance=self.covariance,
            approximation=self.approximation,
            previous=previous.fit_result if isinstance(previous, HeadPosterior) else None,
        )
        return HeadPosterior(fit, features=self.features, device=self.device)


class HeadPosterior:
    """Weights of a softmax regression, with a Gaussian posterior.

    `covariance` is "full" or "kronecker", `prior_precision` a number, `log_evidence` in nats.
    """

    def __init__(self, fit: HeadFit, *, features: ReadFeatures | None = None, device: str = "cpu") -> None:
        self.fit_result = fit
        self.covariance = fit.gaussian.kind
        self.prior_precision = fit.prior_precision
        self.log_evidence = fit.log_evidence
        self._features = features
        self._device = device

    def draw(self, num_draws: int, *, seed: int) -> HeadDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        return self._build_draws(draw_weights(self.fit_result, num_draws, seed=seed))

    def point(self) -> HeadDraws:
        """Return the most probable weights as one draw."""
        return self._build_draws(self.fit_result.coordinates.to_features(self.fit_result.coefficients)[None])

    def features(self, inputs: Inputs) -> Features:
        """Return the centred features in standard deviations of the pool.  n inputs -> [n, D] float32"""
        given = read_features(inputs, self._features, self._device)
        coordinates = self.fit_result.coordinates
        return ((given.cpu().double() - coordinates.origin) / coordinates.scale).float().to(given.device)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the head without it, approximately (`HeadFit`).  [L] nats"""
        return self.fit_result.leave_one_out()

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that `from_state_dict` requires but the features' function; the labelled features are rotated."""
        regression, coordinates = self.fit_result.regression, self.fit_result.coordinates
        tensors = {
            "design": regression.design,
            "classes": regression.classes,
            "sample_weight": regression.sample_weight,
            "precision": regression.precision,
            "origin": coordinates.origin,
            "scale": coordinates.scale,
            "basis": coordinates.basis,
            "coefficients": self.fit_result.coefficients,
            "mean": self.fit_result.mean,
            "curvature": self.fit_result.curvature,
        }
        settings = {
            "num_classes": regression.num_classes,
            "covariance": self.covariance,
            "prior_precision": self.prior_precision,
            "device": self._device,
            "features": self._features is not None,
        }
        return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}, settings

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        features: ReadFeatures | None = None,
        device: str | None = None,
    ) -> HeadPosterior:
        """Return the posterior that was saved.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            features: The function that its learner had.
            device: Where features are read and predictions computed; None is the device that was saved.

        Raises:
            InputError: If `features` is missing, or given to a posterior that had none.
        """
        refuse_other_features(features, settings)
        check_settings(settings, _SETTINGS)
        num_classes = settings["num_classes"]
        check_tensors(tensors, _PARTS, C=num_classes, M=num_classes - 1)
        if tensors["design"].shape[1] != tensors["basis"].shape[1] + 1:
            raise InputError(
                argument="the tensor 'design'",
                expected="one column wider than 'basis'",
                got=[*tensors["design"].shape],
            )
        regression = SoftmaxRegression(
            tensors["design"],
            tensors["classes"],
            tensors["sample_weight"],
            tensors["precision"],
            num_classes,
        )
        coordinates = HeadCoordinates(tensors["origin"], tensors["scale"], tensors["basis"])
        coefficients, mean, curvature = (tensors[name] for name in ("coefficients", "mean", "curvature"))
        gaussian = build_gaussian(regression, curvature, settings["covariance"])
        fit = HeadFit(regression, coordinates, coefficients, mean, curvature, gaussian, settings["prior_precision"])
        return cls(fit, features=features, device=device or settings["device"])

    def _build_draws(self, weights: Tensor) -> HeadDraws:
        coordinates = self.fit_result.coordinates
        return HeadDraws(weights, coordinates.origin, coordinates.scale, features=self._features, device=self._device)


class HeadDraws:
    """K softmax regressions, computed as one matrix product."""

    def __init__(
        self, weights: Tensor, origin: Tensor, scale: Tensor, *, features: ReadFeatures | None, device: str
    ) -> None:
        """Take the weights of scaled features, in contrasts.

        Args:
            weights: [K, D + 1, M], the biases below the weights.
            origin: [D], the origin of the features.
            scale: [D], their units.
            features: The function that makes features of inputs.
            device: Where predictions are computed.
        """
        self.num_draws = len(weights)
        of_classes = weights @ contrasts(weights.shape[2] + 1).T  # [K, D + 1, C]
        self._num_classes = of_classes.shape[2]
        # Classes before draws: a softmax over the last axis of a few classes takes ten times as long (measured).
        columns = of_classes.permute(1, 2, 0).flatten(1)  # [D + 1, C K]
        self._weights = (columns[:-1] / scale[:, None]).float().to(device)
        self._bias = columns[-1].float().to(device)
        self._origin = origin.float().to(device)
        self._features = features
        self._device = device
        self.id = f"head-{_fingerprint(self._weights, self._bias, self._origin)}-{self.num_draws}"

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        with isolated_torch_state(self._device):
            features = read_features(inputs, self._features, self._device).float()
            if features.shape[1] != len(self._origin):
                raise InputError(
                    "Give inputs like those that the head was fitted to.",
                    argument="inputs",
                    expected=f"rows of {len(self._origin)} features",
                    got=[*features.shape],
                )
            logits = torch.addmm(self._bias, features - self._origin, self._weights)  # [n, C K]
            by_class = logits.view(len(features), self._num_classes, self.num_draws)
            return Categorical(by_class.log_softmax(1).transpose(1, 2).contiguous())  # [n, K, C]


def draw_weights(fit: HeadFit, num_draws: int, *, seed: int) -> Tensor:
    """Sample weights of scaled features, and the bias below them, from the posterior.  -> [K, D + 1, M]

    Args:
        fit: The fitted head.
        num_draws: K.
        seed: Seed of the noise; draw k has noise of its own.
    """
    coordinates = fit.coordinates
    shape = len(coordinates.origin) + 1, fit.mean.shape[1]
    noise = torch.stack(
        [
            torch.randn(shape, generator=torch_generator(seed, "head weights", draw), dtype=torch.float64)
            for draw in range(num_draws)
        ]
    )  # [K, D + 1, M]
    inside = torch.cat([coordinates.basis.T @ noise[:, :-1], noise[:, -1:]], dim=1)  # [K, R + 1, M]
    sampled = fit.mean + fit.gaussian.multiply_covariance_root(inside)
    # Outside the span of the labelled rows is the prior: the same noise, less the part inside.
    outside = (noise[:, :-1] - coordinates.basis @ inside[:, :-1]) / fit.prior_precision**0.5
    return torch.cat([coordinates.basis @ sampled[:, :-1] + outside, sampled[:, -1:]], dim=1)


def _fingerprint(*tensors: Tensor) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
